// Light or dark: follows the system until the person chooses; the choice is a cookie, so that the server draws
// the page right from the first byte. Charts ask color() and listen for "theme" on the document.

const system = matchMedia("(prefers-color-scheme: dark)");

/** "light" or "dark", as the page now looks. */
export function theme() {
  return document.documentElement.dataset.theme || (system.matches ? "dark" : "light");
}

/** The present value of a colour token such as "--series-1", as rgb(…), for canvas and charts. */
export function color(token) {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function announce() {
  document.dispatchEvent(new CustomEvent("theme", { detail: theme() }));
}

function toggle() {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  document.cookie = `theme=${next}; path=/; max-age=31536000; samesite=lax`;
  announce();
}

system.addEventListener("change", announce);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) toggle();
});
