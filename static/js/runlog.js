// The log of a run: troubles first, then notes, checkpoints and evaluations by step.

function row(step, kind, text) {
  const one = document.createElement("tr");
  for (const [words, name] of [[step, "number"], [kind, ""], [text, ""]]) {
    one.append(Object.assign(document.createElement("td"), { textContent: words, className: name }));
  }
  return one;
}

/** Draw the log into `root` (absent on other tabs) and count the troubles on the page's chip.
 * `order` is the order of the rewards in the run's document. */
export function drawLog(root, view, order = []) {
  const chip = document.getElementById("troubles");
  if (chip) {
    chip.hidden = !view.troubles.length;
    chip.textContent = `${view.troubles.length} trouble${view.troubles.length === 1 ? "" : "s"}`;
  }
  if (!root) return;
  const rows = [
    ...view.troubles.map((one) => [one.step, "trouble", [`${one.where}: ${one.what}`, one.mend, sample(one.evidence)].filter(Boolean).join(" ")]),
    ...view.notes.map((one) => [one.step, "note", one.text]),
    ...Object.entries(view.checkpoints).map(([step, one]) => [Number(step), "checkpoint", `${one.name}, ${(one.bytes / 1e6).toFixed(1)} MB`]),
    ...Object.entries(view.front).map(([step, one]) => [Number(step), "held-out", [...new Set([...order, ...Object.keys(one.values)])].filter((name) => name in one.values).map((name) => `${name} ${one.values[name].toFixed(3)}`).join(", ")]),
  ].sort((a, b) => b[0] - a[0]);
  root.replaceChildren(...(rows.length ? rows.map(([step, kind, text]) => row(step, kind, text)) : [row("", "", "Nothing has been noted yet.")]));
}

function sample(evidence) {
  if (!evidence) return "";
  const { traceback, ...rest } = evidence;
  return Object.keys(rest).length ? JSON.stringify(rest) : "";
}
