// The head of the run page: state, progress and time left, facts, what went wrong, and what can be done now.

import { show } from "./palette.js";

const find = (id) => document.getElementById(id);
const LIVE = ["queued", "running", "stopping"];

/** Seconds as people say them: 34 s, 2 min 5 s, 1 h 12 min. */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  const whole = Math.round(seconds);
  if (whole < 90) return `${whole} s`;
  if (whole < 5400) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Draw the head from the fold `view` and the `header`; called at each change, and each second while the run lives. */
export function drawHeader(view, header) {
  const state = find("state");
  if (state.dataset.state !== view.state) {
    state.dataset.state = view.state;
    state.textContent = view.state;
    for (const part of document.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(view.state);
  }
  drawProgress(view, header);
  drawReason(view);
}

function drawProgress(view, header) {
  const bar = find("progress");
  const phase = view.progress;
  const live = LIVE.includes(view.state);
  const [done, total] = phase?.total ? [phase.done, phase.total] : [view.step, header.steps];
  bar.classList.toggle("unknown", live && !total);
  const share = total ? Math.min(1, done / total) : view.state === "done" ? 1 : 0;
  bar.style.setProperty("--done", share);
  bar.setAttribute("aria-valuenow", Math.round(share * 100));
  const facts = [];
  if (header.steps) facts.push([view.step, ` of ${header.steps} steps`]);
  if (phase && live) facts.push([phase.total ? `${show(phase.done, 0)} of ${show(phase.total, 0)}` : "", ` ${phase.phase}`]);
  const seconds = last(view, "seconds/step");
  if (seconds !== null) facts.push([`${show(seconds, 2)} s`, " a step"]);
  if (live && seconds !== null && header.steps) facts.push([duration((header.steps - view.step) * average(view, "seconds/step")), " left"]);
  else if (live && phase?.rate && phase.total) facts.push([duration((phase.total - phase.done) / phase.rate), " left"]);
  const speed = last(view, "tokens_per_second");
  if (speed !== null) facts.push([show(speed, 0), " tokens/s"]);
  if (phase?.rate && live && speed === null) facts.push([show(phase.rate, 1), " a second"]);
  find("numbers").replaceChildren(...facts.map(([figure, words]) => {
    const one = document.createElement("span");
    one.append(Object.assign(document.createElement("b"), { className: "number", textContent: figure }), words);
    return one;
  }));
}

function last(view, name) {
  const series = view.metrics[name];
  const steps = series ? Object.keys(series).map(Number) : [];
  return steps.length ? series[Math.max(...steps)] : null;
}

function average(view, name) {
  const values = Object.entries(view.metrics[name] ?? {}).sort((a, b) => a[0] - b[0]).slice(-10).map(([, value]) => value);
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function drawReason(view) {
  const box = find("reason");
  const text = view.reason && view.state === "failed" ? JSON.stringify(view.reason) : "";
  if (box.dataset.shown === text) return;
  box.dataset.shown = text;
  box.hidden = !text;
  if (!text) return;
  const { where, what, mend, evidence } = view.reason;
  box.querySelector("[data-where]").textContent = `Failed: ${where}`;
  box.querySelector("[data-what]").textContent = what;
  box.querySelector("[data-mend]").textContent = mend ?? "";
  const rows = Object.entries(evidence ?? {}).filter(([name]) => name !== "traceback");
  box.querySelector("dl").replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("div");
    row.append(Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { className: "mono", textContent: typeof value === "string" ? value : JSON.stringify(value) }));
    return row;
  }));
  const trace = box.querySelector("details");
  trace.hidden = !evidence?.traceback;
  trace.querySelector("pre").textContent = evidence?.traceback ?? "";
}
