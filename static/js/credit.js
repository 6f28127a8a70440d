// Where the credit goes: the strips of one completion, or of a whole group, under the chosen streams.

import { drawStrips, streamNames, streamTitle } from "./strip.js";

const SIBLINGS = 16;
const kept = new Map();

/** One completion with its streams; rollouts never change, so each is asked for once. */
async function load(ask, addresses, step, index) {
  const key = `${step}/${index}`;
  if (!kept.has(key)) {
    if (kept.size > 200) kept.clear();
    kept.set(key, ask(`${addresses.rollouts}${step}/${index}/`, {}));
  }
  try {
    return await kept.get(key);
  } catch (error) {
    kept.delete(key);
    throw error;
  }
}

function segments(name, options, chosen, several, onChoose) {
  const box = document.createElement("div");
  box.className = "segments";
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
  box.append(...options.map(([value, words]) => {
    const one = Object.assign(document.createElement("button"), { type: "button", textContent: words });
    const on = several ? chosen.includes(value) : chosen === value;
    one.setAttribute("aria-pressed", on);
    one.addEventListener("click", () => onChoose(value));
    return one;
  }));
  return box;
}

function controls(data, now) {
  const changed = () => document.dispatchEvent(new CustomEvent("credit:changed"));
  const bar = document.createElement("div");
  bar.className = "row strip-controls";
  const streams = streamNames(data).map((name) => [name, streamTitle(name)]);
  bar.append(
    segments("Streams", streams, now.streams, true, (name) => {
      const rest = now.streams.filter((one) => one !== name);
      now.streams = rest.length === now.streams.length ? [...rest, name] : rest.length ? rest : [name];
      changed();
    }),
    segments("Granularity", ["token", "word", "step"].map((one) => [one, one]), now.granularity, false, (one) => { now.granularity = one; changed(); }),
  );
  return bar;
}

function facts(data) {
  const rewards = Object.entries(data.rewards).map(([name, value]) => `${name} ${value === null ? "–" : Number(value.toFixed(3))}`);
  const label = data.label === null || data.label === undefined ? "" : ` · label ${data.label}`;
  return `#${data.index}${data.source ? ` · ${data.source}` : ""} · ${data.end} after ${data.length} token${data.length === 1 ? "" : "s"} · ${rewards.join(" · ")}${label}`;
}

/** Draw into `root` the completion that `now` names, or on the credit tab every sibling of its group. */
export async function drawCredit(root, { ask, addresses, now, step, fresh }) {
  const target = root.querySelector("[data-strips]");
  if (step === null) { target.innerHTML = `<p class="empty small">Choose a completion. The first ones come with the first step.</p>`; return; }
  const siblings = root.dataset.siblings !== undefined;
  const indices = await members(ask, addresses, now, step, siblings);
  if (!fresh()) return;
  const items = await Promise.all(indices.map((index) => load(ask, addresses, step, index)));
  if (!fresh()) return;
  if (!items.length) { target.innerHTML = `<p class="empty small">This group has no completions.</p>`; return; }
  root.querySelector("[data-controls]").replaceChildren(controls(items[0], now));
  const prompt = root.querySelector("[data-prompt]");
  if (prompt) prompt.textContent = `${items[0].prompt}${items[0].answer ? `\n\nreference: ${items[0].answer}` : ""}`;
  Object.assign(target.dataset, { step, group: items[0].group ?? now.group }); // whose strips these are
  drawStrips(target, items.map((data) => ({ title: facts(data), data })), now.streams, now.granularity);
  target.append(...items.flatMap(notes));
}

/** What rewards say of a completion in words, such as a judge's whole reply. */
function notes(data) {
  return Object.entries(data.notes ?? {}).map(([label, text]) => {
    const box = Object.assign(document.createElement("details"), { className: "note" });
    box.append(Object.assign(document.createElement("summary"), { textContent: `#${data.index} · what ${label} says` }));
    box.append(Object.assign(document.createElement("pre"), { textContent: text }));
    return box;
  });
}

/** Which completions to show: the chosen one; on the tab its whole group; without a choice the group's first two. */
async function members(ask, addresses, now, step, siblings) {
  const tree = await ask(addresses.tree, { step, group: now.group });
  const rows = tree.root ? tree.root.rows : [];
  if (siblings) return rows.slice(0, SIBLINGS);
  if (now.index !== null && rows.includes(now.index)) return [now.index];
  return pickTwo(tree.root);
}

/** The first completion of the best branch and that of the worst: where they part, credit is easiest to see. */
function pickTwo(root) {
  if (!root) return [];
  const leaves = [];
  const walk = (node) => { for (const index of node.ending) leaves.push([node.mean ?? 0, index]); node.children.forEach(walk); };
  walk(root);
  leaves.sort((a, b) => b[0] - a[0]);
  return [...new Set([leaves[0]?.[1], leaves.at(-1)?.[1]].filter((one) => one !== undefined))];
}
