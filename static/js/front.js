// The front: checkpoints in the plane of two rewards, the non-dominated ones joined, and a reference point to drag.
// The server recomputes the hypervolume (library moocore) while the point moves.

import { show } from "./palette.js";

const NS = "http://www.w3.org/2000/svg";
const LEFT = 52, RIGHT = 22, TOP = 18, BOTTOM = 44;
const LEAST = 300, MOST = 860; // the width in pixels between which the picture follows its card
const MANY = 20; // from so many checkpoints on only those on the front bear their step
const STEP = 0.01; // how far an arrow key moves the reference, as a share of the axis

function make(name, attributes, text) {
  const one = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  if (text !== undefined) one.textContent = text;
  return one;
}

function ticks(low, high) {
  const raw = (high - low) / 4;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const size = [1, 2, 2.5, 5, 10].map((many) => many * unit).find((one) => one >= raw);
  const found = [];
  for (let at = Math.ceil(low / size) * size; at <= high + 1e-9; at += size) found.push(Number(at.toPrecision(6)));
  return found;
}

function range(data, name) {
  const values = data.points.flatMap((point) => [point[name] - point[`${name}_error`], point[name] + point[`${name}_error`]]);
  values.push(data.reference[name]);
  const low = Math.min(...values), high = Math.max(...values);
  const room = (high - low || 0.1) * 0.08;
  return [low - room, high + room];
}

/**
 * Draw `data` (see the front endpoint) into `root`, with `step` marked. `onReference({x, y})` is called while the
 * reference point is moved by pointer or arrow keys; `onStep(step)` when a checkpoint is chosen.
 */
export function drawFront(root, data, step, onReference, onStep) {
  if (!data.points.length) {
    root.innerHTML = `<p class="empty small">The first point comes with the first held-out evaluation.</p>`;
    return;
  }
  const box = root.merit?.range && root.merit.moving ? root.merit.range : { x: range(data, "x"), y: range(data, "y") };
  root.merit = { ...root.merit, range: box };
  const width = Math.min(MOST, Math.max(LEAST, root.clientWidth)), height = Math.round(Math.min(width * 0.68, 480));
  const at = {
    width, height,
    x: (value) => LEFT + ((value - box.x[0]) / (box.x[1] - box.x[0])) * (width - LEFT - RIGHT),
    y: (value) => height - BOTTOM - ((value - box.y[0]) / (box.y[1] - box.y[0])) * (height - TOP - BOTTOM),
  };
  const back = {
    x: (pixel) => box.x[0] + ((pixel - LEFT) / (width - LEFT - RIGHT)) * (box.x[1] - box.x[0]),
    y: (pixel) => box.y[0] + ((height - BOTTOM - pixel) / (height - TOP - BOTTOM)) * (box.y[1] - box.y[0]),
  };
  const best = data.points.filter((point) => point.best).map((point) => point.step);
  const picture = make("svg", { viewBox: `0 0 ${width} ${height}`, class: "front", role: "group",
    "aria-label": `${data.points.length} checkpoints by ${data.x} and ${data.y}; not dominated: steps ${best.join(", ")}; hypervolume ${show(data.hypervolume, 4)}` });
  axes(picture, data, box, at);
  region(picture, data, at);
  for (const point of data.points) dot(picture, point, at, step, onStep, data.points.length);
  reference(picture, root, data, at, back, box, onReference);
  const focused = root.querySelector(".reference") === document.activeElement;
  root.replaceChildren(picture);
  if (focused) root.querySelector(".reference").focus();
}

function axes(picture, data, box, at) {
  const { width, height } = at;
  for (const value of ticks(...box.x)) {
    picture.append(make("line", { x1: at.x(value), x2: at.x(value), y1: TOP, y2: height - BOTTOM, class: "grid" }));
    picture.append(make("text", { x: at.x(value), y: height - BOTTOM + 16, class: "tick", "text-anchor": "middle" }, show(value, 3)));
  }
  for (const value of ticks(...box.y)) {
    picture.append(make("line", { x1: LEFT, x2: width - RIGHT, y1: at.y(value), y2: at.y(value), class: "grid" }));
    picture.append(make("text", { x: LEFT - 6, y: at.y(value) + 4, class: "tick", "text-anchor": "end" }, show(value, 3)));
  }
  picture.append(make("text", { x: (LEFT + width) / 2, y: height - 8, class: "name", "text-anchor": "middle" }, data.x));
  picture.append(make("text", { x: 12, y: (height - BOTTOM) / 2, class: "name", "text-anchor": "middle",
    transform: `rotate(-90 12 ${(height - BOTTOM) / 2})` }, data.y));
}

function region(picture, data, at) {
  if (!data.staircase.length) return;
  const corners = data.staircase.map(([x, y]) => `${at.x(x)},${at.y(y)}`);
  picture.append(make("polygon", { points: [`${at.x(data.reference.x)},${at.y(data.reference.y)}`, ...corners].join(" "), class: "dominated" }));
  picture.append(make("polyline", { points: corners.join(" "), class: "staircase" }));
}

function dot(picture, point, at, step, onStep, many) {
  const [x, y] = [at.x(point.x), at.y(point.y)];
  const rx = Math.abs(at.x(point.x + point.x_error) - x), ry = Math.abs(at.y(point.y + point.y_error) - y);
  const one = make("g", { class: `checkpoint${point.best ? " best" : ""}${point.step === step ? " now" : ""}`, tabindex: 0, role: "button",
    "aria-label": `step ${point.step}: ${show(point.x)}, ${show(point.y)}` });
  one.append(make("title", {}, `step ${point.step}: ${show(point.x)} ± ${show(point.x_error)}, ${show(point.y)} ± ${show(point.y_error)}`));
  one.append(make("ellipse", { cx: x, cy: y, rx, ry, class: "error" }));
  one.append(make("circle", { cx: x, cy: y, r: point.step === step ? 6 : 4 }));
  if (many < MANY || point.best || point.step === step) one.append(make("text", { x: x + 7, y: y - 6, class: "tick" }, point.step));
  const choose = () => onStep(point.step);
  one.addEventListener("click", choose);
  one.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
  picture.append(one);
}

function reference(picture, root, data, at, back, box, onReference) {
  const { x, y } = data.reference;
  const cross = make("g", { class: "reference", tabindex: 0, role: "slider", "aria-label": "reference point; arrow keys move it",
    "aria-valuetext": `${show(x)}, ${show(y)}`, "aria-valuenow": x, transform: `translate(${at.x(x)} ${at.y(y)})` });
  cross.append(make("circle", { r: 14, class: "grip" }), make("path", { d: "M-8 0H8M0-8V8" }),
    make("title", {}, `reference ${show(x)}, ${show(y)}; drag it`));
  const move = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
    cross.setAttribute("transform", `translate(${point.x} ${point.y})`);
    onReference({ x: Number(back.x(point.x).toFixed(4)), y: Number(back.y(point.y).toFixed(4)) });
  };
  cross.addEventListener("pointerdown", (down) => {
    down.preventDefault();
    root.merit.moving = true;
    const end = () => { root.merit.moving = false; removeEventListener("pointermove", moveNow); removeEventListener("pointerup", end); };
    const moveNow = (event) => { const live = root.querySelector("svg.front"); if (live) { picture = live; move(event); } };
    addEventListener("pointermove", moveNow);
    addEventListener("pointerup", end);
  });
  cross.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    onReference({ x: Number((x + by[0] * STEP * (box.x[1] - box.x[0])).toFixed(4)), y: Number((y + by[1] * STEP * (box.y[1] - box.y[0])).toFixed(4)) });
  });
  picture.append(cross);
}
