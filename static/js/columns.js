// The histograms of the columns: Plotly takes the place of the server's drawing once a card is in sight.

import { colour, CONFIG, keepWidth, loadPlotly, plainLayout, whenSeen } from "./plotly.js";

const FIGURES = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 5 });
const DAYS = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeZone: "UTC" });
const MOMENTS = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "short", timeZone: "UTC" });
const MANY_DAYS_MS = 60 * 86_400_000; // so many days in all are told without times

/** Where a number or a moment stands on the axis. */
const place = (value) => (typeof value === "string" ? Date.parse(`${value.replace(" ", "T")}Z`) : value);

/** How the values of a column are spread: bars between edges, with quantiles as dotted lines. */
class Histogram {
  #element;
  #facts;

  /** `facts` are {edges, counts, marks: [{at, name}], unit}; edges and marks are numbers, or moments as text. */
  constructor(element, facts) {
    this.#element = element;
    this.#facts = facts;
    whenSeen(element, (isSeen) => isSeen && !element.classList.contains("js-plotly-plot") && this.#draw());
    document.addEventListener("themechange", () => element.classList.contains("js-plotly-plot") && this.#draw());
    keepWidth(element);
  }

  async #draw() {
    const library = await loadPlotly();
    const { counts, unit } = this.#facts;
    const edges = this.#facts.edges.map(place);
    const marks = this.#facts.marks.map(({ at, name }) => ({ at: place(at), name }));
    const isTime = typeof this.#facts.edges[0] === "string";
    const words = !isTime ? FIGURES : edges.at(-1) - edges[0] > MANY_DAYS_MS ? DAYS : MOMENTS;
    const until = isTime ? " –<br>" : " – "; // the two ends of a time do not fit side by side
    const bars = {
      type: "bar",
      x: counts.map((_count, at) => (edges[at] + edges[at + 1]) / 2),
      width: counts.map((_count, at) => edges[at + 1] - edges[at]),
      y: counts,
      hovertext: counts.map((count, at) => `${words.format(edges[at])}${until}${words.format(edges[at + 1])} ${unit}: ${FIGURES.format(count)}`),
      hoverinfo: "text",
      marker: { color: colour("--series-1"), line: { color: colour("--surface"), width: 0.5 } },
    };
    const names = {
      type: "scatter", mode: "markers", x: marks.map(({ at }) => at), y: marks.map(() => 0),
      hovertext: marks.map(({ at, name }) => `${name}: ${words.format(at)}`), hoverinfo: "text",
      marker: { symbol: "triangle-up", size: 9, color: colour("--gold-text") }, cliponaxis: false,
    };
    const layout = plainLayout(false);
    layout.margin = { l: 4, r: 4, t: 4, b: 10 };
    layout.bargap = 0;
    layout.hovermode = "closest";
    layout.dragmode = false;
    layout.xaxis.visible = layout.yaxis.visible = false;
    layout.xaxis.range = [edges[0], edges[edges.length - 1]];
    layout.yaxis.range = [0, Math.max(...counts, 1)];
    layout.shapes = marks.map(({ at }) => ({
      type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { color: colour("--gold-text"), width: 1, dash: "dot" },
    }));
    this.#element.querySelector("svg:not(.main-svg)")?.remove();
    library.react(this.#element, [bars, names], layout, CONFIG);
  }
}

for (const element of document.querySelectorAll("[data-histogram]")) {
  new Histogram(element, JSON.parse(document.getElementById(element.dataset.histogram).textContent));
}
