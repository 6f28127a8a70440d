// Parts dragged with the mouse: onto the upper or lower edge of another one, or into a combination.

const EDGE = 0.3; // of a line's height, from either side

/** Let parts of `box` be dragged; `place(at, to, index)` is told which, into which combination, and at which place. */
export function dragging(box, place) {
  let dragged = null;
  let aim = null;

  function clear() {
    for (const one of box.querySelectorAll(".drop-before, .drop-after, .drop-into")) {
      one.classList.remove("drop-before", "drop-after", "drop-into");
    }
    aim = null;
  }

  function aimed(event) {
    const line = event.target.closest(".part-line, .part-none");
    const part = line?.closest(".part");
    if (!part || dragged.contains(part)) return null;
    const { top, height } = line.getBoundingClientRect();
    const share = (event.clientY - top) / height;
    const inner = part.classList.contains("inner");
    const holder = part.parentElement.closest(".part");
    if (inner && (!holder || line.matches(".part-none") || (share > EDGE && share < 1 - EDGE))) {
      return { part, to: part, index: part.querySelectorAll(":scope > ul > .part").length, how: "drop-into" };
    }
    if (!holder) return null;
    const among = [...holder.querySelectorAll(":scope > ul > .part")].filter((one) => one !== dragged);
    const after = share > 0.5;
    return { part, to: holder, index: among.indexOf(part) + (after ? 1 : 0), how: after ? "drop-after" : "drop-before" };
  }

  box.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".part");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.path);
    dragged.classList.add("dragged");
  });
  box.addEventListener("dragover", (event) => {
    if (!dragged) return;
    clear();
    aim = aimed(event);
    if (!aim) return;
    event.preventDefault();
    aim.part.classList.add(aim.how);
  });
  box.addEventListener("drop", (event) => {
    if (!dragged || !aim) return;
    event.preventDefault();
    const [at, to, index] = [dragged.dataset.path, aim.to.dataset.path, aim.index];
    clear();
    place(at, to, index);
  });
  box.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = null;
    clear();
  });
}
