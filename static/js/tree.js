// The prefix tree of a group as an icicle: width by completions, colour by value against the group's mean.

import { show, signed, tint } from "./palette.js";
import { visible } from "./strip.js";


/** Draw `data` (see the tree endpoint) into `root`; `onNode(node | null)` is told which node is chosen. */
export function drawTree(root, data, chosen, onNode) {
  if (!data.root) {
    root.innerHTML = `<p class="empty small">The tree of a group appears when its completions are stored.</p>`;
    return;
  }
  const spread = Math.max(...everyNode(data.root).map((node) => Math.abs((node.mean ?? data.mean) - data.mean)), 1e-9);
  const shut = (root.merit ??= { shut: new Set() }).shut;
  const box = document.createElement("div");
  box.className = "icicle";
  box.setAttribute("role", "tree");
  box.setAttribute("aria-label", `Prefix tree of ${data.size} completions, mean reward ${show(data.mean)}`);
  const rows = [];
  place(data.root, 0, 1, 0);
  rows.forEach((members) => {
    const row = document.createElement("div");
    row.className = "icicle-row";
    row.append(...members);
    box.append(row);
  });
  root.replaceChildren(box);
  keys(box);

  function place(node, left, width, depth) {
    (rows[depth] ??= []).push(cell(node, left, width, depth));
    if (shut.has(node.id)) return;
    let from = left;
    for (const child of node.children) {
      const part = (width * child.visits) / node.visits;
      place(child, from, part, depth + 1);
      from += part;
    }
  }

  function cell(node, left, width, depth) {
    const one = document.createElement("button");
    one.type = "button";
    one.className = "node";
    one.setAttribute("role", "treeitem");
    one.setAttribute("aria-level", depth + 1);
    if (node.children.length) one.setAttribute("aria-expanded", !shut.has(node.id));
    one.setAttribute("aria-selected", node.id === chosen);
    one.dataset.id = node.id;
    one.tabIndex = node.id === (chosen || "0") ? 0 : -1;
    one.style.left = `${left * 100}%`;
    one.style.width = `${width * 100}%`;
    one.style.background = tint("value", (node.mean ?? data.mean) - data.mean, [-spread, spread]);
    const text = depth ? visible(node.text).trimEnd() || "∅" : visible(data.prompt ?? "start").trim().slice(-160);
    const words = [`V ${show(node.mean, 2)} · ${node.visits} of ${data.size}`];
    if (node.edge) words.push(`edge ${signed(node.edge)}`);
    const label = Object.assign(document.createElement("span"), { className: "node-text mono", textContent: text });
    const value = Object.assign(document.createElement("span"), { className: "node-value", textContent: words.join(" · ") });
    one.append(label, value);
    if (shut.has(node.id) || node.deeper) one.classList.add("shut");
    one.title = `${text}\n${words.join(" · ")}\n${node.tokens} tokens from ${node.start + 1}${node.children.length ? ` · branching entropy ${show(node.entropy, 2)} nats` : ""}${node.ending.length ? ` · ${node.ending.length} end here` : ""}${node.deeper ? "\nwhat follows is too deep to be drawn" : ""}`;
    one.addEventListener("click", () => onNode(node.id === chosen || !depth ? null : node));
    one.addEventListener("dblclick", () => fold(node));
    one.merit = { node, fold: () => fold(node) };
    return one;
  }

  function fold(node) {
    if (!node.children.length) return;
    shut.has(node.id) ? shut.delete(node.id) : shut.add(node.id);
    drawTree(root, data, chosen, onNode);
    root.querySelector(`[data-id="${node.id}"]`)?.focus();
  }
}

function everyNode(node) {
  return [node, ...node.children.flatMap(everyNode)];
}

/** Arrows walk the tree; left and right also close and open a node, as trees do elsewhere. */
function keys(box) {
  box.addEventListener("keydown", (event) => {
    const here = event.target.closest(".node");
    if (!here) return;
    const id = here.dataset.id;
    const { node, fold } = here.merit;
    const parent = id.slice(0, id.lastIndexOf("."));
    const row = [...here.parentElement.children];
    const open = here.getAttribute("aria-expanded");
    let next = null;
    if (event.key === "ArrowDown") next = box.querySelector(`[data-id="${id}.0"]`);
    else if (event.key === "ArrowUp" && parent) next = box.querySelector(`[data-id="${parent}"]`);
    else if (event.key === "ArrowRight") next = row[row.indexOf(here) + 1];
    else if (event.key === "ArrowLeft") next = row[row.indexOf(here) - 1];
    else if ((event.key === "-" && open === "true") || (event.key === "+" && open === "false")) { fold(node); return; }
    else return;
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
  });
}
