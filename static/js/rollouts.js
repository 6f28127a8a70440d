// The table of rollouts: pieces of HTML from the server, filtered by the page's step, range, node and by the reader.

const OWN = ["q", "sort", "reward", "least", "most", "label_least", "label_most", "source"];

/**
 * Fill `root` from the server whenever `load()` is called. `where()` gives the page's own filters, `chosen()` the
 * {step, index} that is open; `onRow({step, index, group})` is told which completion is to be opened. Filters typed here stay when the step moves.
 */
export function mountRollouts(root, addresses, where, chosen, onRow) {
  const own = { q: "", sort: "", page: "", ...Object.fromEntries([...new URLSearchParams(location.search)].filter(([name]) => OWN.includes(name))) };
  const body = root.querySelector("[data-rows]");
  const text = root.querySelector("input[type=search]");
  let turn = 0;

  function query() {
    const found = { ...own, ...where() };
    return new URLSearchParams(Object.entries(found).filter(([name, value]) => value !== null && value !== undefined && (value !== "" || name === "source"))); // source= asks for rows without one
  }

  async function load() {
    const mine = (turn += 1);
    const asked = query();
    const export_ = root.querySelector("[data-export]");
    if (export_) export_.href = `${addresses.rollouts_csv}?${asked}`;
    let html;
    try {
      const answer = await fetch(`${addresses.rollouts}?${asked}`, { headers: { "HX-Request": "true" } });
      html = await answer.text();
      if (!answer.ok && answer.status !== 400) throw new Error(`The server answered ${answer.status}.`);
    } catch (error) {
      if (mine === turn) body.innerHTML = `<p class="notice bad">The table could not be loaded. It comes back with the connection.</p>`;
      return;
    }
    if (mine !== turn) return;
    body.innerHTML = html;
    mark();
  }

  function mark() {
    const { step, index } = chosen();
    for (const row of body.querySelectorAll("tr[data-index]")) {
      const here = index !== null && Number(row.dataset.step) === step && Number(row.dataset.index) === index;
      row.classList.toggle("chosen", here);
      row.querySelector(".asked").setAttribute("aria-pressed", here);
    }
  }

  body.addEventListener("click", (event) => {
    const sorter = event.target.closest("[data-sort]");
    const pager = event.target.closest("[data-page]");
    if (sorter) { event.preventDefault(); own.sort = new URLSearchParams(sorter.dataset.sort).get("sort") ?? ""; own.page = ""; load(); return; }
    if (pager) { event.preventDefault(); own.page = pager.dataset.page; load(); return; }
    const row = event.target.closest("tr[data-index]");
    if (!row) return;
    onRow({ step: Number(row.dataset.step), index: Number(row.dataset.index), group: Number(row.dataset.group) });
    mark();
    document.getElementById("credit")?.closest(".card")?.scrollIntoView({ behavior: "smooth", block: "nearest" });
  });

  let typing = null;
  if (text) {
    text.value = own.q;
    text.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => { own.q = text.value; own.page = ""; load(); }, 250); });
  }
  return { load, mark };
}
