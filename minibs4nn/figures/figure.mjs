// What all figures share: elements, labelled controls, a sentence that says what is shown.
//
// A figure is a picture (SVG, redrawn when its width changes), native controls, and one sentence.
// The controls and the sentence hold everything that the picture shows, so the picture itself can
// be dragged with mouse or finger, and nobody needs to.

const SVG_TAGS = new Set(["svg", "g", "path", "line", "circle", "rect", "text", "polyline"]);
const KEYED_TAGS = new Set(["button", "canvas", "input", "select"]);
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
let ids = 0;

/** An element: h("p", { class: "x", onclick: f }, "text", child). */
export function h(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS(SVG_NAMESPACE, tag)
    : document.createElement(tag);
  // JupyterLab has uses of its own for arrow keys and Enter; here they belong to the control.
  if (KEYED_TAGS.has(tag)) element.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Whole numbers with a sign of their own width: +3, −2. */
export function signed(x) {
  return x < 0 ? `−${-x}` : `+${x}`;
}

/** A number as text, with a minus sign that is as wide as a plus. */
export function number(x, digits = 0) {
  return x.toFixed(digits).replace("-", "−");
}

/** "1 spike", "2 spikes". */
export function count(n, noun) {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}

/** The frame of a figure: returns its parts and appends them to `el`. */
export function frame(el, name, title) {
  const parts = {
    picture: h("div", { class: "bs-picture" }),
    controls: h("div", { class: "bs-controls" }),
    says: h("p", { class: "bs-says", role: "status", "data-testid": `${name}-says` }),
  };
  const attributes = {
    class: "bs-figure",
    role: "group",
    "aria-label": `Interactive: ${title}`,
    "data-testid": `${name}-figure`,
  };
  parts.root = h(
    "div",
    attributes,
    h("p", { class: "bs-title" }, title),
    parts.picture,
    parts.says,
    parts.controls,
  );
  el.append(parts.root);
  return parts;
}

/** A slider with its label before it and its value behind it; `show` turns the value to text. */
export function slider({ label, min, max, step = 1, value, testid, show = number }, onchange) {
  const id = `bs-${testid}-${++ids}`;
  const input = h("input", { type: "range", id, min, max, step, "data-testid": testid });
  const output = h("output", { for: id });
  const set = (x) => {
    input.value = x;
    output.textContent = show(Number(x));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    set(input.value);
    onchange(Number(input.value));
  });
  set(value);
  const element = h("div", { class: "bs-slider" }, h("label", { for: id }, label), input, output);
  return { element, input, set };
}

/** A choice among texts; `options` are pairs [value, text]. */
export function choice({ label, options, value, testid }, onchange) {
  const id = `bs-${testid}-${++ids}`;
  const input = h(
    "select",
    { id, "data-testid": testid, onchange: () => onchange(input.value) },
    ...options.map(([key, text]) => h("option", { value: key }, text)),
  );
  const set = (x) => (input.value = x);
  set(value);
  const element = h("div", { class: "bs-choice" }, h("label", { for: id }, label), input);
  return { element, input, set };
}

/** A push button. */
export function button(label, testid, onclick) {
  return h("button", { type: "button", "data-testid": testid, onclick }, label);
}

/** Call `update` after each change of one of these traits, made here or in Python. */
export function watch(model, names, update) {
  for (const name of names) model.on(`change:${name}`, update);
}

/** Set traits and, unless the reader is still dragging, tell Python. */
export function put(model, values, done = true) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  if (done) model.save_changes();
}

/** Draw anew whenever the width of `element` changes, and once now; returns the way to stop. */
export function onWidth(element, draw) {
  let width = 0;
  const observer = new ResizeObserver(() => {
    const now = Math.floor(element.clientWidth);
    if (now === 0 || now === width) return;
    width = now;
    draw(width);
  });
  observer.observe(element);
  return () => observer.disconnect();
}

/** Replace what a picture shows, except what is being dragged: a touch ends with its target. */
export function redraw(svg, ...children) {
  for (const child of [...svg.children]) if (!child.matches(".bs-held")) child.remove();
  svg.append(...children);
}

/**
 * Let elements of class bs-handle, children of a picture, be dragged: grab(handle) returns what is
 * moved, move(it, dx, dy) is told how far, in pixels, since the start, and draw() draws.
 */
export function draggable(area, grab, move, draw) {
  let drag = null;
  area.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".bs-handle");
    if (handle === null) return;
    drag = { it: grab(handle), handle, x: event.clientX, y: event.clientY };
    handle.classList.add("bs-held"); // it stays where it was, unseen; a new one is drawn
    draw();
    area.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  // A finger on a handle does not scroll the page; elsewhere on the picture it does.
  const touch = (event) => event.target.closest(".bs-handle") && event.preventDefault();
  area.addEventListener("touchstart", touch, { passive: false });
  area.addEventListener("pointermove", (event) => {
    if (drag !== null) move(drag.it, event.clientX - drag.x, event.clientY - drag.y);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    area.addEventListener(end, () => {
      drag?.handle.remove();
      drag = null;
    });
  }
}

/** A scale from numbers to pixels; `.back` turns pixels of distance into a distance. */
export function scale(from, to, start, end) {
  const factor = (end - start) / (to - from);
  const map = (x) => start + (x - from) * factor;
  map.back = (pixels) => pixels / factor;
  return map;
}

/** A staircase as the path of an SVG: values[k] holds from k to k + 1. */
export function stairs(values, x, y) {
  let path = `M${x(0)},${y(values[0])}`;
  values.forEach((v, k) => {
    if (k > 0 && v !== values[k - 1]) path += `H${x(k)}V${y(v)}`;
  });
  return `${path}H${x(values.length)}`;
}

/** A text in a picture. */
export function label(x, y, text, attributes = {}) {
  return h("text", { x, y, ...attributes }, text);
}

/** Marks along the horizontal axis, and its name. */
export function timeAxis(x, y, ticks, name = "time step") {
  const marks = ticks.map((t) =>
    h("g", {}, h("line", { x1: x(t), x2: x(t), y1: y, y2: y + 5, class: "bs-axis" }),
      label(x(t), y + 18, String(t), { "text-anchor": "middle", class: "bs-dim" })),
  );
  const [first, last] = [x(ticks[0]), x(ticks[ticks.length - 1])];
  return h("g", {}, h("line", { x1: first, x2: last, y1: y, y2: y, class: "bs-axis" }), ...marks,
    label((first + last) / 2, y + 34, name, { "text-anchor": "middle", class: "bs-dim" }));
}

/** Times to mark along a window: from 0 in whole steps, about so many. */
export function ticksOf(tMax, parts = 4) {
  const every = Math.ceil(tMax / parts);
  return Array.from({ length: Math.floor(tMax / every) + 1 }, (_, k) => k * every);
}

/** A star around a point: where a neuron fires. */
export function star(x, y, radius = 9) {
  const points = Array.from({ length: 10 }, (_, k) => {
    const [r, angle] = [k % 2 ? radius * 0.45 : radius, (Math.PI * k) / 5];
    return `${x + r * Math.sin(angle)},${y - r * Math.cos(angle)}`;
  });
  return h("path", { d: `M${points.join("L")}Z`, class: "bs-star" });
}

/** Whether the reader asked for less motion. */
export function still() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
