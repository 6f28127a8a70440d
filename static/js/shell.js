// What every page has: keys, theme, messages, times, and small behaviours named by data attributes.
//   data-closes=".toast"   a click removes the nearest such ancestor
//   data-copies="#id"      a click copies the text or value of that element (or of itself when empty)
//   data-confirm="…"       a form or button asks this question before it acts
//   data-submits           a change of this field sends its form

import "./shortcuts.js";
import "./theme.js";
import { toast } from "./toast.js";
import "./times.js";

document.addEventListener("click", async (event) => {
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest(closer.dataset.closes)?.remove();

  const copier = event.target.closest("[data-copies]");
  if (copier) {
    const source = copier.dataset.copies ? document.querySelector(copier.dataset.copies) : copier;
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    toast("Copied.", "success");
  }

  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// The tab that one is on, where a narrow screen shows some of them only.
for (const here of document.querySelectorAll(".tabs > [aria-current]")) {
  const { parentElement: tabs, offsetLeft, offsetWidth } = here;
  tabs.scrollLeft = offsetLeft - tabs.offsetLeft - (tabs.clientWidth - offsetWidth) / 2;
}

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
}, true);

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
});
