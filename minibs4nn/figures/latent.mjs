// Chapter 07: one image again and again; latent weights move, and now and then a sign flips.

import { layerSpikeTimes, learningStep, sign, signThreshold } from "./bs4nn.mjs";
import {
  button, count, frame, h, label, number, onWidth, put, scale, signed, slider, star, ticksOf,
  timeAxis, watch,
} from "./figure.mjs";

const HEIGHT = 290;
const name = (i) => String.fromCharCode(65 + i);
const inside = (w) => Math.max(Math.min(w, 1), -1); // of the picture
const WHO = ["label", "other"];

/** What the network does with the weights it has: the signs, and two neurons that race. */
export function run(latent, scaleNow, times, threshold, tMax) {
  const signs = Int8Array.from(latent, sign);
  const limit = signThreshold(threshold, scaleNow);
  const { spikeTimes } = layerSpikeTimes(times, signs, [limit, limit], tMax);
  return { signs: Array.from(signs), limit, spikeTimes: Array.from(spikeTimes) };
}

/** What a reader who does not see the picture must know. */
export function sentence({ signs, limit, spikeTimes }, updates, tMax) {
  const [own, other] = spikeTimes;
  const when = (t) => (t < tMax ? `at step ${t}` : "never");
  const heard = signs.filter((_, k) => k % 2 === 1).map((s) => (s < 0 ? "−1" : "+1")).join(", ");
  const race = own === other
    ? (own < tMax ? `Both neurons fire at step ${own}: a tie.` : "Both neurons are silent.")
    : `The label's neuron fires ${when(own)}, the other ${when(other)}.`;
  return `After ${count(updates, "update")}: ${race} The limit is ${limit}, and the other neuron ` +
    `hears its inputs as ${heard}.`;
}

export function render({ model, el }) {
  const [times, threshold, tMax] = ["times", "threshold", "t_max"].map((k) => model.get(k));
  const names = ["latent", "scale", "learning_rate", "scale_learning_rate"];
  const start = Object.fromEntries(names.map((k) => [k, model.get(k)]));
  const parts = frame(el, "latent", model.get("title"));
  const svg = h("svg", { role: "img", height: HEIGHT });
  parts.picture.append(svg);
  let [width, learning] = [0, false];
  let history = []; // the latent weights before each update, and now

  const alter = (k, value) =>
    put(model, { latent: model.get("latent").map((old, n) => (n === k ? value : old)) });
  const two = (v) => number(v, 2);
  const weights = start.latent.map((w, k) => slider({
    label: `latent ${WHO[k % 2]} ${name(k >> 1)}`, min: -1, max: 1, step: 0.05, value: w,
    testid: `latent-weight-${WHO[k % 2]}-${name(k >> 1)}`, show: two }, (v) => alter(k, v)));
  const alpha = slider({ label: "scale α", min: 0.4, max: 4, step: 0.1, value: start.scale,
    testid: "latent-scale", show: two }, (v) => put(model, { scale: v }));
  const eta = slider({ label: "learning rate η", min: 0, max: 0.5, step: 0.05,
    value: start.learning_rate, testid: "latent-eta", show: two },
  (v) => put(model, { learning_rate: v }));
  const mu = slider({ label: "of the scale, μ", min: 0, max: 1, step: 0.1,
    value: start.scale_learning_rate, testid: "latent-mu", show: two },
  (v) => put(model, { scale_learning_rate: v }));
  parts.controls.append(
    h("div", { class: "bs-buttons bs-wide" },
      button("Show the image once more", "latent-step", learn),
      button("Start again", "latent-reset", () => put(model, start))),
    ...[1, 3, 5, 0, 2, 4].map((k) => weights[k].element),
    alpha.element, eta.element, mu.element,
  );

  function learn() {
    const state = { latent: Float32Array.from(model.get("latent")), scale: model.get("scale") };
    const rule = { threshold, tMax, gamma: model.get("gamma"),
      learningRate: model.get("learning_rate"),
      scaleLearningRate: model.get("scale_learning_rate") };
    const next = learningStep(state, times, 0, rule).state;
    learning = true;
    put(model, { latent: Array.from(next.latent), scale: Math.max(next.scale, 0.05) });
    learning = false;
    history.push(model.get("latent"));
    update();
  }

  function update() {
    const [latent, scaleNow] = [model.get("latent"), model.get("scale")];
    const trace = run(latent, scaleNow, times, threshold, tMax);
    latent.forEach((w, k) => weights[k].set(w));
    alpha.set(scaleNow);
    eta.set(model.get("learning_rate"));
    mu.set(model.get("scale_learning_rate"));
    parts.says.textContent = sentence(trace, history.length - 1, tMax);
    svg.setAttribute("aria-label", `Latent weights, update by update. ${parts.says.textContent}`);
    parts.root.dataset.updates = history.length - 1;
    parts.root.dataset.signs = trace.signs.map((s) => (s < 0 ? "-" : "+")).join("");
    if (width > 0) draw(trace);
  }

  function draw({ signs }) {
    const bottom = HEIGHT - 44;
    const last = Math.max(6, history.length - 1);
    const x = scale(0, last, 40, width - 92);
    const y = scale(-1.05, 1.05, bottom, 18);
    const lines = start.latent.map((_, k) => {
      const points = history.map((row, n) => `${x(n)},${y(inside(row[k]))}`);
      return h("path", { d: `M${points.join("L")}`, class: `bs-steps bs-kind-${1 - (k % 2)}` });
    });
    const flips = history.flatMap((row, n) => (n === 0 ? [] : row.flatMap((w, k) =>
      (sign(w) === sign(history[n - 1][k]) ? [] : [star(x(n), y(inside(w)))]))));
    const ends = history.at(-1).map((w, k) => ({ k, at: y(inside(w)) }));
    ends.sort((a, b) => a.at - b.at);
    ends.forEach((end, n) => {
      if (n > 0) end.at = Math.max(end.at, ends[n - 1].at + 14);
    });
    svg.setAttribute("width", width);
    svg.replaceChildren(
      h("rect", { x: x(0), y: y(0), width: x(last) - x(0), height: bottom - y(0),
        class: "bs-past" }),
      ...[["below zero: heard as −1", bottom - 8], ["above zero: heard as +1", 12]].map(
        ([text, height]) => label(x(0) + 4, height, text, { class: "bs-dim" })),
      h("line", { x1: x(0), x2: x(last), y1: y(0), y2: y(0), class: "bs-threshold" }),
      ...[-1, 0, 1].map((v) => label(34, y(v) + 4, number(v), { "text-anchor": "end",
        class: "bs-dim" })),
      timeAxis(x, bottom, ticksOf(last, 8), "update"),
      ...lines,
      ...history.at(-1).map((w, k) => h("circle", { cx: x(history.length - 1), cy: y(inside(w)),
        r: 4, class: `bs-dot bs-${k % 2 ? "rival" : "own"}` })),
      ...flips,
      ...ends.map(({ k, at }) => label(x(history.length - 1) + 11, at + 4,
        `${WHO[k % 2]} ${name(k >> 1)} ${signed(signs[k])}`)),
    );
  }

  const restart = () => {
    if (learning) return;
    history = [model.get("latent")];
    update();
  };
  watch(model, ["latent", "scale"], restart);
  watch(model, ["learning_rate", "scale_learning_rate"], update);
  restart();
  return onWidth(parts.picture, (now) => {
    width = now;
    update();
  });
}

export default { render };
