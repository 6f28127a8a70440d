// The new-run page and the page of an algorithm: shows each trouble at its field, marks what differs from its default, and launches once.

const form = document.getElementById("newrun");

function fieldOf(path) {
  const parts = path.split(".");
  while (parts.length) {
    const found = form.querySelector(`[data-field="${CSS.escape(parts.join("."))}"]`);
    if (found) return found;
    parts.pop();
  }
  return null;
}

function control(field) {
  return field.querySelector("input:not([type=hidden], [type=radio]), select, textarea");
}

function showTroubles() {
  for (const slot of form.querySelectorAll("[data-error]")) slot.hidden = true;
  for (const one of form.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
  for (const trouble of form.querySelectorAll("[data-trouble]")) {
    const field = fieldOf(trouble.dataset.trouble);
    const slot = field?.querySelector("[data-error]");
    if (!slot) continue;
    slot.textContent = trouble.querySelector("[data-words]").textContent;
    slot.hidden = false;
    control(field)?.setAttribute("aria-invalid", "true");
  }
  const launch = document.getElementById("launch"); // the page of an algorithm, which has the same form, launches nothing
  if (launch) launch.disabled = form.querySelector("[data-blocks=launch]") !== null;
}

function mark(field) {
  const one = control(field);
  if (!one || !("default" in field.dataset)) return;
  const text = one.type === "checkbox" ? (one.checked ? "on" : "") : one.value.trim();
  const given = field.dataset.default;
  const same = text === given || (text !== "" && given !== "" && Number(text) === Number(given));
  field.classList.toggle("differs", given !== "" ? !same : one.type === "checkbox" && one.checked);
}

form.addEventListener("input", (event) => {
  const field = event.target.closest(".knob");
  if (field) mark(field);
});

// A trouble in the panel leads to its field, whatever row or part it stands in.
form.addEventListener("click", (event) => {
  const link = event.target.closest("[data-trouble] a");
  if (!link) return;
  const field = fieldOf(link.closest("[data-trouble]").dataset.trouble);
  const one = field && control(field);
  if (!one) return;
  event.preventDefault();
  one.focus();
  one.scrollIntoView({ block: "center" });
  const slip = field.querySelector(".slip"); // of a formula: the cursor goes to the place that cannot be read
  if (!slip) return;
  const [line, column, length] = [slip.dataset.line, slip.dataset.column, slip.dataset.length].map(Number);
  const lines = one.value.split("\n").slice(0, line - 1);
  const start = lines.reduce((sum, text) => sum + text.length + 1, column - 1);
  one.setSelectionRange(start, start + length);
});

form.addEventListener("submit", () => {
  // Two clicks must not make two runs. Coming back by the browser's history lets one launch again.
  setTimeout(() => document.getElementById("launch")?.setAttribute("disabled", ""));
});
addEventListener("pageshow", showTroubles);
document.addEventListener("htmx:afterSettle", showTroubles);
showTroubles();
