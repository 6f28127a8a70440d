// Keys: "?" lists them, "/" searches, Ctrl+Enter sends the form one is in; any control with data-key answers to its key.

const typing = (target) => target.closest("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true]");

function controls() {
  return [...document.querySelectorAll("[data-key]")].filter((one) => !one.disabled && one.offsetParent !== null);
}

function show() {
  const dialog = document.getElementById("shortcuts");
  const rows = [["?", "This list"], ["Ctrl Enter", "Send the form"], ["Esc", "Leave a field, close a list"]];
  for (const one of controls()) rows.unshift([one.dataset.key, one.dataset.keySays || one.textContent.trim()]);
  const list = dialog.querySelector(".keys");
  list.replaceChildren(...rows.flatMap(([key, says]) => {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    const words = document.createElement("span");
    words.textContent = says;
    return [cap, words];
  }));
  dialog.showModal();
}

function send(event) {
  const form = event.target.closest("form") || document.querySelector("main form.form, main form.newrun");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return send(event);
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "?") return show();
  const control = controls().find((one) => one.dataset.key === event.key);
  if (!control) return;
  event.preventDefault();
  if (typing(control)) {
    control.focus();
    if (control.select) control.select();
  } else control.click();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-opens=shortcuts]")) show();
});
