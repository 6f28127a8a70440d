// The values of the parts on the sample that is looked at, beside each part of the tree.

import { bounds, show as words, tint } from "./palette.js";

/** Show in `box` what the last answer says. `forget` when the tree is another one; `show` draws what is known. */
export function values(box) {
  const place = document.getElementById("values");
  let known = null;
  let at = 0;

  function draw() {
    for (const slot of box.querySelectorAll("[data-value]")) fill(slot);
    if (!known || !place) return;
    const articles = [...place.querySelectorAll("[data-sample]")];
    at = Math.min(at, Math.max(0, articles.length - 1));
    articles.forEach((one, number) => { one.hidden = number !== at; });
    const total = known.values[""];
    const numbers = (total ?? []).filter((value) => value !== null);
    say("[data-sample-at]", at + 1);
    say("[data-sample-value]", total ? text(total[at]) : "–");
    say("[data-sample-mean]", numbers.length ? words(numbers.reduce((sum, one) => sum + one, 0) / numbers.length) : "–");
  }

  function fill(slot) {
    const column = known?.values[slot.dataset.value];
    slot.classList.remove("faulty");
    slot.style.background = "";
    slot.title = "";
    if (!column) {
      slot.textContent = "";
      return;
    }
    const value = column[at];
    slot.textContent = text(value);
    if (value !== null) slot.style.background = tint("reward", value, bounds("reward", column));
    else slot.title = "does not apply to this sample";
    if (value === null && known.faults.includes(at)) {
      slot.textContent = "failed";
      slot.classList.add("faulty");
      slot.title = "";
    }
  }

  const text = (value) => (value === null ? "–" : words(value));

  function say(selector, what) {
    const one = place.querySelector(selector);
    if (one) one.textContent = what;
  }

  document.getElementById("sample")?.addEventListener("submit", (event) => { event.target.dataset.asked = "1"; });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id !== "values") return;
    const data = document.getElementById("values-data");
    if (!data) return;
    known = JSON.parse(data.textContent);
    draw();
  });
  place?.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sample-by]");
    if (!button) return;
    const count = place.querySelectorAll("[data-sample]").length;
    at = (at + Number(button.dataset.sampleBy) + count) % count;
    draw();
  });
  return { forget: () => { known = null; }, show: draw };
}
