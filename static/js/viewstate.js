// What is looked at lives in the address, so that a link shows a colleague the same thing.

/** The address's query as an object. */
export function readAddress() {
  return Object.fromEntries(new URLSearchParams(location.search));
}

/** A whole or real number out of the address, null where there is none. */
export function number(text) {
  return text === undefined || text === "" || !Number.isFinite(Number(text)) ? null : Number(text);
}

/** Write values into the address; null and undefined take a name out. Links between tabs keep the rest. */
export function writeAddress(values) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
  for (const link of document.querySelectorAll(".tabs a[data-tab]")) {
    query.set("tab", link.dataset.tab);
    link.href = `?${query}`;
  }
}
