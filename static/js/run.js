// The run page: one view of the run, one step for everything on it, and widgets that read both.

import { mountCurves } from "./curves.js";
import { drawCredit } from "./credit.js";
import { openFeed } from "./feed.js";
import { fold } from "./fold.js";
import { drawFront } from "./front.js";
import { drawHeader } from "./runhead.js";
import { drawLog } from "./runlog.js";
import { mountRollouts } from "./rollouts.js";
import { show } from "./palette.js";
import { drawTree } from "./tree.js";
import { number, readAddress, writeAddress } from "./viewstate.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const find = (id) => document.getElementById(id);
const addresses = read("addresses");
let { view, header } = read("snapshot");
const asked = readAddress();
const now = {
  step: number(asked.step), follow: asked.step === undefined, group: number(asked.group), index: number(asked.index),
  node: null, steps: asked.steps ? asked.steps.split("-").map(Number) : null,
  weight: number(asked.smooth) ?? 0.6, more: asked.more === "1",
  streams: asked.streams ? asked.streams.split(",") : ["advantage"], granularity: asked.grain ?? "token",
  unchosen: asked.group === undefined, // the group is then the one that parts most, at each step anew
  x: asked.x, y: asked.y, reference: asked.rx && asked.ry ? { x: Number(asked.rx), y: Number(asked.ry) } : null,
};

const storedSteps = () => Object.keys(view.rollouts).map(Number).sort((a, b) => a - b);
const newest = () => storedSteps().at(-1) ?? null;
const step = () => (now.follow || now.step === null ? newest() : now.step);

async function ask(address, query) {
  const answer = await fetch(`${address}?${new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== ""))}`);
  const data = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Error(data.error ?? `The server answered ${answer.status}.`);
  return data;
}

/** Run `task` for the newest call only: answers that come late, for what is no longer looked at, are dropped. */
function latest(task, fail) {
  let turn = 0;
  return async (...args) => {
    const mine = (turn += 1);
    try {
      await task(() => mine === turn, ...args);
    } catch (error) {
      if (mine === turn) fail?.(error);
    }
  };
}

function told(id) {
  return (error) => { const box = find(id); if (box) box.replaceChildren(Object.assign(document.createElement("p"), { className: "notice bad", textContent: error.message })); };
}

const showTree = latest(async (fresh) => {
  if (!find("tree")) return;
  const data = await ask(addresses.tree, { step: step(), group: now.group });
  if (!fresh()) return;
  if (data.group !== null && now.unchosen && now.group === null) {
    now.group = data.group;
    if (find("rollouts")?.dataset.grouped !== undefined) rollouts.load();
  }
  fillGroups(data);
  const chosen = (node) => {
    now.node = node;
    paint();
    rollouts?.load();
  };
  const paint = () => drawTree(find("tree"), data, now.node?.id ?? null, chosen);
  paint();
}, told("tree"));

function fillGroups(data) {
  const note = find("tree-note");
  if (note) note.textContent = data.root ? `step ${data.step} · width = completions, colour = value against the group mean ${show(data.mean, 2)}` : "";
  const menu = find("group");
  if (!menu) return;
  menu.replaceChildren(...data.groups.map((group) => new Option(`${group.group}: ${group.prompt.slice(0, 60)} · ${show(group.mean, 2)}`, group.group, false, group.group === data.group)));
}

const showFront = latest(async (fresh) => {
  if (!find("front")) return;
  const upto = now.follow ? null : step();
  const data = await ask(addresses.front, { x: now.x, y: now.y, rx: now.reference?.x, ry: now.reference?.y, upto });
  if (!fresh()) return;
  now.x ??= data.x;
  now.y ??= data.y;
  fillAxes(data);
  drawFront(find("front"), data, step(), moveReference, (chosen) => setStep(chosen));
  find("front-note").replaceChildren("hypervolume ", bold(show(data.hypervolume, 4)), ` from reference (${show(data.reference.x)}, ${show(data.reference.y)}), drag to move`);
}, told("front"));

let moving = null;
function moveReference(reference) {
  now.reference = reference;
  clearTimeout(moving);
  moving = setTimeout(() => { remember(); showFront(); }, 25);
}

function bold(text) {
  return Object.assign(document.createElement("b"), { className: "number", textContent: text });
}

function fillAxes(data) {
  for (const name of ["x", "y"]) {
    const menu = find(`front-${name}`);
    if (menu) menu.replaceChildren(...data.labels.map((label) => new Option(label, label, false, label === data[name])));
  }
}

const showCredit = latest(async (fresh) => {
  if (find("credit")) await drawCredit(find("credit"), { ask, addresses, now, step: step(), fresh });
}, told("credit"));

/** The server makes the table of agreement; it is asked for anew when completions were stored or the run ended. */
const showAgreement = latest(async (fresh) => {
  const place = document.querySelector(".agreement");
  if (!place || place.querySelector("table")) return;
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  if (fresh()) place.replaceWith(page.querySelector(".agreement") ?? place);
});

const rollouts = find("rollouts") && mountRollouts(find("rollouts"), addresses, () => ({
  step: now.steps || (now.node && !find("tree")) ? null : step(), steps: now.steps?.join("-"), node: now.node?.rows.join(","),
  group: now.node || find("rollouts").dataset.grouped !== undefined ? now.group : null,
}), () => ({ step: step(), index: now.index }), (row) => {
  now.index = row.index;
  now.group = row.group;
  now.unchosen = false;
  if (row.step !== step()) setStep(row.step, false);
  remember();
  showCredit();
  showTree();
});

const curves = find("curves") && mountCurves(find("curves"), () => ({
  metrics: view.metrics, step: now.follow ? null : step(), steps: header.steps, weight: now.weight, more: now.more,
  order: header.spec.rewards,
}), (range) => {
  now.steps = range;
  remember();
  describeRange();
  rollouts?.load();
});

function describeRange() {
  const note = find("range-note");
  if (!note) return;
  note.hidden = !now.steps && !now.node;
  note.querySelector("span").textContent = [now.steps && `steps ${now.steps.join(" to ")}`, now.node && `through “${now.node.text.slice(0, 30)}”`].filter(Boolean).join(" · ");
}

/** Everything moves to a step; null follows the newest. */
function setStep(value, redraw = true) {
  now.follow = value === null;
  now.step = value;
  now.node = null;
  if (value === null || redraw) now.steps = null;
  remember();
  drawSlider();
  curves?.();
  if (redraw) follow();
}

function follow() {
  if (now.unchosen) now.group = null;
  describeRange();
  rollouts?.load();
  showTree();
  showFront();
  showCredit();
}

function drawSlider() {
  const slider = find("step");
  if (!slider) return;
  const steps = storedSteps();
  slider.disabled = !steps.length;
  slider.min = steps[0] ?? 0;
  slider.max = steps.at(-1) ?? 0;
  slider.value = step() ?? 0;
  find("step-now").textContent = steps.length ? step() : "–";
  find("follow").checked = now.follow;
}

function remember() {
  writeAddress({
    step: now.follow ? undefined : now.step, group: now.unchosen ? undefined : now.group, index: now.index, steps: now.steps?.join("-"),
    smooth: now.weight === 0.6 ? undefined : now.weight, more: now.more ? 1 : undefined,
    streams: now.streams.join(",") === "advantage" ? undefined : now.streams.join(","),
    grain: now.granularity === "token" ? undefined : now.granularity, x: now.x, y: now.y,
    rx: now.reference?.x, ry: now.reference?.y,
  });
}

const LINE = { live: "live", reconnecting: "reconnecting", refused: "no longer open to you", deleted: "deleted; reload the page to bring it back" };
let drawn = null;
function refresh(events) {
  drawHeader(view, header);
  drawLog(find("log"), view, header.spec.rewards);
  drawSlider();
  curves?.();
  const kinds = new Set(events.map((event) => event.kind));
  if (now.follow && (kinds.has("rollouts") || drawn === null)) { now.node = null; follow(); } else if (kinds.has("front")) showFront();
  if (kinds.has("rollouts") || kinds.has("state")) showAgreement();
  drawn = newest();
}

/** Several bursts of events within a moment are drawn once. */
let waiting = [];
function soon(events) {
  if (!waiting.length) setTimeout(() => { const all = waiting; waiting = []; refresh(all); }, 200);
  waiting.push(...events);
}

find("step")?.addEventListener("input", (event) => {
  const wanted = Number(event.target.value);
  setStep(storedSteps().reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best)));
});
find("follow")?.addEventListener("change", (event) => setStep(event.target.checked ? null : newest()));
find("group")?.addEventListener("change", (event) => { now.group = Number(event.target.value); now.unchosen = false; now.node = null; now.index = null; remember(); describeRange(); rollouts?.mark(); if (find("rollouts")?.dataset.grouped !== undefined) rollouts.load(); showTree(); showCredit(); });
find("range-clear")?.addEventListener("click", () => { now.steps = null; now.node = null; remember(); describeRange(); showTree(); rollouts?.load(); });
find("smooth")?.addEventListener("input", (event) => { now.weight = Number(event.target.value); remember(); curves?.(); });
find("more")?.addEventListener("click", (event) => { now.more = !now.more; event.target.setAttribute("aria-pressed", now.more); remember(); curves?.(); });
for (const name of ["x", "y"]) find(`front-${name}`)?.addEventListener("change", (event) => { now[name] = event.target.value; now.reference = null; remember(); showFront(); });
document.addEventListener("credit:changed", () => { remember(); showCredit(); });
if (find("smooth")) find("smooth").value = now.weight;
if (find("more")) find("more").setAttribute("aria-pressed", now.more);

refresh([]);
if (!now.follow) follow();
if (!header.deleted) {
  openFeed(addresses, view.seq, {
    onSnapshot(fresh, head) { view = fresh; header = head; soon([{ kind: "rollouts" }]); },
    onEvents(events) { fold(view, events); soon(events); },
    onStatus(status) { const line = find("line"); line.dataset.status = status; line.textContent = LINE[status]; },
    onViewers(count) { find("viewers").textContent = `${count} viewer${count === 1 ? "" : "s"}`; },
  });
}
setInterval(() => drawHeader(view, header), 1000);
