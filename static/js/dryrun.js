// The result of a dry run: histograms of the values, the reward over length, and dense rewards on their text.

import { drawHistogram, drawLength } from "./dryrun_chart.js";
import { show } from "./palette.js";
import { drawStrips } from "./strip.js";

function figure(histogram) {
  const one = document.createElement("figure");
  const count = ["right", "wrong", "unlabelled"].flatMap((of) => histogram[of]).reduce((sum, many) => sum + many, 0);
  const place = Object.assign(document.createElement("div"), { className: "chart" });
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", `Histogram of ${histogram.name} over ${count} completions`);
  one.append(Object.assign(document.createElement("figcaption"), { className: "note", textContent: histogram.name }), place);
  return one;
}

function draw(data) {
  const histograms = document.querySelector("#dryrun [data-histograms]");
  if (!histograms) return; // it gave no value at all
  if (!histograms.children.length) histograms.replaceChildren(...data.histograms.map(figure));
  histograms.querySelectorAll(".chart").forEach((place, at) => drawHistogram(place, data.histograms[at]));
  const length = document.querySelector("#dryrun [data-length]");
  if (length) drawLength(length, data);
  const dense = document.querySelector("#dryrun [data-dense]:empty");
  if (dense) strips(dense, data);
}

function strips(place, { dense }) {
  const items = dense.map(({ sample, total, rest, pieces, values, parts, placed }) => ({
    title: `#${sample + 1} · ${show(total)}${rest ? `, of which ${show(rest)} at the end` : ""}${placed ? "" : " · values a token; which letters they stand for is known where a tokenizer is chosen"}`,
    data: { pieces, mask: pieces.map(() => true), streams: { reward: values, ...streams(parts) } },
  }));
  const names = [...new Set(dense.flatMap(({ parts }) => Object.keys(parts)))];
  const titles = Object.fromEntries(names.map((name) => [`reward.${name}`, name]));
  const shown = names.length > 1 ? ["reward", ...Object.keys(titles)] : ["reward"]; // one component alone is the reward itself
  place.classList.toggle("several", shown.length > 1);
  drawStrips(place, items, shown, "token", { piece: "part", titles, common: "value" });
}

function streams(parts) {
  return Object.fromEntries(Object.entries(parts).map(([name, values]) => [`reward.${name}`, values]));
}

function known() {
  const data = document.getElementById("dryrun-data");
  return data && JSON.parse(data.textContent);
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "dryrun" && known()) draw(known());
});
document.addEventListener("theme", () => { if (known()) draw(known()); });
