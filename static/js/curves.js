// The curves of a run: a few charts with a title, what they show in words, and a smoothed line over the raw one.

import { placesOf, seriesColor, show } from "./palette.js";
import { color } from "./theme.js";

const REWARD = "reward/";
export const CHARTS = [
  { key: "rewards", title: "Rewards", note: "mean of each component, and held-out accuracy", share: true,
    pick: (names, order) => [...inOrder(names.filter((name) => name.startsWith(REWARD) && name !== "reward/total" && !isPart(name, names)), order), "heldout/accuracy"] },
  { key: "kl", title: "KL and entropy", note: "nats per token", pick: () => ["kl", "entropy"] },
  { key: "dead", title: "Groups without signal", note: "share of prompts whose completions all earned the same",
    share: true, pick: () => ["dead_groups"] },
  { key: "length", title: "Completion length", note: "tokens", pick: () => ["length"] },
  { key: "clip", title: "Clip fraction", note: "share of tokens whose ratio was clipped", share: true, pick: () => ["clip_fraction"] },
  { key: "speed", title: "Speed", note: "completion tokens per second", pick: () => ["tokens_per_second"] },
  { key: "total", title: "Weighted reward", note: "what credit sees", more: true, pick: () => ["reward/total"] },
  { key: "parts", title: "Parts of the rewards", note: "mean of each component, and of what functions log", more: true,
    pick: (names, order) => inOrder(names.filter((name) => isPart(name, names)), order) },
  { key: "loss", title: "Loss", note: "", more: true, pick: () => ["loss"] },
  { key: "norm", title: "Gradient norm", note: "before clipping", more: true, pick: () => ["grad_norm"] },
  { key: "rate", title: "Learning rate", note: "", more: true, pick: () => ["learning_rate"] },
  { key: "cut", title: "Cut off", note: "share of completions at the length limit", more: true, pick: () => ["cut_off"] },
  { key: "heldout", title: "Held-out rewards", note: "", more: true,
    pick: (names) => names.filter((name) => name.startsWith("heldout/") && name !== "heldout/accuracy") },
  { key: "seconds", title: "Seconds a step", note: "", more: true,
    pick: (names) => names.filter((name) => name.startsWith("seconds/")) },
  { key: "mismatch", title: "Sampling against training", note: "largest difference of log-probabilities, nats", more: true,
    pick: () => ["mismatch"] },
  own("preferences", "Preferences", "how the policy tells the sides apart; margins in nats"),
  own("stock", "Stock", "examples of the round, and groups without a difference"),
  own("selection", "Selection", "what selections chose"),
  own("credit", "Credit", "what the credit method says of itself"),
  own("critic", "Critic", "loss, and the share of the targets' variance that values explain"),
  own("weighting", "Weights of the rewards", "as this step's weighting set them"),
  own("objectives", "Objective", "what the objective says of itself"),
  own("regularisers", "Regularisers", "what regularisers say of themselves"),
  own("served", "Served model", "held-out rewards of the model that a server holds"),
  own("memory", "Memory", "bytes: what was expected and what was used"),
  { key: "skipped", title: "Skipped updates", note: "1 where an update was skipped because of a non-number", more: true,
    pick: () => ["skipped"] },
];

/** A chart of everything that one kind of part measures; it is there when the run has any of it. */
function own(kind, title, note) {
  return { key: kind, title, note, more: true, pick: (names) => names.filter((name) => name.startsWith(`${kind}/`)) };
}

/** Whether a curve is a part of a reward that has a curve itself: `reward/<label>/<part>`. */
function isPart(name, names) {
  return name.startsWith(REWARD) && names.some((one) => one.startsWith(REWARD) && name.startsWith(`${one}/`));
}

/** Rewards in the order of the run's document; the database keeps another one. */
function inOrder(names, order = []) {
  const rank = (name) => (order.indexOf(name.replace(REWARD, "")) + 1 || order.length + 1);
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** A metric's name as people say it. */
export function title(name) {
  const known = { "heldout/accuracy": "held-out accuracy", kl: "KL", dead_groups: "groups without signal",
    clip_fraction: "clip fraction", tokens_per_second: "tokens per second", grad_norm: "gradient norm" };
  return known[name] ?? name.replace(REWARD, "").replace("heldout/", "held-out ").replaceAll("_", " ");
}

/** An exponential mean that corrects for its start; weight 0 leaves the values as they are. */
export function smooth(values, weight) {
  let sum = 0, norm = 0;
  return values.map((value) => {
    sum = weight * sum + (1 - weight) * value;
    norm = weight * norm + (1 - weight);
    return sum / norm;
  });
}

function points(series) {
  const steps = Object.keys(series ?? {}).map(Number).sort((a, b) => a - b);
  return { x: steps, y: steps.map((step) => series[step]) };
}

/** The layout that every chart of the lab has. */
export function layout(extra = {}) {
  const axis = { gridcolor: color("--line"), linecolor: color("--line-strong"), zeroline: false, automargin: true,
    tickfont: { size: 11 }, fixedrange: true };
  return {
    height: 190, margin: { l: 36, r: 8, t: 6, b: 26 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", color: color("--quiet") }, showlegend: false, hovermode: "x unified",
    hoverlabel: { bgcolor: color("--raised"), bordercolor: color("--line"), font: { color: color("--text") } },
    dragmode: "select", selectdirection: "h",
    xaxis: { ...axis, ...extra.xaxis }, yaxis: { ...axis, ...extra.yaxis }, shapes: extra.shapes ?? [],
  };
}

/** Two traces a series: the raw values faintly, and over them the smoothed line. */
export function traces(name, series, place, weight, label = title(name)) {
  const { x, y } = points(series);
  const hue = seriesColor(place);
  const line = { x, y: weight ? smooth(y, weight) : y, name: label, mode: x.length < 2 ? "markers" : "lines",
    line: { color: hue, width: 2 }, marker: { color: hue, size: 5 }, hovertemplate: "%{y:.4~g}" };
  const raw = { x, y, name: `${label}, raw`, mode: "lines", line: { color: hue, width: 1 }, opacity: 0.3, hoverinfo: "skip" };
  return weight ? [raw, line] : [line];
}

/** What a chart shows, as a sentence. */
function summary(name, series) {
  const { x, y } = points(series);
  if (!x.length) return "";
  return `${title(name)}: ${show(y[0])} at step ${x[0]}, ${show(y.at(-1))} at step ${x.at(-1)}, most ${show(Math.max(...y))}`;
}

/**
 * Draw the charts into `root`. `read()` gives {metrics, step, steps, weight, more, order}; `onRange([a, b] | null)` is told
 * when a range of steps is chosen on a chart. Returns a function that draws again.
 */
export function mountCurves(root, read, onRange) {
  const cards = new Map();

  function card(chart) {
    const box = document.createElement("section");
    box.className = "card span-4 chart";
    box.dataset.chart = chart.key;
    box.innerHTML = `<h2></h2><p class="note"></p><p class="legend note"></p><div class="plot" role="img"></div>`;
    box.querySelector("h2").textContent = chart.title;
    box.querySelector(".note").textContent = chart.note;
    box.querySelector(".note").hidden = !chart.note;
    root.append(box);
    return box;
  }

  function draw() {
    const { metrics, step, steps, weight, more, order } = read();
    const names = Object.keys(metrics);
    root.querySelector(".loading, .empty")?.remove();
    let drawn = 0;
    for (const chart of CHARTS) {
      const chosen = chart.pick(names, order).filter((name) => metrics[name] && Object.keys(metrics[name]).length);
      const wanted = chosen.length && (more || !chart.more);
      if (!wanted) { cards.get(chart.key)?.remove(); cards.delete(chart.key); continue; }
      drawn += 1;
      if (!cards.has(chart.key)) cards.set(chart.key, card(chart));
      paint(cards.get(chart.key), chart, chosen, metrics, { step, steps, weight });
    }
    for (const chart of CHARTS) if (cards.has(chart.key)) root.append(cards.get(chart.key));
    if (!drawn) root.innerHTML = `<section class="card span-12 empty"><p>The first point comes with the first step.</p></section>`;
  }

  function paint(box, chart, chosen, metrics, { step, steps, weight }) {
    const places = placesOf(chosen.map((name) => name.replace(REWARD, "")));
    const legend = box.querySelector(".legend");
    legend.replaceChildren(...chosen.map((name, index) => {
      const one = document.createElement("span");
      one.className = "key";
      one.style.setProperty("--hue", `var(--series-${(places[index] % 8) + 1})`);
      one.textContent = title(name);
      return one;
    }));
    legend.hidden = chosen.length < 2;
    const plot = box.querySelector(".plot");
    plot.setAttribute("aria-label", chosen.map((name) => summary(name, metrics[name])).join("; "));
    const lines = chosen.flatMap((name, index) => traces(name, metrics[name], places[index], weight));
    const mark = { type: "line", x0: step, x1: step, yref: "paper", y0: 0, y1: 1, line: { color: color("--quiet"), width: 1, dash: "dot" } };
    const nothing = chart.share && lines.every((line) => line.y.every((value) => value === 0));
    const form = layout({
      xaxis: { range: [0, Math.max(steps || 0, ...lines.map((line) => line.x.at(-1) ?? 0), 1)] },
      yaxis: nothing ? { range: [0, 1] } : chart.share ? { rangemode: "tozero" } : {},
      shapes: step === null ? [] : [mark],
    });
    const first = !plot.data;
    Plotly.react(plot, lines, form, { displayModeBar: false, responsive: true });
    if (first) plot.on("plotly_selected", (area) => {
      if (!area?.range) { onRange(null); return; }
      const [low, high] = area.range.x;
      onRange([Math.max(0, Math.ceil(low)), Math.max(0, Math.floor(high))]);
    });
  }

  document.addEventListener("theme", draw);
  return draw;
}
