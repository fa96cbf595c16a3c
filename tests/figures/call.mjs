// Calls functions of a module: {"module": path, "calls": [[name, argument, ...], ...]} on the
// standard input, a list of results on the output. {"Int8Array": [...]} stands for a typed array.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const TYPED = { Int8Array, Uint8Array, Int16Array, Int32Array, Float32Array, Float64Array };

function read(key, value) {
  const [name, ...others] = Object.keys(value ?? {});
  return name in TYPED && others.length === 0 ? TYPED[name].from(value[name]) : value;
}

function write(key, value) {
  return ArrayBuffer.isView(value) ? Array.from(value) : value;
}

const { module, calls } = JSON.parse(readFileSync(0, "utf8"), read);
const functions = await import(pathToFileURL(module));
const results = calls.map(([name, ...values]) => functions[name](...values) ?? null);
process.stdout.write(JSON.stringify(results, write));
