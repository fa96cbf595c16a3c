// Chapter 01: drag spikes, weights and the threshold of one neuron, and see when it fires.

import { simulateNeuron } from "./bs4nn.mjs";
import {
  button, draggable, frame, h, label, onWidth, put, redraw, scale, signed, slider, stairs, star,
  ticksOf, timeAxis, watch,
} from "./figure.mjs";

const HEIGHT = 300;
const MOST = 6; // the largest weight that a slider gives
const name = (i) => String.fromCharCode(65 + i); // A, B, C

/** What a reader who does not see the picture must know. */
export function sentence(times, weights, threshold, tMax) {
  const { potential, spikeTime } = simulateNeuron(times, weights, threshold, tMax);
  const crossing = potential.findIndex((v) => v > threshold);
  const v = crossing < 0 ? Math.max(...potential) : potential[crossing];
  const text = String(v).replace("-", "−");
  if (crossing < 0) {
    return `The potential is never more than ${threshold}; at most it is ${text}. The neuron ` +
      "stays silent.";
  }
  if (spikeTime === tMax) {
    return `The potential is ${text} at step ${crossing}, the last one. Its spike would come ` +
      "after the window, so the neuron is silent.";
  }
  return `The potential is ${text} at step ${crossing}, which is more than ${threshold}. ` +
    `The neuron fires at step ${spikeTime}.`;
}

export function render({ model, el }) {
  const tMax = model.get("t_max");
  const start = { times: model.get("times"), weights: model.get("weights"),
    threshold: model.get("threshold") };
  const parts = frame(el, "neuron", model.get("title"));
  const svg = h("svg", { role: "img", height: HEIGHT });
  parts.picture.append(svg);
  let [width, x, y] = [0, null, null];

  /** A list with another value in one place. */
  const change = (trait, i, value, done = true) =>
    put(model, { [trait]: model.get(trait).map((old, k) => (k === i ? value : old)) }, done);
  const clip = (value, low, high) => Math.min(Math.max(Math.round(value), low), high);

  const when = (t) => (t === tMax ? "never" : String(t));
  const sliders = start.times.map((_, i) => ({
    time: slider({ label: `${name(i)} arrives at step`, min: 0, max: tMax, value: start.times[i],
      testid: `neuron-time-${name(i)}`, show: when }, (t) => change("times", i, t)),
    weight: slider({ label: `weight of ${name(i)}`, min: -MOST, max: MOST, value: start.weights[i],
      testid: `neuron-weight-${name(i)}`, show: signed }, (w) => change("weights", i, w)),
  }));
  const theta = slider({ label: "threshold", min: -MOST, max: 12, value: start.threshold,
    testid: "neuron-threshold" }, (threshold) => put(model, { threshold }));
  parts.controls.append(
    ...sliders.flatMap(({ time, weight }) => [time.element, weight.element]),
    theta.element,
    h("div", { class: "bs-buttons" },
      button("Start again", "neuron-reset", () => put(model, start))),
  );

  draggable(svg,
    (handle) => {
      const { kind, index } = handle.dataset;
      const i = Number(index);
      if (kind === "threshold") return { kind, threshold: model.get("threshold") };
      return { kind, i, time: model.get("times")[i], weight: model.get("weights")[i] };
    },
    (it, dx, dy) => {
      if (it.kind === "threshold") {
        put(model, { threshold: clip(it.threshold + y.back(dy), -MOST, 12) });
        return;
      }
      change("times", it.i, clip(it.time + x.back(dx), 0, tMax), false);
      change("weights", it.i, clip(it.weight + y.back(dy), -MOST, MOST));
    },
    () => update());

  function update() {
    const [times, weights, threshold] = ["times", "weights", "threshold"].map((k) => model.get(k));
    sliders.forEach(({ time, weight }, i) => {
      time.set(times[i]);
      weight.set(weights[i]);
    });
    theta.set(threshold);
    const trace = simulateNeuron(times, weights, threshold, tMax);
    parts.says.textContent = sentence(times, weights, threshold, tMax);
    parts.root.dataset.spikeTime = trace.spikeTime;
    svg.setAttribute("aria-label", `Staircase of the potential. ${parts.says.textContent}`);
    if (width > 0) draw(times, weights, threshold, trace);
  }

  function draw(times, weights, threshold, { potential, spikeTime }) {
    const bottom = HEIGHT - 44;
    x = scale(0, tMax, 34, width - 24);
    y = scale(Math.min(-3, ...potential) - 1, Math.max(9, threshold, ...potential) + 2, bottom, 6);
    // Arrows of spikes that arrive together stand side by side, each on top of the one before.
    const arrows = times.map((t, i) => {
      if (t === tMax) return null;
      const before = (k) => times[k] < t || (times[k] === t && k < i);
      const low = weights.reduce((sum, w, k) => (before(k) ? sum + w : sum), 0);
      const place = x(t) + 9 * times.filter((s, k) => s === t && k < i).length;
      const [from, to] = [y(low), y(low + weights[i])];
      const tip = to < from ? 7 : -7;
      return h("g", { class: "bs-handle", "data-kind": "spike", "data-index": i },
        h("rect", { x: place - 12, y: Math.min(from, to) - 14, width: 24,
          height: Math.abs(to - from) + 28, fill: "transparent" }),
        h("path", { d: `M${place},${from}V${to}m-5,${tip}l5,${-tip}l5,${tip}`, class: "bs-arrow" }),
        label(place - 7, (from + to) / 2 + 4, `${name(i)} ${signed(weights[i])}`,
          { "text-anchor": "end" }));
    });
    const absent = times.flatMap((t, i) => (t === tMax ? [name(i)] : []));
    const marks = [y(0), y(5)].map((height, k) =>
      label(28, height + 4, String(5 * k), { "text-anchor": "end", class: "bs-dim" }));
    svg.setAttribute("width", width);
    redraw(svg,
      h("line", { x1: x(0), x2: x(tMax), y1: y(0), y2: y(0), class: "bs-zero" }),
      timeAxis(x, bottom, ticksOf(tMax)),
      h("path", { d: stairs(potential, x, y), class: "bs-steps" }),
      h("g", { class: "bs-handle", "data-kind": "threshold" },
        h("rect", { x: x(0), y: y(threshold) - 10, width: x(tMax) - x(0), height: 20,
          fill: "transparent" }),
        h("line", { x1: x(0), x2: x(tMax), y1: y(threshold), y2: y(threshold),
          class: "bs-threshold" }),
        label(x(0) + 4, y(threshold) - 6, `threshold ${threshold}`)),
      ...marks,
      ...arrows.filter((arrow) => arrow !== null),
      ...(absent.length ? [label(x(tMax), 14, `silent: ${absent.join(", ")}`,
        { "text-anchor": "end", class: "bs-dim" })] : []),
      ...(spikeTime < tMax ? [star(x(spikeTime), y(potential[spikeTime - 1]))] : []),
    );
  }

  watch(model, ["times", "weights", "threshold"], update);
  update();
  return onWidth(parts.picture, (now) => {
    width = now;
    update();
  });
}

export default { render };
