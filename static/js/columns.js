// The histograms of the columns: Plotly takes the place of the server's drawing once a card is in sight.

import { colour, CONFIG, keepWidth, loadPlotly, plainLayout, whenSeen } from "./plotly.js";

/** How the values of a column are spread: bars between edges, with quantiles as dotted lines. */
class Histogram {
  #element;
  #facts;

  /** `facts` are {edges, counts, marks: [{at, name}], unit}. */
  constructor(element, facts) {
    this.#element = element;
    this.#facts = facts;
    whenSeen(element, (isSeen) => isSeen && !element.classList.contains("js-plotly-plot") && this.#draw());
    document.addEventListener("themechange", () => element.classList.contains("js-plotly-plot") && this.#draw());
    keepWidth(element);
  }

  async #draw() {
    const library = await loadPlotly();
    const { edges, counts, marks, unit } = this.#facts;
    const words = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 5 });
    const bars = {
      type: "bar",
      x: counts.map((_count, at) => (edges[at] + edges[at + 1]) / 2),
      width: counts.map((_count, at) => edges[at + 1] - edges[at]),
      y: counts,
      hovertext: counts.map((count, at) => `${words.format(edges[at])} – ${words.format(edges[at + 1])} ${unit}: ${words.format(count)}`),
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
