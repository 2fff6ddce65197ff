// The charts of a report.

import { asWritten, axisTitle, colour, CONFIG, keepWidth, loadPlotly, plainLayout, seriesColour, whenSeen } from "./plotly.js";

/** A chart of a report: curves that never change, on axes of their own. */
export class ReportChart {
  #element;
  #curves;
  #look;

  /** `curves` are [{label, x, y, x_title, y_title}]. */
  constructor(element, curves, look) {
    this.#element = element;
    this.#curves = curves;
    this.#look = look;
    whenSeen(element, (isSeen) => isSeen && this.#draw());
    document.addEventListener("themechange", () => this.#draw());
    keepWidth(element);
  }

  async #draw() {
    const library = await loadPlotly();
    if (!this.#element.offsetWidth) return;
    const [{ x_title, y_title }] = this.#curves;
    const traces = this.#curves.map((curve, at) => this.#trace(curve, at));
    const layout = plainLayout(this.#curves.length > 1);
    layout.xaxis.title = axisTitle(x_title);
    layout.yaxis.title = axisTitle(y_title);
    if (traces.some(({ mode }) => mode === "markers")) Object.assign(layout, { hovermode: "closest", shapes: [this.#diagonal()] });
    library.react(this.#element, traces, layout, CONFIG);
    this.#element.removeAttribute("aria-busy");
  }

  #trace({ label, x, y, y_title }, at) {
    const isLine = x.every((value, i) => i === 0 || value >= x[i - 1]) || x.every((value, i) => i === 0 || value <= x[i - 1]);
    const paint = colour(this.#curves.length === 1 ? this.#look.colour : seriesColour(at));
    return {
      x,
      y,
      name: asWritten(label || y_title),
      type: "scatter",
      mode: isLine ? (x.length > 40 ? "lines" : "lines+markers") : "markers",
      line: { color: paint, width: 2 },
      marker: { color: paint, size: 5, opacity: isLine ? 1 : 0.5 },
    };
  }

  /** Where prediction and truth are equal. */
  #diagonal() {
    const values = this.#curves.flatMap(({ x, y }) => [...x, ...y]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return { type: "line", x0: low, y0: low, x1: high, y1: high, layer: "below",
      line: { color: colour("--chart-baseline"), width: 1.5, dash: "dash" } };
  }
}
