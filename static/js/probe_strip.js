// Strips of tokens: each token tinted by its number, blue for negative through neutral to orange for positive.

function tint(value, reach) {
  if (value === null || reach === 0) return "var(--neutral)";
  const share = Math.round(100 * Math.min(1, Math.abs(value) / reach));
  return `color-mix(in oklab, var(${value < 0 ? "--negative" : "--positive"}) ${share}%, var(--neutral))`;
}

function signed(value) {
  if (value === null) return "none";
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toPrecision(3)}`;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function legend(figure, reach) {
  const line = element("p", "strip-legend note");
  line.append(signed(-reach), element("span", "strip-scale"), `${signed(reach)} ${figure.y.label}`);
  return line;
}

/** Draws `figure` (kind strip) into `place`: one line a series, the exact number below each token. */
export function drawStrips(place, figure) {
  const numbers = figure.series.flatMap((series) => series.y).filter((value) => value !== null);
  const reach = Math.max(0, ...numbers.map(Math.abs));
  const strips = figure.series.map((series) => {
    const line = element("div", "strip");
    line.append(element("span", "strip-name note", series.name));
    series.tokens.forEach((token, at) => {
      const cell = element("span", "strip-token");
      cell.tabIndex = 0;
      cell.title = `${figure.y.label} ${signed(series.y[at])}`;
      const text = element("span", "strip-text mono", token);
      text.style.setProperty("background", tint(series.y[at], reach));
      cell.append(text, element("span", "strip-value number", signed(series.y[at])));
      line.append(cell);
    });
    return line;
  });
  place.classList.add("strips");
  place.replaceChildren(legend(figure, reach), ...strips);
}
