// A list to pick from: typing filters it, arrows choose, Enter takes, Escape leaves.

const dialog = document.getElementById("picker");
const search = document.getElementById("picker-search");
const list = document.getElementById("picker-list");
const none = document.getElementById("picker-none");
let may = () => true;
let take = () => {};
let before = null;

const options = () => [...(list?.querySelectorAll('[role="option"]') ?? [])];
const visible = () => options().filter((one) => !one.hidden);

/** Let somebody pick one of the kinds that `allowed(kind)` lets through; `then(address)` is told which. */
export function pick(title, allowed, then) {
  if (!dialog) return;
  [may, take, before] = [allowed, then, document.activeElement];
  document.getElementById("picker-title").textContent = title;
  search.value = "";
  filter();
  dialog.showModal();
  search.focus();
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const one of options()) {
    const text = one.textContent.toLowerCase();
    one.hidden = !may(one.dataset.kind) || !words.every((word) => text.includes(word));
  }
  for (const group of list.querySelectorAll('[role="group"]')) {
    group.hidden = !group.querySelector('[role="option"]:not([hidden])');
  }
  // What begins with the words stands for them best.
  const first = visible().find((one) => one.textContent.trim().toLowerCase().startsWith(search.value.toLowerCase()));
  choose(first ?? visible()[0]);
  none.hidden = visible().length > 0;
}

function choose(option) {
  for (const one of options()) one.setAttribute("aria-selected", one === option);
  search.setAttribute("aria-activedescendant", option?.id ?? "");
  option?.scrollIntoView({ block: "nearest" });
}

function taken(option) {
  if (!option) return;
  dialog.close();
  take(option.dataset.pick);
}

dialog?.addEventListener("close", () => before?.focus?.());
search?.addEventListener("input", filter);
search?.addEventListener("keydown", (event) => {
  const all = visible();
  const place = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") choose(all[Math.min(place + 1, all.length - 1)]);
  else if (event.key === "ArrowUp") choose(all[Math.max(place - 1, 0)]);
  else if (event.key === "Enter") taken(all[place]);
  else return;
  event.preventDefault();
});
list?.addEventListener("click", (event) => taken(event.target.closest('[role="option"]')));
dialog?.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // beside the list
});
