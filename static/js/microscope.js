// The microscope of an algorithm's page: each token of a stored step under one recipe or two, and where they differ.

import { show, signed } from "./palette.js";
import { drawStrips } from "./strip.js";
import { readAddress, writeAddress } from "./viewstate.js";

const form = document.getElementById("microscope");
const GRAINS = ["token", "word", "step"];
const DIFFERENCE = "weight.difference";
let grain = GRAINS.includes(readAddress().grain) ? readAddress().grain : "token";

function made(tag, className, ...inside) {
  const one = document.createElement(tag);
  if (className) one.className = className;
  one.append(...inside);
  return one;
}

/** The recipes that could be followed: [{name, stream, recipe}], the difference last when there are two. */
function seen({ names, result }) {
  const found = result.recipes.map((recipe, place) => ({ name: names[place], stream: `weight.${place}`, recipe }));
  const followed = found.filter(({ recipe }) => !recipe.error);
  const difference = { name: "difference", stream: DIFFERENCE, recipe: { weight: result.difference } };
  return result.difference ? [...followed, difference] : followed;
}

function heading(told) {
  const { result, address, step, run_name } = told;
  const link = made("a", "", `step ${step} of ${run_name}`);
  link.href = `${address}?tab=rollouts&step=${step}`;
  const order = result.difference ? "those first on which the recipes differ most" : "those first that are pushed most";
  const unit = told.even ? "Each recipe's weights are scaled to a mean size of 1 over the step" : "A weight of 1 is the mean token of a plain policy gradient with advantage 1";
  return made("p", "note", `${result.rows.length} of ${result.count} completions (${result.tokens.toLocaleString("en")} tokens) of `, link, `, ${order}. ${unit}; orange makes a token likelier, blue less likely.`);
}

function cells(tag, words) {
  return words.map((word, place) => made(tag, place ? "number" : "", word));
}

/** What each recipe pushes up and down over the whole step, and the share of tokens that it leaves where they are. */
function sums(told) {
  const rows = told.result.recipes.flatMap((recipe, place) => recipe.sums
    ? [made("tr", "", ...cells("td", [told.names[place], signed(recipe.sums.up, 1), signed(recipe.sums.down, 1), `${(100 * recipe.sums.still).toFixed(1)} %`]))] : []);
  const head = made("thead", "", made("tr", "", ...cells("th", ["whole step", "up", "down", "unmoved"])));
  return made("div", "table-wrap", made("table", "table tight sums", head, made("tbody", "", ...rows)));
}

/** Why a recipe is not shown, and what of it could not be followed. */
function words({ names, notes, result }) {
  return result.recipes.flatMap((recipe, place) => recipe.error
    ? [made("p", "notice warn", made("b", "", names[place]), `: ${recipe.error}`)]
    : [...notes[place], ...recipe.notes].map((note) => made("p", "notice", made("b", "", names[place]), `: ${note}`)));
}

function title(row, place, shown) {
  const rewards = Object.entries(row.rewards).map(([name, value]) => `${name} ${value === null ? "–" : Number(value.toFixed(3))}`);
  const pushes = shown.map(({ name, recipe }) => `${name} ${signed(recipe.weight[place].reduce((sum, one) => sum + (one ?? 0), 0))}`);
  const prompt = row.prompt.length > 90 ? `…${row.prompt.slice(-90)}` : row.prompt;
  return `#${row.index} · group ${row.group} · ${prompt.replaceAll("\n", " ⏎ ")} · ${row.end} after ${row.pieces.length} token${row.pieces.length === 1 ? "" : "s"} · ${rewards.join(" · ")} · in all: ${pushes.join(", ")}`;
}

function strips(told, root) {
  const shown = seen(told);
  const items = told.result.rows.map((row, place) => ({
    title: title(row, place, shown),
    data: { pieces: row.pieces, mask: row.mask, streams: Object.fromEntries(shown.map(({ stream, recipe }) => [stream, recipe.weight[place]])) },
  }));
  const titles = Object.fromEntries(shown.map(({ name, stream }) => [stream, name]));
  drawStrips(root, items, shown.map(({ stream }) => stream), grain, { titles, common: "weight" });
}

function granularity(onChoose) {
  const box = made("div", "segments");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Granularity");
  for (const name of GRAINS) {
    const one = made("button", "", name);
    one.type = "button";
    one.addEventListener("click", () => { grain = name; writeAddress({ grain }); mark(); onChoose(); });
    box.append(one);
  }
  const mark = () => { for (const one of box.children) one.setAttribute("aria-pressed", one.textContent === grain); };
  mark();
  return box;
}

function draw(root, told) {
  const place = made("div", "strips");
  const any = seen(told).length > 0;
  root.replaceChildren(heading(told), ...words(told), ...(any ? [sums(told), granularity(() => strips(told, place)), place] : []));
  if (any) strips(told, place);
}

document.addEventListener("htmx:afterSettle", () => {
  const root = document.querySelector("#sight [data-look]:empty");
  if (root) draw(root, JSON.parse(document.getElementById("sight-data").textContent));
  const sight = document.querySelector("#sight:not(:has(.progress))");
  if (sight) sight.style.minHeight = "";
});

if (form) {
  const { run, step, beside, scale } = form.elements;
  const { chosen, title: named } = beside.dataset;
  if (![...beside.options].some((one) => one.value === chosen)) beside.add(new Option(named, chosen)); // one of very many
  beside.value = chosen;
  form.addEventListener("submit", () => {
    writeAddress({ run: run.value, step: step.value, beside: beside.value, scale: scale.value });
    const sight = document.getElementById("sight");
    sight.style.minHeight = `${sight.offsetHeight}px`; // the page must not jump while a worker looks
  });
  // A link shows a colleague the same thing, as far as the parts are saved.
  if ("asked" in form.dataset) addEventListener("load", () => form.requestSubmit());
}
