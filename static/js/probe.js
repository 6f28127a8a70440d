// The figure of a method: what the worker computed, drawn as lines, bars or strips of tokens; the values of the
// parameters stand in the address, so that a link shows a colleague the same figure.

import { drawChart } from "./probe_chart.js";
import { drawStrips } from "./probe_strip.js";

function draw(place) {
  const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
  if (figure.kind === "strip") drawStrips(place, figure);
  else drawChart(place, figure);
  const download = place.parentElement.querySelector("[data-figure-download]");
  if (download.href.startsWith("blob:")) URL.revokeObjectURL(download.href);
  download.href = URL.createObjectURL(new Blob([JSON.stringify(figure, null, 1)], { type: "application/json" }));
}

function drawAll() {
  for (const place of document.querySelectorAll("[data-figure]")) draw(place);
}

function control(field) {
  return field.querySelector("input:not([type=hidden]), select, textarea");
}

function textOf(one) {
  return one.type === "checkbox" ? (one.checked ? "on" : "") : one.value.trim();
}

document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches(".probe-form")) return;
  history.replaceState(history.state, "", `?${new URLSearchParams(new FormData(event.detail.elt))}#figure`);
});

document.addEventListener("reset", (event) => {
  if (!event.target.matches(".probe-form")) return;
  event.preventDefault();
  for (const field of event.target.querySelectorAll(".knob")) {
    const one = control(field);
    if (one.type === "checkbox") one.checked = field.dataset.default === "on";
    else one.value = field.dataset.default;
    field.classList.remove("differs");
  }
  event.target.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("input", (event) => {
  const field = event.target.closest?.(".probe-form .knob");
  if (!field) return;
  const [text, given] = [textOf(control(field)), field.dataset.default];
  const sameNumber = text !== "" && given !== "" && Number(text) === Number(given);
  field.classList.toggle("differs", text !== given && !sameNumber);
});

document.addEventListener("htmx:afterSettle", drawAll);
document.addEventListener("theme", drawAll);
drawAll();
