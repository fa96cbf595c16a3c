// Chapter 03: three neurons hear the same spikes and race; four rules say who has won.

import {
  DECISION_RULES, decide, layerSpikeTimes, potentialsOverTime, publishedCorrect,
} from "./bs4nn.mjs";
import {
  button, choice, frame, h, label, number, onWidth, put, scale, slider, stairs, star, ticksOf,
  timeAxis, watch,
} from "./figure.mjs";

const HEIGHT = 270;
const MOST = 6;

/** All that follows from spikes and weights; weights[j][i] is from input i to neuron j. */
export function run(times, weights, threshold, label, tMax) {
  const nOut = weights.length;
  const byInput = Float64Array.from(times.flatMap((_, i) => weights.map((row) => row[i])));
  const thresholds = new Array(nOut).fill(threshold);
  const { spikeTimes, potential } = layerSpikeTimes(times, byInput, thresholds, tMax);
  const potentials = potentialsOverTime(times, byInput, nOut, tMax);
  const late = potentials.map((own) => own[tMax - 3]);
  return {
    spikeTimes: Array.from(spikeTimes),
    potential: Array.from(potential),
    potentials,
    decisions: DECISION_RULES.map((rule) => decide(spikeTimes, potential, thresholds, rule, tMax)),
    counted: publishedCorrect(spikeTimes, late, label, tMax),
  };
}

/** What a reader who does not see the picture must know. */
export function sentence({ spikeTimes, potential }, tMax) {
  const each = spikeTimes.map((t, j) => (t < tMax
    ? `Neuron ${j} fires at step ${t}, on ${number(potential[j])}.`
    : `Neuron ${j} is silent, and ends at ${number(potential[j])}.`));
  const first = Math.min(...spikeTimes);
  const tied = first < tMax && spikeTimes.filter((t) => t === first).length > 1;
  return `${each.join(" ")}${tied ? " It is a tie." : ""}`;
}

export function render({ model, el }) {
  const tMax = model.get("t_max");
  const [nIn, nOut] = [model.get("times").length, model.get("weights").length];
  const start = { times: model.get("times"), weights: model.get("weights"),
    threshold: model.get("threshold"), label: model.get("label") };
  const parts = frame(el, "race", model.get("title"));
  const svg = h("svg", { role: "img", height: HEIGHT });
  const verdicts = DECISION_RULES.map((rule) => h("td", { "data-testid": `race-${rule}` }));
  const counter = h("td", { "data-testid": "race-published" });
  const rows = DECISION_RULES.map((rule, k) =>
    h("tr", {}, h("th", { scope: "row" }, rule), verdicts[k]));
  parts.picture.append(svg);
  let width = 0;

  const arrivals = start.times.map((t, i) => slider({ label: `input ${i} at step`, min: 0,
    max: tMax, value: t, testid: `race-time-${i}`, show: (s) => (s === tMax ? "never" : String(s)),
  }, (s) => put(model, { times: model.get("times").map((old, k) => (k === i ? s : old)) })));
  const cells = start.weights.map((row, j) => row.map((w, i) => h("input", {
    type: "number", min: -MOST, max: MOST, value: w, class: "bs-cell",
    "aria-label": `weight from input ${i} to neuron ${j}`, "data-testid": `race-weight-${j}-${i}`,
    onchange: (event) => {
      const given = Math.round(Number(event.target.value));
      const value = Math.min(Math.max(given, -MOST), MOST);
      put(model, { weights: model.get("weights").map((old, n) =>
        old.map((v, k) => (n === j && k === i ? value : v))) });
      update(); // a value out of range is put right even where nothing changes
    },
  })));
  const theta = slider({ label: "threshold", min: -MOST, max: 12, value: start.threshold,
    testid: "race-threshold" }, (threshold) => put(model, { threshold }));
  const truth = choice({ label: "the label is", value: start.label, testid: "race-label",
    options: start.weights.map((_, j) => [j, `neuron ${j}`]) },
  (value) => put(model, { label: Number(value) }));
  const numbers = (n) => Array.from({ length: n }, (_, k) => k);
  parts.controls.append(
    h("div", { class: "bs-tables bs-wide" },
      h("table", {},
        h("thead", {}, h("tr", {}, h("td", {}),
          ...numbers(nIn).map((i) => h("th", { scope: "col" }, `input ${i}`)))),
        h("tbody", {}, ...numbers(nOut).map((j) => h("tr", {},
          h("th", { scope: "row" }, `neuron ${j}`),
          ...cells[j].map((cell) => h("td", {}, cell)))))),
      h("table", {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "rule"),
          h("th", { scope: "col" }, "class"))),
        h("tbody", {}, ...rows,
          h("tr", {}, h("th", { scope: "row" }, "published counter"), counter)))),
    ...arrivals.map(({ element }) => element),
    theta.element,
    truth.element,
    h("div", { class: "bs-buttons" }, button("Start again", "race-reset", () => put(model, start))),
  );

  function update() {
    const [times, weights, threshold, digit] =
      ["times", "weights", "threshold", "label"].map((k) => model.get(k));
    const trace = run(times, weights, threshold, digit, tMax);
    times.forEach((t, i) => arrivals[i].set(t));
    weights.forEach((row, j) => row.forEach((w, i) => (cells[j][i].value = w)));
    theta.set(threshold);
    truth.set(digit);
    trace.decisions.forEach((answer, k) => {
      verdicts[k].textContent = answer < 0 ? "none" : String(answer);
    });
    counter.textContent = trace.counted ? "right" : "wrong";
    parts.says.textContent = sentence(trace, tMax);
    svg.setAttribute("aria-label", `Potentials of ${nOut} neurons. ${parts.says.textContent}`);
    parts.root.dataset.answer = trace.decisions[0];
    if (width > 0) draw(trace, threshold);
  }

  function draw({ potentials, spikeTimes }, threshold) {
    const bottom = HEIGHT - 44;
    const all = potentials.flatMap((own) => [...own]);
    const x = scale(0, tMax, 30, width - 78);
    const y = scale(Math.min(-3, ...all) - 1, Math.max(6, threshold, ...all) + 1, bottom, 6);
    const shift = (j) => 2 * (j - (nOut - 1) / 2); // lines that coincide stay visible
    const ends = potentials.map((own, j) => ({ j, at: y(own[tMax - 1]) }));
    ends.sort((a, b) => a.at - b.at);
    ends.forEach((end, k) => {
      if (k > 0) end.at = Math.max(end.at, ends[k - 1].at + 15);
    });
    svg.setAttribute("width", width);
    svg.replaceChildren(
      timeAxis(x, bottom, ticksOf(tMax, 8)),
      ...[0, 5].map((v) => label(24, y(v) + 4, String(v),
        { "text-anchor": "end", class: "bs-dim" })),
      h("line", { x1: x(0), x2: x(tMax), y1: y(threshold), y2: y(threshold),
        class: "bs-threshold" }),
      ...potentials.map((own, j) => h("path", { d: stairs(own, x, (v) => y(v) + shift(j)),
        class: `bs-steps bs-kind-${j % 3}` })),
      ...ends.map(({ j, at }) => label(x(tMax) + 6, at + 4, `neuron ${j}`)),
      ...spikeTimes.flatMap((t, j) => (t < tMax ? [star(x(t), y(potentials[j][t - 1]))] : [])),
    );
  }

  watch(model, ["times", "weights", "threshold", "label"], update);
  update();
  return onWidth(parts.picture, (now) => {
    width = now;
    update();
  });
}

export default { render };
