// Relative times that stay true while the page is open: <time datetime="…" data-ago>; the exact time is its title.

const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** "3 minutes ago" for a Date. */
export function ago(when) {
  const seconds = (when - Date.now()) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size || unit === "second") return words.format(Math.round(seconds / size), unit);
  }
}

function refresh() {
  for (const one of document.querySelectorAll("time[data-ago]")) {
    const when = new Date(one.dateTime);
    one.textContent = ago(when);
    one.title = when.toLocaleString();
  }
}

refresh();
setInterval(refresh, 15000);
document.addEventListener("htmx:afterSwap", refresh);
