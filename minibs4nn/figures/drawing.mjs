// A pad to draw digits on, with mouse, finger or keys, and what becomes of a drawing.
//
// A drawing is a list of strokes, a stroke a list of points [x, y] on a field of 28 by 28.

import { h } from "./figure.mjs";

export const SIDE = 28;
const INK = 1.5; // pixels from the middle of a line to half its brightness
const BLUR = 0.8; // over as many pixels to either side of that it fades
const BOX = 20; // MNIST's digits fill a square of 20 pixels

/** Grey levels of some strokes: a line is white in its middle and fades at its edges. */
export function rasterise(strokes) {
  const pixels = new Uint8Array(SIDE * SIDE);
  for (let k = 0; k < pixels.length; k++) {
    const x = (k % SIDE) + 0.5;
    const y = Math.floor(k / SIDE) + 0.5;
    let nearest = Infinity;
    for (const stroke of strokes) {
      stroke.forEach((point, n) => {
        nearest = Math.min(nearest, distance(x, y, stroke[Math.max(n - 1, 0)], point));
      });
    }
    const share = (INK + BLUR - nearest) / (2 * BLUR);
    pixels[k] = Math.round(255 * Math.min(Math.max(share, 0), 1));
  }
  return pixels;
}

/** From a point to the line between two others. */
function distance(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1);
  const share = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}

/** As MNIST was made: the digit fills a square of 20 pixels, its centre of mass in the middle. */
export function likeMnist(strokes) {
  const points = strokes.flat();
  if (points.length === 0) return new Uint8Array(SIDE * SIDE);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const size = Math.max(Math.max(...xs) - left, Math.max(...ys) - top);
  const zoom = size > 2 ? (BOX - 2 * INK) / size : 1; // a dot stays a dot
  const zoomed = move(strokes, ([x, y]) => [(x - left) * zoom + 4, (y - top) * zoom + 4]);
  const [mx, my] = centreOfMass(rasterise(zoomed));
  return rasterise(move(zoomed, ([x, y]) => [x + SIDE / 2 - mx, y + SIDE / 2 - my]));
}

function move(strokes, map) {
  return strokes.map((stroke) => stroke.map(map));
}

/** Where a picture's brightness is centred: [x, y]. */
export function centreOfMass(pixels) {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((p, k) => {
    mass += p;
    x += p * ((k % SIDE) + 0.5);
    y += p * (Math.floor(k / SIDE) + 0.5);
  });
  return mass > 0 ? [x / mass, y / mass] : [SIDE / 2, SIDE / 2];
}

/** Give a share of the pixels random grey levels, and blacken some rows in the middle. */
export function corrupt(pixels, noise, rows, seed = 1) {
  const random = generator(seed);
  const first = Math.floor((SIDE - rows) / 2);
  return Uint8Array.from(pixels, (p, k) => {
    const [chance, grey] = [random(), Math.floor(256 * random())];
    const row = Math.floor(k / SIDE);
    if (row >= first && row < first + rows) return 0;
    return chance < noise ? grey : p;
  });
}

/** Random numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Show grey levels on a canvas of 28 by 28. */
export function paint(canvas, pixels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  image.data.fill(255);
  pixels.forEach((p, k) => image.data.fill(p, 4 * k, 4 * k + 3));
  context.putImageData(image, 0, 0);
}

/** A canvas that shows a picture. */
export function picture(text, attributes = {}) {
  return h("canvas", { width: SIDE, height: SIDE, role: "img", "aria-label": text, ...attributes });
}

/** Pictures to choose from: `samples` holds their grey levels, one after the other. */
export function samplePicker(samples, labels, testid, onpick) {
  return labels.map((digit, n) => {
    const pixels = samples.subarray(n * SIDE * SIDE, (n + 1) * SIDE * SIDE);
    const canvas = h("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
    paint(canvas, pixels);
    const attributes = {
      type: "button",
      class: "bs-sample",
      "aria-label": `test image ${n + 1}, a ${digit}`,
      "data-testid": `${testid}-sample-${n}`,
      onclick: () => onpick(pixels, digit),
    };
    return h("button", attributes, canvas);
  });
}

/**
 * A pad. `ondraw(pixels, done)` is told what has been drawn, made like MNIST, while the pen moves
 * and when it is lifted. Keys: arrows move the pen, space lowers and lifts it, Delete clears.
 */
export function drawingPad(testid, ondraw) {
  const canvas = h("canvas", {
    width: SIDE,
    height: SIDE,
    class: "bs-pad bs-handle",
    tabindex: 0,
    role: "application",
    "aria-label": "Drawing pad. Arrow keys move the pen, space lowers or lifts it, Delete clears.",
    "data-testid": `${testid}-pad`,
  });
  const says = h("span", { class: "bs-dim", role: "status", "data-testid": `${testid}-pen` });
  let strokes = [];
  let pen = [SIDE / 2, SIDE / 2];
  let down = false;
  let shown = new Uint8Array(SIDE * SIDE);

  const show = (pixels) => {
    shown = pixels;
    paint(canvas, pixels);
  };
  const tell = (done) => {
    show(rasterise(strokes));
    ondraw(likeMnist(strokes), done);
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const inside = (share) => Math.min(Math.max(share, 0), 1) * SIDE;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return [inside(x / box.width), inside(y / box.height)];
  };
  const clear = () => {
    strokes = [];
    down = false;
    tell(true);
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down = true;
    strokes.push([place(event)]);
    tell(false);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down || !canvas.hasPointerCapture(event.pointerId)) return;
    strokes.at(-1).push(place(event));
    tell(false);
  });
  canvas.addEventListener("lostpointercapture", () => {
    down = false;
    tell(true);
  });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in moves) {
      pen = pen.map((p, k) => Math.min(Math.max(p + moves[event.key][k], 1), SIDE - 1));
      if (down) {
        strokes.at(-1).push(pen);
        tell(true);
      }
    } else if (event.key === " ") {
      down = !down;
      if (down) {
        strokes.push([pen]);
        tell(true);
      }
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else return;
    event.preventDefault();
    says.textContent = `pen ${down ? "down" : "up"}, column ${pen[0]}, row ${pen[1]}`;
    mark();
  });
  const mark = () => {
    paint(canvas, shown);
    const context = canvas.getContext("2d");
    context.fillStyle = down ? "#ffc53d" : "#7fc8f8";
    context.fillRect(pen[0] - 1, pen[1] - 1, 2, 2);
  };
  canvas.addEventListener("blur", () => paint(canvas, shown));

  /** Show a picture that was not drawn here; the next stroke begins a new drawing. (`show` only
   * shows: strokes that were drawn are kept, and the next one is added to them.) */
  const replace = (pixels) => {
    strokes = [];
    down = false;
    show(pixels);
  };
  return { canvas, says, clear, replace, show };
}
