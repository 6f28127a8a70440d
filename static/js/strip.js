// The token strip: a completion as text, each token tinted by a stream; several streams stacked on the same text.

import { bounds, isDiverging, show, tint } from "./palette.js";

const CHUNK = 250; // tokens in one block that the browser may leave undrawn while it is out of sight
const ORDER = ["reward", "advantage", "logp", "ref_logp", "entropy", "ratio"];
const WORDS = { logp: "log-prob", ref_logp: "reference log-prob", clip_fraction: "clipped" };
const SUMMED = (name) => name === "reward" || name.includes("logp");

/** A stream's name as people say it. */
export function streamTitle(name) {
  return WORDS[name] ?? name.replace("advantage.", "advantage · ").replaceAll("_", " ");
}

/** The streams of a completion, the usual ones first. */
export function streamNames(data) {
  const rank = (name) => (ORDER.indexOf(name) + 1 || ORDER.length + 1);
  return Object.keys(data.streams).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Neighbouring tokens that stand together at a granularity: [[first, last + 1], ...]. */
export function cut(pieces, granularity) {
  if (granularity === "token") return pieces.map((_, place) => [place, place + 1]);
  const parts = [];
  let start = 0;
  for (let place = 1; place <= pieces.length; place += 1) {
    if (place === pieces.length || breaks(pieces[place - 1], pieces[place], granularity)) {
      parts.push([start, place]);
      start = place;
    }
  }
  return parts;
}

function kind(text) {
  return /^\s/.test(text) ? "blank" : /^[\p{L}\p{N}'’]/u.test(text) ? "word" : "sign";
}

function breaks(before, after, granularity) {
  if (granularity === "step") return /[\n;]\s*$/.test(before) || /[.!?]$/.test(before) && /^\s/.test(after);
  return /^\s/.test(after) || kind(after) !== kind(before.slice(-1)) || kind(after) === "sign";
}

/** A stream's number for a run of tokens: log-probabilities and rewards add up, the others are averaged. */
export function together(name, values, first, last) {
  const known = values.slice(first, last).filter((value) => Number.isFinite(value));
  if (!known.length) return null;
  const sum = known.reduce((a, b) => a + b, 0);
  return SUMMED(name) ? sum : sum / known.length;
}

/** A piece of text in which nothing is invisible. */
export function visible(text) {
  return text.replaceAll("\n", "⏎\n").replaceAll("\t", "⇥").replaceAll("\r", "␍").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "␀");
}

function line(data, name, parts) {
  const values = data.streams[name];
  const numbers = parts.map(([first, last]) => together(name, values, first, last));
  const scale = bounds(name, numbers);
  const row = document.createElement("div");
  row.className = "strip-row";
  const text = document.createElement("div");
  text.className = "strip-text mono";
  for (let from = 0; from < parts.length; from += CHUNK) {
    const block = document.createElement("span");
    block.className = "strip-block";
    parts.slice(from, from + CHUNK).forEach(([first, last], offset) => {
      const piece = document.createElement("span");
      piece.className = data.mask.slice(first, last).some(Boolean) ? "piece" : "piece foreign";
      piece.textContent = visible(data.pieces.slice(first, last).join("")) || "∅";
      piece.dataset.part = from + offset;
      piece.style.background = tint(name, numbers[from + offset], scale);
      block.append(piece);
    });
    text.append(block);
  }
  row.append(heading(name, scale), text);
  return row;
}

function heading(name, scale) {
  const head = document.createElement("p");
  head.className = "strip-head note";
  const words = document.createElement("b");
  words.textContent = streamTitle(name);
  const legend = document.createElement("span");
  legend.className = isDiverging(name) ? "scale diverging" : "scale sequential";
  const ends = name === "ratio" ? scale.map(Math.exp) : scale;
  legend.dataset.low = show(ends[0]);
  legend.dataset.high = show(ends[1]);
  head.append(words, legend);
  return head;
}

/**
 * Draw completions into `root`. `items` is [{title, data}]; `chosen` the streams, `granularity` token, word or step.
 * A line under each says the exact numbers of the token that is hovered or focused with the arrow keys.
 */
export function drawStrips(root, items, chosen, granularity) {
  root.replaceChildren(...items.map(({ title, data }) => strip(title, data, chosen, granularity)));
}

function strip(title, data, chosen, granularity) {
  const box = document.createElement("article");
  box.className = "strip";
  const parts = cut(data.pieces, granularity);
  const head = document.createElement("p");
  head.className = "strip-title";
  head.textContent = title;
  const names = chosen.filter((name) => data.streams[name]);
  const told = document.createElement("p");
  told.className = "strip-told note number";
  told.setAttribute("aria-live", "polite");
  told.textContent = parts.length ? "Hover a token, or focus the text and use the arrow keys, for exact numbers." : "The completion is empty.";
  const rows = document.createElement("div");
  rows.className = "strip-rows";
  rows.tabIndex = 0;
  rows.setAttribute("role", "group");
  rows.setAttribute("aria-label", `${title}: ${data.pieces.length} tokens`);
  rows.append(...(names.length ? names.map((name) => line(data, name, parts)) : [Object.assign(document.createElement("p"), { className: "note", textContent: "This completion has none of the chosen streams." })]));
  watch(rows, told, data, parts, granularity);
  box.append(head, rows, told);
  return box;
}

function watch(rows, told, data, parts, granularity) {
  let now = -1;
  function tell(place) {
    if (place === now || place < 0 || place >= parts.length) return;
    for (const one of rows.querySelectorAll(".piece.now")) one.classList.remove("now");
    for (const one of rows.querySelectorAll(`.piece[data-part="${place}"]`)) one.classList.add("now");
    now = place;
    const [first, last] = parts[place];
    const where = last - first > 1 ? `tokens ${first + 1} to ${last}` : `token ${first + 1} of ${data.pieces.length}`;
    const numbers = streamNames(data).map((name) => `${streamTitle(name)} ${show(together(name, data.streams[name], first, last), 4)}`);
    const foreign = data.mask.slice(first, last).some(Boolean) ? "" : " · not chosen by the policy";
    told.textContent = `${granularity === "token" ? "" : `${granularity} ${place + 1}, `}${where} “${visible(data.pieces.slice(first, last).join(""))}”${foreign} · ${numbers.join(" · ")}`;
  }
  rows.addEventListener("pointerover", (event) => {
    const piece = event.target.closest(".piece");
    if (piece) tell(Number(piece.dataset.part));
  });
  rows.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: parts.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    tell(Math.max(0, Math.min(parts.length - 1, moves[event.key])));
    rows.querySelector(".piece.now")?.scrollIntoView({ block: "nearest" });
  });
}
