// Runs a packed network on images: node network.mjs FOLDER NET.bits IMAGES OUT.
// IMAGES holds grey levels, 784 a picture. OUT gets 16-bit numbers: for each picture the spike
// times of all layers after the input, then the class.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, bits, images, out] = process.argv.slice(2);
const { decide, latencyCode, networkSpikeTimes, readBits } = await import(
  pathToFileURL(`${folder}/bs4nn.mjs`)
);
const network = readBits(readFileSync(bits));
const [pixels, ...sizes] = network.layers;
const pictures = readFileSync(images);
const width = sizes.reduce((sum, size) => sum + size) + 1;
const results = new Int16Array((pictures.length / pixels) * width);
for (let n = 0; n * pixels < pictures.length; n++) {
  const picture = pictures.subarray(n * pixels, (n + 1) * pixels);
  const { layers, potential } = networkSpikeTimes(latencyCode(picture, network.tMax), network);
  const row = layers.flatMap((layer) => Array.from(layer));
  row.push(decide(layers.at(-1), potential, network.thresholds.at(-1), "first-spike", network.tMax));
  results.set(row, n * width);
}
writeFileSync(out, results);
