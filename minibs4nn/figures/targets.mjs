// Chapter 04: when each output neuron fired, when it should have, and the error between.

import { loss, relativeTargets, timeError } from "./bs4nn.mjs";
import {
  button, choice, draggable, frame, h, label, number, onWidth, put, redraw, scale, slider,
  ticksOf, timeAxis, watch,
} from "./figure.mjs";

const ROW = 34;

/** Targets, errors and loss of one image. */
export function run(times, digit, gamma, allSilent, tMax) {
  const targets = relativeTargets(times, digit, gamma, allSilent, tMax);
  const error = timeError(times, targets, tMax);
  return { targets, error, loss: loss(error) };
}

/** What a reader who does not see the picture must know. */
export function sentence(times, trace, tMax) {
  const first = Math.min(...times);
  const asked = times.flatMap((t, j) => (trace.targets[j] === t ? []
    : [`neuron ${j} ${trace.targets[j] < t ? "earlier" : "later"}, by ` +
      `${Math.abs(trace.targets[j] - t)}`]));
  const who = first === tMax ? "Nobody fires." : `The first spike is at step ${first}.`;
  const moves = asked.length ? `Asked to fire: ${asked.join("; ")}.` : "Nobody is asked to move.";
  return `${who} ${moves} The loss is ${number(trace.loss, 4)}.`;
}

export function render({ model, el }) {
  const tMax = model.get("t_max");
  const names = ["times", "label", "gamma", "all_silent"];
  const start = Object.fromEntries(names.map((k) => [k, model.get(k)]));
  const n = start.times.length;
  const parts = frame(el, "targets", model.get("title"));
  const svg = h("svg", { role: "img", height: n * ROW + 52 });
  parts.picture.append(svg);
  let [width, x] = [0, null];

  const when = (t) => (t === tMax ? "silent" : String(t));
  const move = (j, t) =>
    put(model, { times: model.get("times").map((old, k) => (k === j ? t : old)) });
  const sliders = start.times.map((t, j) => slider({ label: `neuron ${j} fires at`, min: 0,
    max: tMax, value: t, testid: `targets-time-${j}`, show: when }, (now) => move(j, now)));
  const truth = choice({ label: "the label is", value: start.label, testid: "targets-label",
    options: start.times.map((_, j) => [j, `neuron ${j}`]) },
  (value) => put(model, { label: Number(value) }));
  const gap = slider({ label: "gap γ", min: 0, max: tMax, value: start.gamma,
    testid: "targets-gamma" }, (gamma) => put(model, { gamma }));
  const silence = choice({ label: "if all are silent", value: start.all_silent,
    testid: "targets-silence", options: [["teach", "teach"], ["ignore", "ignore"]] },
  (value) => put(model, { all_silent: value }));
  const cells = start.times.map(() => [0, 0, 0].map(() => h("td")));
  parts.controls.append(
    h("div", { class: "bs-scroll bs-wide" }, h("table", {},
      h("thead", {}, h("tr", {}, ...["neuron", "fired", "target", "error"].map((text) =>
        h("th", { scope: "col" }, text)))),
      h("tbody", {}, ...cells.map((row, j) => h("tr", { "data-testid": `targets-row-${j}` },
        h("th", { scope: "row" }, String(j)), ...row))))),
    ...sliders.map(({ element }) => element),
    truth.element,
    gap.element,
    silence.element,
    h("div", { class: "bs-buttons" }, button("Start again", "targets-reset",
      () => put(model, start))),
  );
  draggable(svg,
    (handle) => ({ j: Number(handle.dataset.index),
      t: model.get("times")[Number(handle.dataset.index)] }),
    ({ j, t }, dx) => move(j, Math.min(Math.max(Math.round(t + x.back(dx)), 0), tMax)),
    () => update());

  function update() {
    const [times, digit, gamma, allSilent] = names.map((k) => model.get(k));
    const trace = run(times, digit, gamma, allSilent, tMax);
    times.forEach((t, j) => {
      sliders[j].set(t);
      const e = trace.error[j];
      const error = e === 0 ? "0" : `${e > 0 ? "+" : ""}${number(e, 4)}`;
      [when(t), when(trace.targets[j]), error].forEach((text, k) => {
        cells[j][k].textContent = text;
      });
    });
    truth.set(digit);
    gap.set(gamma);
    silence.set(allSilent);
    parts.says.textContent = sentence(times, trace, tMax);
    svg.setAttribute("aria-label", `Spikes, targets and errors. ${parts.says.textContent}`);
    parts.root.dataset.loss = trace.loss;
    if (width > 0) draw(times, digit, gamma, trace);
  }

  function draw(times, digit, gamma, { targets }) {
    const bottom = n * ROW + 8;
    x = scale(0, tMax, 76, width - 26);
    const y = (j) => 4 + ROW * (n - 1 - j) + ROW / 2; // as in the chapter: neuron 0 is lowest
    const first = Math.min(...times);
    const band = first < tMax ? [h("rect", { x: x(first), y: 4, class: "bs-past",
      width: x(Math.min(first + gamma, tMax)) - x(first), height: bottom - 4 })] : [];
    const rows = times.map((t, j) => {
      const [from, to] = [x(t), x(targets[j])];
      const tip = to > from ? -7 : 7;
      const arrow = t === targets[j] ? [] : [h("path", { class: "bs-arrow",
        d: `M${from},${y(j)}H${to}m${tip},-5l${-tip},5l${tip},5` })];
      const kind = j === digit ? "bs-own" : "bs-rival";
      return h("g", {},
        label(66, y(j) + 4, j === digit ? `${j} (label)` : String(j), { "text-anchor": "end" }),
        h("line", { x1: x(0), x2: x(tMax), y1: y(j), y2: y(j), class: "bs-zero" }),
        ...arrow,
        h("circle", { cx: to, cy: y(j), r: 10, class: `bs-goal ${kind}` }),
        h("circle", { cx: from, cy: y(j), r: 6, class: `bs-dot ${kind}` }));
    });
    const handles = times.map((t, j) => h("circle", { cx: x(t), cy: y(j), r: 15,
      fill: "transparent", class: "bs-handle", "data-index": j }));
    svg.setAttribute("width", width);
    const axis = timeAxis(x, bottom, ticksOf(tMax), `time step; ${tMax} is silent`);
    redraw(svg, ...band, axis, ...rows, ...handles);
  }

  watch(model, names, update);
  update();
  return onWidth(parts.picture, (now) => {
    width = now;
    update();
  });
}

export default { render };
