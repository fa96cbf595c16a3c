// Chapter 09: eight signs in one byte, and a sum of signs by counting bits.

import { packBits, sumOfBits } from "./bs4nn.mjs";
import { button, frame, h, put, watch } from "./figure.mjs";

/** What a reader who does not see the table must know. */
export function sentence(signs, fired) {
  const weights = packBits(signs);
  const spikes = packBits(fired.map((yes) => (yes ? 1 : -1)));
  const { p, n, sum } = sumOfBits(weights, spikes);
  return `${weights[0]} AND ${spikes[0]} = ${weights[0] & spikes[0]}. Of n = ${n} inputs that ` +
    `fired, p = ${p} have the weight +1, so the sum is 2 · ${p} − ${n} = ` +
    `${String(sum).replace("-", "−")}.`;
}

export function render({ model, el }) {
  const start = { signs: model.get("signs"), fired: model.get("fired") };
  const parts = frame(el, "packing", model.get("title"));
  const order = start.signs.map((_, i) => i).reverse(); // the lowest bit stands on the right
  const flip = (trait, i) => put(model, { [trait]: model.get(trait).map((old, k) => {
    if (k !== i) return old;
    return trait === "signs" ? -old : !old;
  }) });
  const signs = order.map((i) => button("", `packing-sign-${i}`, () => flip("signs", i)));
  const fired = order.map((i) => button("", `packing-fired-${i}`, () => flip("fired", i)));
  const [bits, both] = [order.map(() => h("td")), order.map(() => h("td"))];
  const row = (text, cells) => h("tr", {}, h("th", { scope: "row" }, text), ...cells);
  const inCell = (element) => h("td", {}, element);
  parts.picture.append(h("div", { class: "bs-scroll", tabindex: 0, role: "region",
    "aria-label": "eight inputs, bit by bit" }, h("table", { class: "bs-bits" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "input"),
      ...order.map((i) => h("th", { scope: "col" }, String(i))))),
    h("tbody", {}, row("weight", signs.map(inCell)), row("bit", bits),
      row("fired", fired.map(inCell)), row("AND", both)))));
  parts.controls.append(h("div", { class: "bs-buttons" },
    button("All have fired", "packing-all", () => put(model, { fired: order.map(() => true) })),
    button("Start again", "packing-reset", () => put(model, start))));

  function update() {
    const [weights, spikes] = [model.get("signs"), model.get("fired")];
    order.forEach((i, k) => {
      const [plus, yes] = [weights[i] > 0, spikes[i]];
      signs[k].textContent = plus ? "+1" : "−1";
      signs[k].setAttribute("aria-label", `weight of input ${i}: ${plus ? "+1" : "−1"}`);
      signs[k].setAttribute("aria-pressed", plus);
      bits[k].textContent = plus ? "1" : "0";
      fired[k].textContent = yes ? "1" : "0";
      fired[k].setAttribute("aria-label", `input ${i} ${yes ? "has fired: 1" : "has not fired: 0"}`);
      fired[k].setAttribute("aria-pressed", yes);
      both[k].textContent = plus && yes ? "1" : "0";
      both[k].className = plus && yes ? "bs-one" : "";
    });
    parts.says.textContent = sentence(weights, spikes);
    parts.root.dataset.sum = sumOfBits(packBits(weights), packBits(spikes.map((s) => s - 0.5))).sum;
  }

  watch(model, ["signs", "fired"], update);
  update();
}

export default { render };
