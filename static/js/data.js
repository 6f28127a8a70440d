// Uploads: a file may be dropped, one that is too large is refused before it travels, and a running upload shows itself.

for (const form of document.querySelectorAll("form.upload")) {
  const [drop, input, error] = [form.querySelector(".drop"), form.querySelector("[type=file]"), form.querySelector("[data-error]")];
  const most = Number(form.dataset.most) * 2 ** 20;

  function say(words) {
    error.textContent = words;
    error.hidden = !words;
  }

  function tooLarge() {
    const file = input.files[0];
    if (!file || file.size <= most) return say("");
    say(`${file.name} has ${Math.ceil(file.size / 2 ** 20)} MB; ${form.dataset.most} MB are allowed. Split it, or save it as Parquet.`);
  }

  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind !== "drop" || !event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      tooLarge();
    });
  }
  input.addEventListener("change", tooLarge);
  form.addEventListener("submit", (event) => {
    if (!error.hidden) return event.preventDefault();
    form.querySelector(".progress").hidden = false;
    setTimeout(() => form.querySelector("button").setAttribute("disabled", ""));
  });
}

// The link "New version" opens what it leads to.
function openTarget() {
  const target = location.hash && document.querySelector(`details${location.hash}`);
  if (target) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();

// Enter in a field looks again; it neither confirms columns nor starts an analysis.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
  if (!event.target.matches("#columns input:not([type=radio]), #analysis input:not([type=checkbox])")) return;
  event.preventDefault();
  event.target.dispatchEvent(new Event("change", { bubbles: true }));
});
