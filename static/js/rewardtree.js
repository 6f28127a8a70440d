// The page where a reward is put together from parts. The server draws the tree; each step sends it whole and gets it
// back. Here: which part is looked at, the keys, the troubles at their parts, and the queue of steps.

import { pick } from "./picker.js";
import { careful } from "./sending.js";
import { dragging } from "./treedrag.js";
import { values } from "./treevalues.js";

const form = document.getElementById("parts");
const box = document.getElementById("parts-tree");
const panel = document.getElementById("tree-panel");
const changed = document.getElementById("changed");
const may = "may" in box.dataset;
const { forget, show } = values(box);
let steps = Promise.resolve();
let leaving = false;

/** After the steps before it. One that fails (toast.js says so) must not keep those behind it from being done. */
function queue(work) {
  steps = steps.then(work).catch(() => {});
  return steps;
}

const parts = () => [...box.querySelectorAll(".part")];
const selected = () => box.querySelector('.part[aria-selected="true"]') ?? box.querySelector(".part");
const shown = (part) => part.offsetParent !== null;

function select(part, focus = true) {
  for (const one of parts()) {
    one.setAttribute("aria-selected", one === part);
    one.tabIndex = one === part ? 0 : -1;
  }
  if (form.elements.at) form.elements.at.value = part?.dataset.path ?? "";
  if (part && focus) part.focus();
}

/** Send the tree with what is to be done at the selected part, one step after the other; the answer is the next tree. */
function step(name, given = {}) {
  return queue(async () => {
    const at = given.at ?? selected()?.dataset.path ?? "";
    forget();
    const send = { values: { ...given, do: name, at }, source: form, target: box, swap: "innerHTML" };
    await window.htmx.ajax("POST", form.dataset.step, send);
    changed.hidden = false;
    troubles();
    // The server says where one looks now: htmx has given the focus back to what stood at the old place.
    const focus = box.querySelector("[data-focus]")?.dataset.focus;
    const part = parts().find((one) => one.dataset.path === focus) ?? selected();
    if (part) select(part, !document.querySelector("dialog[open]"));
    show();
    again();
  });
}

function ask(name) {
  const part = selected();
  if (name === "wrap" && !part) return;
  if (name === "add") return pick("Add a part", () => true, (one) => step("add", { pick: one }));
  if (name === "wrap") return pick("Wrap in a combination", (kind) => kind === "combining", (one) => step("wrap", { pick: one }));
  if (name === "change" && part) {
    return pick("Take another in its place", (kind) => kind === part.dataset.kind, (one) => step("change", { pick: one }));
  }
  if (part || name === "undo") step(name);
}

function toggle(part, open) {
  const fields = part.querySelector(":scope > .part-fields");
  fields.hidden = open === undefined ? !fields.hidden : !open;
  part.querySelector(":scope > .part-line [data-edit]").setAttribute("aria-expanded", !fields.hidden);
  const opened = parts().filter((one) => !one.querySelector(":scope > .part-fields").hidden);
  form.elements.open.value = opened.map((one) => one.dataset.field).join(" ");
  const first = fields.querySelector(".fields :is(input:not([type=hidden]), select, textarea)");
  if (fields.hidden || !first) part.focus();
  else first.focus();
}

/** Each trouble of the panel at the deepest part that its path names, and at its field. */
function troubles() {
  for (const one of box.querySelectorAll("[data-error]")) one.hidden = true;
  for (const one of box.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
  for (const part of parts()) delete part.dataset.troubled;
  for (const trouble of panel.querySelectorAll("[data-trouble]")) {
    const path = trouble.dataset.trouble;
    const part = parts().filter((one) => `${path}.`.startsWith(`${one.dataset.field}.`)).pop();
    if (!part) continue;
    part.dataset.troubled = ""; // not a class: htmx sets those back as the swap settles
    const slot = part.querySelector(":scope > [data-error]");
    slot.textContent = trouble.querySelector("[data-words]").textContent;
    slot.hidden = false;
    part.querySelector(`:scope > .part-fields [name="${CSS.escape(path)}"]`)?.setAttribute("aria-invalid", "true");
  }
  // Without parts there is nothing to do but to add one.
  for (const one of form.querySelectorAll(".tools [data-do]:not([data-do=add])")) one.disabled = !parts().length;
  const undo = form.querySelector("[data-do=undo]");
  if (undo) undo.disabled = panel.querySelector("[data-can-undo]")?.dataset.canUndo !== "yes";
}

let timer;
function check() {
  changed.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => {
    queue(async () => {
      await window.htmx.ajax("POST", form.dataset.step, { values: { do: "check" }, source: form, target: panel, swap: "innerHTML" });
      troubles();
      for (const one of panel.querySelectorAll("[data-said-of]")) {
        const part = parts().find((other) => other.dataset.path === one.dataset.saidOf);
        part?.querySelector(":scope > .part-line [data-said]").replaceChildren(one.textContent);
      }
      again();
    });
  }, 250);
}

/** A field that differs from its default says so while one types. */
function mark(field) {
  const one = field.querySelector("input, select, textarea");
  const given = field.dataset.default;
  const text = one.type === "checkbox" ? (one.checked ? "on" : "") : one.value.trim();
  const same = text === given || (text !== "" && given !== "" && Number(text) === Number(given));
  field.classList.toggle("differs", given !== "" ? !same : one.type === "checkbox" && one.checked);
}

/** New values for the changed tree, where somebody has asked for values before. */
function again() {
  const sample = document.getElementById("sample");
  if (sample?.dataset.asked) window.htmx.trigger(sample, "submit");
}

const MOVES = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "out", ArrowRight: "into" };
const ACTS = { Insert: "add", a: "add", w: "wrap", x: "change", Delete: "remove", Backspace: "remove", z: "undo" };

function walk(part, key) {
  const all = parts().filter(shown);
  const place = all.indexOf(part);
  if (key === "ArrowDown") return all[place + 1];
  if (key === "ArrowUp") return all[place - 1];
  if (key === "ArrowLeft") return part.parentElement.closest(".part");
  if (key === "ArrowRight") return part.querySelector(":scope > ul > .part");
  return key === "Home" ? all[0] : key === "End" ? all.at(-1) : undefined;
}

function onPart(event) {
  const part = event.target;
  const key = event.key;
  const undo = (event.ctrlKey || event.metaKey) && key === "z";
  if ((event.ctrlKey || event.metaKey) && !undo) return;
  if (event.altKey) {
    if (!may || !MOVES[key]) return;
    step(MOVES[key]);
  } else if (key === "Enter" || key === "F2" || key === " ") toggle(part);
  else if (may && ACTS[key]) ask(ACTS[key]);
  else if (key.startsWith("Arrow") || key === "Home" || key === "End") {
    const next = walk(part, key);
    if (next) select(next);
  } else return;
  event.preventDefault();
}

box.addEventListener("keydown", (event) => {
  if (event.target.matches(".part")) return onPart(event);
  const part = event.target.closest(".part");
  const line = event.target.matches("input:not([type=checkbox]), select");
  // In a field, Enter and Escape go back to its part; Enter must not save the whole.
  if (!part || event.ctrlKey || event.metaKey || !(event.key === "Escape" || (event.key === "Enter" && line))) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.key === "Enter") toggle(part, false);
  else part.focus();
});

box.addEventListener("click", (event) => {
  const part = event.target.closest(".part");
  if (!part) return;
  if (event.target.closest("[data-edit]")) {
    select(part, false);
    toggle(part);
  } else select(part, event.target.closest(".part-line") !== null);
});
box.addEventListener("dblclick", (event) => {
  const line = event.target.closest(".part-line");
  if (line && !event.target.closest("[data-edit]")) toggle(line.parentElement, true);
});
box.addEventListener("focusin", (event) => {
  const part = event.target.closest(".part");
  if (part && part.getAttribute("aria-selected") !== "true") select(part, false);
});
box.addEventListener("input", (event) => {
  const field = event.target.closest(".knob");
  if (field) mark(field);
  check();
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) ask(button.dataset.do);
});
panel.addEventListener("click", (event) => {
  const link = event.target.closest("[data-trouble] a");
  if (!link) return;
  event.preventDefault();
  const path = link.closest("[data-trouble]").dataset.trouble;
  const part = parts().filter((one) => `${path}.`.startsWith(`${one.dataset.field}.`)).pop();
  if (part) select(part);
});

// Leaving with unsaved parts asks first; saving does not.
careful(form, () => { leaving = true; }, () => steps);
addEventListener("beforeunload", (event) => {
  if (!leaving && !changed.hidden) event.preventDefault();
});
if (may) dragging(box, (at, to, index) => step("place", { at, to, index }));
troubles();
