// A form that holds somebody's work is sent only where the server answers and knows who sends it; else it stays as it is.

import { toast } from "./toast.js";

const SIGNED_OUT = "You are signed out. Sign in in another tab, then try again here: what you wrote stays.";
const GONE = "It was deleted in the meantime. What you wrote stays: copy it into a new one.";
const AWAY = "The server could not be reached. What you wrote stays: try again when it is back.";

/** Ask `form.dataset.asks` before `form` is sent, after all that `ready` waits for; `sent` hears that it goes. */
export function careful(form, sent, ready = async () => {}) {
  let asking = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (asking) return; // a second click
    asking = true;
    await ready();
    const answer = await fetch(form.dataset.asks, { redirect: "manual" }).catch(() => null);
    asking = Boolean(answer?.ok);
    if (!asking) return toast(answer?.type === "opaqueredirect" ? SIGNED_OUT : answer?.status === 404 ? GONE : AWAY, "error");
    sent();
    form.submit();
  });
  addEventListener("pageshow", () => { asking = false; });
}

// The page to sign in is no part of another page.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!new URL(event.detail.xhr.responseURL || location.href, location.href).pathname.startsWith("/accounts/login/")) return;
  event.detail.shouldSwap = false;
  toast(SIGNED_OUT, "error");
});
