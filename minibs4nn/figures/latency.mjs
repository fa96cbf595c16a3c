// Chapter 02: draw or pick a digit and watch it arrive, as spikes.

import { decode, fromBase64, latencyCode } from "./bs4nn.mjs";
import { drawingPad, paint, picture, samplePicker, SIDE } from "./drawing.mjs";
import {
  button, choice, count, frame, h, label, onWidth, put, scale, slider, ticksOf, timeAxis,
  watch,
} from "./figure.mjs";

const HEIGHT = 230;
const WINDOWS = [256, 64, 16, 4];

/** What a reader who does not see the picture must know at step t. */
export function sentence(pixels, t, tMax) {
  const times = latencyCode(pixels, tMax);
  const fires = times.filter((s) => s < tMax);
  const back = decode(times, tMax);
  const off = Math.max(...back.map((p, i) => Math.abs(p - pixels[i])));
  return `By step ${t}, ${fires.filter((s) => s <= t).length} of ${count(fires.length, "spike")} ` +
    `have come, ${fires.filter((s) => s === t).length} of them in this step. They use ` +
    `${count(new Set(fires).size, "step")} of the window's ${tMax}. Read back from the times, ` +
    (off === 0 ? "every grey level is right." : `a grey level is off by up to ${off}.`);
}

export function render({ model, el }) {
  const samples = fromBase64(model.get("samples"));
  const parts = frame(el, "latency", model.get("title"));
  let [mine, width] = [false, 0];

  const show = (pixels, done) => {
    mine = true;
    put(model, { pixels: Array.from(pixels) }, done);
    mine = false;
    update();
  };
  const pad = drawingPad("latency", show);
  const arrived = picture("", { class: "bs-film" });
  const back = picture("the picture, read back from all spike times", { class: "bs-film" });
  const column = (...children) => h("div", { class: "bs-column" }, ...children);
  const raster = h("svg", { role: "img", height: HEIGHT });
  parts.picture.append(
    h("div", { class: "bs-row" },
      column(pad.canvas, h("span", {}, "draw here"), pad.says),
      column(arrived, h("span", {}, "has arrived")),
      column(back, h("span", {}, "read back"))),
    raster,
  );

  const time = slider({ label: "step", min: 0, max: model.get("t_max") - 1,
    value: model.get("step"), testid: "latency-step" }, (step) => put(model, { step }));
  const windows = choice({ label: "window", value: model.get("t_max"), testid: "latency-window",
    options: WINDOWS.map((n) => [n, `${n} steps`]) }, (value) => {
    const [before, now] = [model.get("t_max"), Number(value)];
    // The same share of the window as before.
    put(model, { step: Math.floor((model.get("step") * now) / before), t_max: now });
  });
  parts.controls.append(
    h("div", { class: "bs-wide" }, time.element),
    windows.element,
    h("div", { class: "bs-buttons" }, button("Clear", "latency-clear", () => pad.clear())),
    h("div", { class: "bs-buttons bs-wide", role: "group", "aria-label": "digits" },
      ...samplePicker(samples, model.get("labels"), "latency", (pixels) => {
        pad.replace(pixels);
        show(pixels, true);
      })),
  );

  function update() {
    const [pixels, tMax] = [model.get("pixels"), model.get("t_max")];
    const t = Math.min(model.get("step"), tMax - 1);
    const times = latencyCode(pixels, tMax);
    time.input.max = tMax - 1;
    time.set(t);
    windows.set(tMax);
    paint(arrived, pixels.map((p, i) => (times[i] <= t ? p : 0)));
    arrived.setAttribute("aria-label", `the picture, as far as it has arrived by step ${t}`);
    paint(back, decode(times, tMax));
    parts.says.textContent = sentence(pixels, t, tMax);
    raster.setAttribute("aria-label", `Raster: ${parts.says.textContent}`);
    parts.root.dataset.spikes = times.filter((s) => s <= t).length;
    if (width > 0) draw(times, t, tMax);
  }

  function draw(times, t, tMax) {
    const bottom = HEIGHT - 42;
    const x = scale(0, tMax, 34, width - 24);
    const y = scale(0, SIDE * SIDE, 4, bottom - 4);
    const ticks = (some) => some.map((i) => `M${x(times[i]) + 1.5},${y(i) - 3}v6`).join("");
    const fires = Array.from(times.keys()).filter((i) => times[i] < tMax);
    const [come, later] = [true, false].map((yes) => fires.filter((i) => times[i] <= t === yes));
    raster.setAttribute("width", width);
    raster.replaceChildren(
      h("rect", { x: x(0), y: 0, width: x(t + 1) - x(0), height: bottom, class: "bs-past" }),
      timeAxis(x, bottom, ticksOf(tMax)),
      label(14, bottom / 2, "pixel", { transform: `rotate(-90 14 ${bottom / 2})`,
        "text-anchor": "middle", class: "bs-dim" }),
      h("path", { d: ticks(later), class: "bs-tick bs-later" }),
      h("path", { d: ticks(come), class: "bs-tick" }),
    );
  }

  watch(model, ["step", "t_max"], update);
  watch(model, ["pixels"], () => {
    if (mine) return;
    pad.replace(Uint8Array.from(model.get("pixels")));
    update();
  });
  pad.replace(Uint8Array.from(model.get("pixels")));
  update();
  return onWidth(parts.picture, (now) => {
    width = now;
    update();
  });
}

export default { render };
