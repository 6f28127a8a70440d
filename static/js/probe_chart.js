// Lines and bars of a probe, as a Plotly chart in the colours of the page.

import { color } from "./theme.js";

const PLACES = [1, 2, 3, 4, 5, 6, 7, 8];
const DASHES = ["solid", "dash", "dot", "dashdot"]; // lines often lie on one another

function label(axis) {
  return axis.unit ? `${axis.label}, ${axis.unit}` : axis.label;
}

function axis(said) {
  const rule = color("--line");
  return {
    title: { text: label(said), font: { size: 12 } }, gridcolor: rule, zerolinecolor: color("--line-strong"),
    linecolor: rule, automargin: true, fixedrange: true,
  };
}

/** Draws `figure` (kind lines or bars) into `place`, again after a change of parameters or theme. */
export function drawChart(place, figure) {
  const traces = figure.series.map((series, at) => figure.kind === "bars"
    ? { type: "bar", name: series.name, x: series.x, y: series.y }
    : { type: "scatter", mode: series.x.length < 12 ? "lines+markers" : "lines", name: series.name, x: series.x, y: series.y, line: { width: 2, dash: DASHES[at % DASHES.length] } });
  Plotly.react(place, traces, {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", colorway: PLACES.map((one) => color(`--series-${one}`)),
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: color("--quiet") },
    margin: { l: 56, r: 12, t: 8, b: 44 }, height: place.clientWidth < 480 ? 300 : 360, autosize: true,
    xaxis: axis(figure.x), yaxis: axis(figure.y), hovermode: "x unified", bargap: 0.15,
    showlegend: figure.series.length > 1,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    hoverlabel: { bgcolor: color("--raised"), bordercolor: color("--line-strong"), font: { color: color("--text") } },
  }, { responsive: true, displaylogo: false, displayModeBar: false });
}
