// The page of a reward: an editor whose marks come from the server while one types, and dry runs that mark their faults.

import { edit } from "./editor.js";
import { careful } from "./sending.js";

const field = document.getElementById("source");
const said = document.getElementById("marks");
const changed = document.getElementById("changed");
const saved = field.value;
let timer;
let asked = 0;

const editor = edit(field, (text) => {
  changed.hidden = text === saved;
  clearTimeout(timer);
  timer = setTimeout(check, 350);
});

function say(marks) {
  editor.mark(marks);
  said.classList.toggle("bad", marks.length > 0);
  said.textContent = marks.length ? `Line ${marks[0].line}: ${marks[0].message}` : "The text can be used.";
}

async function check() {
  const number = ++asked;
  const body = new URLSearchParams({ source: field.value });
  const headers = { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] };
  try {
    const answer = await fetch(field.dataset.check, { method: "POST", body, headers });
    // Only the newest text's marks count: answers may overtake one another.
    if (!answer.ok || answer.redirected || number !== asked) return;
    say((await answer.json()).marks);
  } catch {
    said.textContent = "The server could not be reached; marks come back with it.";
  }
}

// Words to complete and texts to start from come once; without them one writes as before.
async function offer() {
  const answer = await fetch(field.dataset.words).catch(() => null);
  if (!answer?.ok) return;
  const { words, starts } = await answer.json();
  editor.complete(words);
  const menu = document.getElementById("starts");
  menu.querySelector("div").append(...starts.map(({ name, about, source }) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name, title: about });
    button.append(Object.assign(document.createElement("small"), { textContent: about }));
    button.addEventListener("click", () => { menu.open = false; editor.replace(source); });
    return button;
  }));
  menu.hidden = false;
}

document.addEventListener("htmx:afterSettle", (event) => {
  const marks = event.detail.target.id === "dryrun" && document.getElementById("dryrun-marks");
  if (marks) editor.mark(JSON.parse(marks.textContent));
});

// Leaving with an unsaved text asks first; saving does not.
let leaving = false;
careful(field.form, () => { leaving = true; });
addEventListener("beforeunload", (event) => {
  if (!leaving && !changed.hidden) event.preventDefault();
});
if (!field.readOnly) {
  check();
  offer();
}
