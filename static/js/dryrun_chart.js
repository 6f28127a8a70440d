// The charts of a dry run in the colours of the page: small histograms, and the reward over the length of completions.

import { show } from "./palette.js";
import { color } from "./theme.js";

const GROUPS = [["wrong", "--series-2"], ["right", "--series-3"], ["unlabelled", "--series-1"]];

function axis(title, more = {}) {
  return {
    title: { text: title, font: { size: 11 }, standoff: 4 }, gridcolor: color("--line"), linecolor: color("--line-strong"),
    zerolinecolor: color("--line"), automargin: true, fixedrange: true, tickfont: { size: 11 }, ...more,
  };
}

function layout(height, more) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", height, autosize: true, showlegend: false,
    font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: color("--quiet") },
    margin: { l: 34, r: 6, t: 4, b: 24 }, bargap: 0.08, barmode: "stack",
    hoverlabel: { bgcolor: color("--raised"), bordercolor: color("--line-strong"), font: { color: color("--text") } },
    ...more,
  };
}

const OPTIONS = { responsive: true, displaylogo: false, displayModeBar: false };

/** Draws one histogram {values or edges, right, wrong, unlabelled} into `place`, its groups stacked. */
export function drawHistogram(place, histogram) {
  const { values, edges } = histogram;
  const names = values ? values.map((one) => show(one)) : edges.slice(1).map((to, at) => `${show(edges[at])} to ${show(to)}`);
  const x = values ? names : edges.slice(1).map((to, at) => (to + edges[at]) / 2);
  const traces = GROUPS.filter(([of]) => histogram[of].some(Boolean)).map(([of, token]) => ({
    type: "bar", name: of, x, y: histogram[of], customdata: names, marker: { color: color(token) },
    width: values ? undefined : edges[1] - edges[0],
    hovertemplate: `%{customdata}: %{y} ${of === "unlabelled" ? "completions" : of}<extra></extra>`,
  }));
  const sides = values ? { xaxis: axis("", { type: "category" }) } : { xaxis: axis("", { nticks: 5 }), bargap: 0 };
  Plotly.react(place, traces, layout(130, { ...sides, yaxis: axis("", { nticks: 4, rangemode: "tozero" }) }), OPTIONS);
}

function group({ label }) {
  return label === null || label === undefined ? "unlabelled" : label >= 0.5 ? "right" : "wrong";
}

/** Draws the points {length, value, label, number}, lengths in letters or tokens (`of`), and the fitted line into `place`. */
export function drawLength(place, { points, line, of: unit }) {
  const traces = GROUPS.map(([of, token]) => {
    const some = points.filter((point) => group(point) === of);
    return {
      type: "scatter", mode: "markers", name: of, x: some.map((one) => one.length), y: some.map((one) => one.value),
      customdata: some.map((one) => one.number), marker: { color: color(token), size: 6, opacity: 0.65 },
      hovertemplate: `#%{customdata}: %{y:.4~g} with %{x} ${unit}<extra></extra>`,
    };
  }).filter((trace) => trace.x.length);
  const lengths = points.map((point) => point.length);
  const ends = [Math.min(...lengths), Math.max(...lengths)];
  if (line) {
    const y = ends.map((at) => line.intercept + line.slope * at);
    traces.push({ type: "scatter", mode: "lines", x: ends, y, hoverinfo: "skip", line: { color: color("--text"), width: 2 } });
  }
  Plotly.react(place, traces, layout(210, { xaxis: axis(unit), yaxis: axis("reward"), margin: { l: 44, r: 8, t: 6, b: 36 } }), OPTIONS);
}
