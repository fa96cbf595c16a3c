// The arithmetic of the course, as in the library: the same names, the same numbers.
//
// Every function here is pure. tests/test_figures.py runs them under Node and compares them with
// minibs4nn, exactly: what a figure shows is what the library computes.
//
// The weights of a layer are one typed array, input by input, as pack_bits lays them: the weight
// from input i to neuron j is weights[i * nOut + j], so that what a spike sends lies side by side.

// ---- chapter 01: one neuron

/** The potential at the end of every step, and when the neuron fires; tMax is silent. */
export function simulateNeuron(times, weights, threshold, tMax = 256) {
  const potential = new Float64Array(tMax);
  let v = 0;
  let spikeTime = tMax;
  for (let t = 0; t < tMax; t++) {
    times.forEach((arrival, i) => {
      if (arrival === t) v += weights[i]; // (1) integrate: each spike adds its weight
    });
    potential[t] = v;
    if (v > threshold && spikeTime === tMax) spikeTime = t + 1; // (2) (3) (4)
  }
  return { potential, spikeTime };
}

// ---- chapter 02: pictures as spikes

/** Bright pixels fire early: t = floor((255 - p) * tMax / 255). Black is silent. */
export function latencyCode(pixels, tMax = 256) {
  return Int16Array.from(pixels, (p) => Math.floor(((255 - p) * tMax) / 255));
}

/** The way back: of the grey levels that share a time, the brightest. */
export function decode(times, tMax = 256) {
  return Uint8Array.from(times, (t) => 255 - Math.ceil((t * 255) / tMax));
}

// ---- chapter 03: a layer that races, and who wins

/** Which inputs fire in each step: the spikes of a layer, sorted by their time. */
export function spikesByStep(times, tMax) {
  const steps = Array.from({ length: tMax }, () => []);
  times.forEach((t, i) => {
    if (t < tMax) steps[t].push(i);
  });
  return steps;
}

/**
 * When each neuron fires, and on what potential: that at its crossing, or at the end if silent.
 * Whole numbers (Int8Array) are added as whole numbers, anything else as doubles.
 */
export function layerSpikeTimes(times, weights, thresholds, tMax = 256) {
  const nOut = thresholds.length;
  const v = weights instanceof Int8Array ? new Int32Array(nOut) : new Float64Array(nOut);
  const potential = v.slice();
  const spikeTimes = new Int16Array(nOut).fill(tMax);
  const steps = spikesByStep(times, tMax);
  for (let t = 0; t < tMax; t++) {
    // Only a spike changes anything; step 0 always counts, for negative thresholds.
    if (t > 0 && steps[t].length === 0) continue;
    for (const i of steps[t]) {
      const sent = weights.subarray(i * nOut, (i + 1) * nOut);
      for (let j = 0; j < nOut; j++) v[j] += sent[j]; // (1) integrate: each adds its weight
    }
    for (let j = 0; j < nOut; j++) {
      if (v[j] > thresholds[j] && spikeTimes[j] === tMax) { // (2) compare  (3) only once
        spikeTimes[j] = t + 1; // (4) one step later
        potential[j] = v[j];
      }
    }
  }
  for (let j = 0; j < nOut; j++) if (spikeTimes[j] === tMax) potential[j] = v[j];
  return { spikeTimes, potential };
}

/** Spike times of every layer of a stack, and the potentials of the last. */
export function networkSpikeTimes(times, network) {
  const layers = [];
  let potential;
  let heard = times;
  network.weights.forEach((weights, k) => {
    const layer = layerSpikeTimes(heard, weights, network.thresholds[k], network.tMax);
    layers.push((heard = layer.spikeTimes));
    potential = layer.potential;
  });
  return { layers, potential };
}

/** V_j(t) of every neuron at every step, whether it fired or not: potentials[j][t]. */
export function potentialsOverTime(times, weights, nOut, tMax = 256) {
  const potentials = Array.from({ length: nOut }, () => new Float64Array(tMax));
  const v = new Float64Array(nOut);
  spikesByStep(times, tMax).forEach((arriving, t) => {
    for (const i of arriving) for (let j = 0; j < nOut; j++) v[j] += weights[i * nOut + j];
    potentials.forEach((own, j) => (own[t] = v[j]));
  });
  return potentials;
}

export const DECISION_RULES = ["first-spike", "lowest-index", "unique", "potential"];

/** The class, from the output neurons; rule is one of DECISION_RULES. */
export function decide(spikeTimes, potential, thresholds, rule = "first-spike", tMax = 256) {
  const excess = Array.from(potential, (v, j) => v - thresholds[j]);
  const first = Math.min(...spikeTimes);
  const earliest = Array.from(spikeTimes.keys()).filter((j) => spikeTimes[j] === first);
  // Of equals, the lower index: a later one has to be strictly larger.
  const farthest = (among) => among.reduce((best, j) => (excess[j] > excess[best] ? j : best));
  const silent = first === tMax;
  if (rule === "potential") return farthest([...excess.keys()]);
  if (rule === "unique") return earliest.length === 1 && !silent ? earliest[0] : -1;
  if (rule === "lowest-index" && !silent) return earliest[0];
  return farthest(earliest);
}

/** Whether the published counter calls it right: it needs the label, so it is no prediction. */
export function publishedCorrect(spikeTimes, latePotential, label, tMax = 256) {
  const first = Math.min(...spikeTimes);
  if (first < tMax) return spikeTimes[label] === first;
  return latePotential.indexOf(Math.max(...latePotential)) === label;
}

// ---- chapter 04: targets in time

/** When each output neuron should have fired. allSilent is "teach" or "ignore". */
export function relativeTargets(times, label, gamma, allSilent = "teach", tMax = 256) {
  const first = Math.min(...times);
  if (first === tMax) {
    const wanted = allSilent === "teach" ? tMax - gamma : tMax;
    return Array.from(times, (_, j) => (j === label ? wanted : tMax));
  }
  const room = Math.min(first + gamma, tMax);
  return Array.from(times, (t, j) => (j === label ? first : Math.max(t, room)));
}

/** How far each neuron fired before its target, as a share of the window. */
export function timeError(times, targets, tMax = 256) {
  return Array.from(times, (t, j) => (targets[j] - t) / tMax);
}

/** Half the sum of the squared errors. */
export function loss(error) {
  return 0.5 * error.reduce((sum, e) => sum + e * e, 0);
}

/** Divide by the length; zeros stay zeros. */
export function normalise(delta) {
  const length = Math.sqrt(delta.reduce((sum, d) => sum + d * d, 0));
  return delta.map((d) => (length > 0 ? d / length : 0));
}

// ---- chapter 07: weights of one bit

/** +1 where the latent weight is 0 or more, else -1. */
export function sign(latent) {
  return latent < 0 ? -1 : 1;
}

/** What a sum of signs must exceed. */
export function signThreshold(threshold, scale) {
  return Math.floor(threshold / scale);
}

/**
 * One image, one learning step of a BS4NN of one layer: the papers' rule, silence ignored.
 *
 * `state` is {latent, scale}: latent weights in single precision, a positive scale. `rule` is
 * {threshold, gamma, learningRate, scaleLearningRate, tMax}. Returns what the forward pass gave
 * and a new state; the old one stays as it was.
 */
export function learningStep(state, times, label, rule) {
  const nOut = state.latent.length / times.length;
  const signs = Int8Array.from(state.latent, sign);
  const limit = signThreshold(rule.threshold, state.scale);
  const limits = new Array(nOut).fill(limit);
  const { spikeTimes, potential } = layerSpikeTimes(times, signs, limits, rule.tMax);
  const targets = relativeTargets(spikeTimes, label, rule.gamma, "ignore", rule.tMax);
  const delta = normalise(timeError(spikeTimes, targets, rule.tMax));
  const latent = Float32Array.from(state.latent);
  let slope = 0;
  delta.forEach((d, j) => {
    const step = Math.fround(rule.learningRate * d);
    times.forEach((t, i) => {
      if (t < spikeTimes[j]) latent[i * nOut + j] -= step; // only weights that took part
    });
    slope += d * potential[j];
  });
  const scale = state.scale - rule.scaleLearningRate * (slope / latent.length); // the mean
  return { limit, spikeTimes, potential, targets, delta, state: { latent, scale } };
}

// ---- chapter 09: bits

/** Signs as bits, eight to a byte, lowest bit first: 1 for +1, 0 for -1. */
export function packBits(signs) {
  const bits = new Uint8Array(Math.ceil(signs.length / 8));
  signs.forEach((s, k) => {
    if (s > 0) bits[k >> 3] |= 1 << (k & 7);
  });
  return bits;
}

/** The first n bits as signs. */
export function unpackBits(bits, n) {
  return Int8Array.from({ length: n }, (_, k) => ((bits[k >> 3] >> (k & 7)) & 1 ? 1 : -1));
}

/** How many bits of a whole number are 1. */
export function popcount(word) {
  let count = 0;
  for (let rest = word; rest > 0; rest &= rest - 1) count++;
  return count;
}

/** The sum of signs by counting: n inputs fired, p of them with +1, and 2p - n is the sum. */
export function sumOfBits(weights, fired) {
  let p = 0;
  let n = 0;
  fired.forEach((byte, k) => {
    p += popcount(weights[k] & byte);
    n += popcount(byte);
  });
  return { p, n, sum: 2 * p - n };
}

/** CRC-32, as at the end of the file of a packed network. */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** Read the file of a packed network (.bits); see minibs4nn/_bits.py for its parts. */
export function readBits(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - 4;
  const magic = String.fromCharCode(...bytes.subarray(0, 8));
  if (magic !== "BS4NNbit" || view.getUint16(8, true) !== 1) {
    throw new Error("this is not a packed network of format 1");
  }
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end))) {
    throw new Error("the packed network is damaged: its checksum does not fit");
  }
  const tMax = view.getUint16(10, true);
  const depth = view.getUint16(12, true) - 1;
  let at = 14;
  const layers = Array.from({ length: depth + 1 }, (_, k) => view.getUint32(at + 4 * k, true));
  at += 4 * layers.length;
  const widths = bytes.subarray(at, at + depth);
  at += depth;
  const read = (width) => {
    const value = width === 2 ? view.getInt16(at, true) : view.getInt32(at, true);
    at += width;
    return value;
  };
  const thresholds = Array.from(widths, (width, k) => {
    if (width === 0) return new Int32Array(layers[k + 1]).fill(read(4)); // one for all
    return Int32Array.from({ length: layers[k + 1] }, () => read(width));
  });
  const weights = thresholds.map((theta, k) => {
    const n = layers[k] * theta.length;
    const signs = unpackBits(bytes.subarray(at), n);
    at += Math.ceil(n / 8);
    return signs;
  });
  return { layers, tMax, thresholds, weights };
}

/** The bytes behind a text in base64. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
