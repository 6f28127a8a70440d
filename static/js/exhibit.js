// An exhibit's curves: the mean over seeds of each arm, and its 95 % interval as a band.

import { layout, title } from "./curves.js";
import { seriesColor, show } from "./palette.js";

function draw() {
  const root = document.querySelector("#exhibit-charts");
  const data = document.querySelector("#exhibit-data");
  if (!root || !data) return;
  root.replaceChildren(...JSON.parse(data.textContent).map(chart));
}

function chart(curve) {
  const box = document.createElement("section");
  box.className = "card chart";
  box.innerHTML = `<h2></h2><p class="legend note"></p><div class="plot" role="img"></div>`;
  box.querySelector("h2").textContent = title(curve.name);
  box.querySelector(".legend").append(...curve.arms.map((arm, place) => {
    const key = Object.assign(document.createElement("span"), { className: "key", textContent: `${arm.arm}, ${arm.seeds} ${arm.seeds === 1 ? "seed" : "seeds"}` });
    key.style.setProperty("--hue", `var(--series-${place + 1})`);
    return key;
  }));
  const plot = box.querySelector(".plot");
  const last = curve.arms.map((arm) => `${arm.arm}: last ${arm.mean.length ? show(arm.mean.at(-1)) : "none yet"}`);
  plot.setAttribute("aria-label", last.join("; "));
  queueMicrotask(() => Plotly.react(plot, curve.arms.flatMap(lines), { ...layout(), dragmode: false }, { displayModeBar: false, responsive: true }));
  return box;
}

function lines(arm, place) {
  const color = seriesColor(place);
  const band = arm.low.every((value) => value !== null) && arm.step.length > 1
    ? [{ x: [...arm.step, ...arm.step.toReversed()], y: [...arm.high, ...arm.low.toReversed()], fill: "toself", fillcolor: color, opacity: 0.18, line: { width: 0 }, hoverinfo: "skip", mode: "lines" }]
    : [];
  return [...band, { x: arm.step, y: arm.mean, name: arm.arm, mode: arm.step.length < 2 ? "markers" : "lines", line: { color, width: 2 }, hovertemplate: "%{y:.4~g}" }];
}

draw();
document.addEventListener("theme", draw);
document.addEventListener("htmx:afterSwap", draw);
