// The front page: draw a digit and watch a trained network decide, spike by spike.

import {
  decide, fromBase64, latencyCode, networkSpikeTimes, potentialsOverTime, readBits,
} from "./bs4nn.mjs";
import { corrupt, drawingPad, paint, picture, samplePicker } from "./drawing.mjs";
import {
  button, count, frame, h, label, onWidth, put, scale, slider, star, still, timeAxis, watch,
} from "./figure.mjs";

const SECONDS = 6; // from step 0 to the last
const ROOM = 8; // how far above the threshold the lines are followed
const MARKS = [0, 1 / 64, 1 / 16, 1 / 4, 9 / 16, 1]; // of the window, far enough apart on the axis

/** Everything that the network does with a picture. */
export function run(network, pixels) {
  const times = latencyCode(pixels, network.tMax);
  const { layers, potential } = networkSpikeTimes(times, network);
  const [hidden, outputs] = layers;
  const theta = network.thresholds[1];
  const first = Math.min(...outputs);
  return {
    times,
    hidden,
    outputs,
    first, // tMax if all are silent
    tied: Array.from(outputs.keys()).filter((j) => first < network.tMax && outputs[j] === first),
    answer: decide(outputs, potential, theta, "first-spike", network.tMax),
    // How far each output neuron is above its threshold, at each step.
    excess: potentialsOverTime(hidden, network.weights[1], theta.length, network.tMax).map(
      (own, j) => own.map((v) => v - theta[j]),
    ),
  };
}

/** The steps that are written below the axis of time. */
export function marksOf(tMax) {
  return [...new Set(MARKS.map((share) => Math.round(share * tMax)))];
}

/** The output neurons at step t, the one nearest to its threshold first. */
export function ranking(trace, t) {
  const order = [...trace.excess.keys()];
  return order.sort((a, b) => trace.excess[b][t] - trace.excess[a][t] || a - b);
}

/** What a reader who does not see the picture must know at step t. */
export function sentence(trace, t, tMax, digit) {
  const fired = (some) => some.filter((s) => s <= t).length;
  const inAll = trace.times.filter((s) => s < tMax).length;
  const state = `Step ${t}: ${fired(trace.times)} of ${count(inAll, "pixel")} and ` +
    `${count(fired(trace.hidden), "hidden neuron")} have fired.`;
  const truth = digit < 0 ? "" : ` The picture's label is ${digit}.`;
  if (inAll === 0 && trace.first === tMax) return "The picture is black: nobody fires.";
  if (t >= trace.first) {
    const among = trace.tied.length > 1
      ? `${trace.tied.join(" and ")} fire first, together; ${trace.answer} is farther above its ` +
        "threshold, or has the lower number, and is"
      : `${trace.answer} fired first and is`;
    return `${state} ${among} the answer, since step ${trace.first}.${truth}`;
  }
  const front = ranking(trace, t)[0];
  const short = count(1 - trace.excess[front][t], "step").replace(/ steps?/, "");
  if (t === tMax - 1) {
    return `${state} All ten outputs are silent. ${trace.answer} is nearest to its threshold ` +
      `and is the answer.${truth}`;
  }
  return `${state} In front is ${front}, which needs ${short} more to fire.`;
}

/** Move heights, given in ascending order, until neighbours keep a distance; none is below end. */
function apart(heights, distance, end) {
  const moved = [...heights];
  for (let pass = 0; pass < 60; pass++) {
    moved[moved.length - 1] = Math.min(moved.at(-1), end);
    for (let k = 1; k < moved.length; k++) {
      const lacking = distance - (moved[k] - moved[k - 1]);
      if (lacking > 0) {
        moved[k - 1] -= lacking / 2;
        moved[k] += lacking / 2;
      }
    }
  }
  return moved;
}

export function render({ model, el }) {
  const network = readBits(fromBase64(model.get("network")));
  const samples = fromBase64(model.get("samples"));
  const last = network.tMax - 1;
  const parts = frame(el, "network", model.get("title"));
  let clean = Uint8Array.from(model.get("pixels")); // the picture before it is spoilt
  let trace = run(network, clean);
  let mine = false; // whether a change of the picture comes from here
  let width = 0;

  // The picture: the pad, what has arrived, the hidden neurons, the race.
  const pad = drawingPad("network", (pixels, done) => {
    const seen = setPicture(pixels, -1, done);
    if (done && seen.some((p, k) => p !== pixels[k])) pad.show(seen); // with noise, or rows hidden
  });
  const arrived = picture("", { class: "bs-film", "data-testid": "network-arrived" });
  const cells = Array.from(network.thresholds[0], (_, j) =>
    h("rect", { x: (j % 25) * 6, y: Math.floor(j / 25) * 6, width: 5, height: 5 }));
  const lattice = h("svg", { class: "bs-lattice", viewBox: "0 0 149 149", role: "img" }, ...cells);
  const race = h("svg", { role: "img", height: 300, "data-testid": "network-race" });
  const column = (...children) => h("div", { class: "bs-column" }, ...children);
  parts.picture.append(
    h("div", { class: "bs-row" },
      column(pad.canvas, h("span", {}, "draw here"), pad.says),
      column(arrived, h("span", {}, "pixels that have fired")),
      column(lattice, h("span", {}, `${cells.length} hidden neurons`))),
    race,
  );

  // The controls.
  const time = slider(
    { label: "step", min: 0, max: last, value: model.get("step"), testid: "network-step" },
    (t) => { stop(); put(model, { step: t }); },
  );
  const noise = slider(
    { label: "noise", min: 0, max: 60, value: 0, testid: "network-noise", show: (x) => `${x} %` },
    () => spoil(),
  );
  const cover = slider(
    { label: "rows hidden", min: 0, max: 20, value: 0, testid: "network-cover" },
    () => spoil(),
  );
  const play = button("Play", "network-play", () => (timer === null ? start() : stop()));
  const jump = button("To the decision", "network-decision", () => {
    stop();
    put(model, { step: Math.min(trace.first, last) });
  });
  parts.controls.append(
    h("div", { class: "bs-wide" }, time.element),
    h("div", { class: "bs-buttons bs-wide" }, play, jump,
      button("Clear", "network-clear", () => { resetSpoil(); pad.clear(); })),
    h("div", { class: "bs-buttons bs-wide", role: "group", "aria-label": "test images" },
      ...samplePicker(samples, model.get("labels"), "network", (pixels, digit) => {
        stop();
        resetSpoil();
        pad.replace(setPicture(pixels, digit, true));
      })),
    noise.element,
    cover.element,
  );

  /** Take a new picture, at the moment of its decision; return what the network sees of it. */
  function setPicture(pixels, digit, done) {
    stop();
    clean = pixels;
    const seen = corrupt(clean, Number(noise.input.value) / 100, Number(cover.input.value));
    trace = run(network, seen);
    mine = true;
    const step = Math.min(trace.first, last);
    put(model, { pixels: Array.from(seen), label: digit, step }, done);
    mine = false;
    update();
    return seen;
  }
  function spoil() {
    pad.show(setPicture(clean, model.get("label"), true));
  }
  function resetSpoil() {
    noise.set(0);
    cover.set(0);
  }

  // Time runs faster and faster, as along the axis, on which step t stands at its square root.
  let timer = null;
  function start() {
    const t = model.get("step");
    const begin = t >= last ? 0 : t;
    const end = begin < trace.first ? Math.min(trace.first, last) : last;
    if (still()) {
      put(model, { step: end });
      return;
    }
    play.textContent = "Pause";
    parts.says.setAttribute("aria-live", "off"); // the end is announced, not every step
    const origin = performance.now() - (Math.sqrt(begin / last) * SECONDS * 1000);
    const tick = (now) => {
      const share = Math.max(now - origin, 0) / (SECONDS * 1000);
      const step = Math.min(Math.floor(share * share * last), end);
      if (step === end) {
        stop();
        put(model, { step });
        return;
      }
      put(model, { step }, false);
      timer = requestAnimationFrame(tick);
    };
    timer = requestAnimationFrame(tick);
  }
  function stop() {
    if (timer === null) return;
    cancelAnimationFrame(timer);
    timer = null;
    play.textContent = "Play";
    parts.says.removeAttribute("aria-live");
    model.save_changes();
  }

  function update() {
    const t = model.get("step");
    time.set(t);
    const pixels = model.get("pixels");
    paint(arrived, pixels.map((p, i) => (trace.times[i] <= t ? p : 0)));
    arrived.setAttribute("aria-label", `the picture, as far as it has arrived by step ${t}`);
    cells.forEach((cell, j) => {
      const fired = trace.hidden[j] <= t;
      const fresh = fired && Math.sqrt(t) - Math.sqrt(trace.hidden[j]) < 0.5;
      cell.setAttribute("class", fresh ? "bs-fresh" : fired ? "bs-fired" : "bs-waits");
    });
    const lit = trace.hidden.filter((s) => s <= t).length;
    lattice.setAttribute("aria-label", `${lit} of ${cells.length} hidden neurons have fired`);
    parts.says.textContent = sentence(trace, t, network.tMax, model.get("label"));
    parts.root.dataset.answer = t >= Math.min(trace.first, last) ? trace.answer : "";
    parts.root.dataset.decision = trace.first;
    drawRace(t);
  }

  function drawRace(t) {
    if (width === 0) return;
    const [top, bottom] = [12, 250];
    const lowest = Math.min(-1, ...trace.excess.map((own) => Math.min(...own)));
    const x = (step) => 34 + Math.sqrt(step / network.tMax) * (width - 58);
    const within = scale(lowest, ROOM, bottom, top);
    const y = (v) => within(Math.min(v, ROOM));
    race.setAttribute("width", width);
    const order = ranking(trace, t);
    const decided = t >= trace.first;
    const front = decided ? trace.answer : order[0];
    const lines = [...order].reverse().map((j) => {
      const own = trace.excess[j].subarray(0, t + 1);
      let path = `M${x(0)},${y(own[0])}`;
      own.forEach((v, k) => {
        if (k > 0 && v !== own[k - 1]) path += `H${x(k)}V${y(v)}`;
      });
      const kind = j !== front ? "bs-other" : decided ? "bs-winner" : "bs-front";
      return h("path", { d: `${path}H${x(t + 1)}`, class: `bs-runner ${kind}` });
    });
    const heights = apart(order.map((j) => y(trace.excess[j][t])), 12, bottom);
    const names = order.map((j, place) => label(x(t + 1) + 5, heights[place] + 4, String(j), {
      class: j === front ? "bs-name" : "bs-dim",
    }));
    const marks = [];
    if (decided) {
      const at = trace.first - 1; // the crossing, one step before the spike
      trace.tied.forEach((j) => marks.push(star(x(trace.first), y(trace.excess[j][at]))));
      marks.push(h("line", {
        x1: x(trace.first), x2: x(trace.first), y1: top, y2: bottom, class: "bs-moment",
      }));
    }
    race.replaceChildren(
      h("line", { x1: x(0), x2: x(network.tMax), y1: y(0), y2: y(0), class: "bs-threshold" }),
      label(x(0) + 4, y(0) - 5, "threshold"),
      label(12, (top + bottom) / 2, "potential, less threshold", {
        transform: `rotate(-90 12 ${(top + bottom) / 2})`, "text-anchor": "middle", class: "bs-dim",
      }),
      timeAxis(x, bottom + 8, marksOf(network.tMax), "time step (square-root scale)"),
      ...lines, ...marks, ...names,
    );
    race.setAttribute("aria-label", decided ? `${front} has crossed the threshold`
      : `ten potentials at step ${t}; ${order.slice(0, 3).join(", ")} in front`);
  }

  watch(model, ["step"], () => { if (!mine) update(); });
  watch(model, ["pixels"], () => {
    if (mine) return;
    resetSpoil();
    clean = Uint8Array.from(model.get("pixels"));
    trace = run(network, clean);
    pad.replace(clean);
    update();
  });
  pad.replace(clean);
  update();
  const unwatch = onWidth(parts.picture, (now) => {
    width = now;
    drawRace(model.get("step"));
  });
  return () => { stop(); unwatch(); };
}

export default { render };
