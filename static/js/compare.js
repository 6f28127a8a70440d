// Curves of several runs laid over one another: one chart a metric, one colour a run.

import { CHARTS, layout, title } from "./curves.js";
import { seriesColor, show } from "./palette.js";

const root = document.querySelector("#compared-curves");
const data = document.querySelector("#compared");

if (root && data) {
  const runs = JSON.parse(data.textContent);
  const answers = await Promise.all(runs.map((run) => fetch(run.curves).then((answer) => answer.json())));
  root.replaceChildren();
  draw(runs, answers);
  document.addEventListener("theme", () => { root.replaceChildren(); draw(runs, answers); });
}

function draw(runs, answers) {
  const all = [...new Set(answers.flatMap((answer) => answer.names))];
  const wanted = [...new Set(CHARTS.filter((chart) => !chart.more || chart.key === "total").flatMap((chart) => chart.pick(all)))];
  for (const name of wanted.filter((one) => all.includes(one))) {
    const box = document.createElement("section");
    box.className = "card span-4 chart";
    box.innerHTML = `<h2></h2><p class="legend note"></p><div class="plot" role="img"></div>`;
    box.querySelector("h2").textContent = title(name);
    box.querySelector(".legend").append(...runs.map((run, place) => {
      const key = Object.assign(document.createElement("span"), { className: "key", textContent: run.name });
      key.style.setProperty("--hue", `var(--series-${(place % 8) + 1})`);
      return key;
    }));
    root.append(box);
    const lines = runs.map((run, place) => {
      const series = answers[place].series[name] ?? { step: [], value: [] };
      return { x: series.step, y: series.value, name: run.name, mode: series.step.length < 2 ? "markers" : "lines",
        line: { color: seriesColor(place), width: 2 }, hovertemplate: "%{y:.4~g}" };
    });
    const plot = box.querySelector(".plot");
    plot.setAttribute("aria-label", lines.map((line) => `${line.name}: last ${show(line.y.at(-1))}`).join("; "));
    lines.sort((a, b) => b.x.length - a.x.length); // a short run stands on top of the long one that it may equal
    Plotly.react(plot, lines, { ...layout(), dragmode: false }, { displayModeBar: false, responsive: true });
  }
  if (!root.children.length) root.innerHTML = `<section class="card span-12 empty"><p>These runs have no curves yet.</p></section>`;
}
