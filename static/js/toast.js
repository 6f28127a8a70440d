// Short messages in the corner. They stay until closed when something failed, else for eight seconds.

/** Show a message; kind is "info", "success", "warning" or "error". Returns the element, to add a button to. */
export function toast(text, kind = "info") {
  const box = document.createElement("div");
  box.className = `toast ${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "✕";
  close.setAttribute("aria-label", "Close");
  close.dataset.closes = ".toast";
  box.append(words, close);
  document.getElementById("toasts").append(box);
  fade(box);
  return box;
}

function fade(box) {
  if (!box.classList.contains("error")) setTimeout(() => box.remove(), 8000);
}

for (const box of document.querySelectorAll("#toasts .toast")) fade(box);

// A partial update that failed says so; the reference leads to the line in the log.
document.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  const reference = answer.getResponseHeader("X-Reference");
  const why = answer.status === 403 ? "You may not do this here." : `The server answered ${answer.status}.`;
  toast(reference ? `${why} Reference ${reference}.` : why, "error");
  if (event.detail.elt.matches("[data-waits]")) event.detail.elt.remove(); // nothing comes any more
});

const AGAIN = 2000; // ms
// What waits for a worker (`data-waits`, with `again` among its triggers) asks on until the server is back, and says so
// once; all else says that it could not be asked.
document.addEventListener("htmx:sendError", ({ detail: { elt } }) => {
  const waits = elt.matches("[data-waits]");
  if (!waits) toast("The server could not be reached. Check the connection and try again.", "error");
  else if (!elt.dataset.lost) toast("The server cannot be reached just now. The answer is asked for until it is.", "warning");
  if (!waits) return;
  elt.dataset.lost = "yes";
  setTimeout(() => { if (elt.isConnected) window.htmx.trigger(elt, "again"); }, AGAIN);
});
