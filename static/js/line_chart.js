// A chart of curves that grow.

import { asWritten, axisTitle, colour, CONFIG, inTurn, keepWidth, loadPlotly, plainLayout, whenSeen } from "./plotly.js";

const REDRAW_MS = 150;
const MOST_POINTS = 8000;
const TABLE_ROWS = 200;

/** Exponential moving average without the bias towards the first value; gaps stay gaps. */
function smoothed(values, weight) {
  if (!weight) return values;
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}

/** Seconds, minutes or hours, whichever reads best up to `longest` seconds. */
function timeUnit(longest) {
  if (longest > 3 * 3600) return { divisor: 3600, unit: "hours" };
  return longest > 180 ? { divisor: 60, unit: "minutes" } : { divisor: 1, unit: "seconds" };
}

/** One chart: named curves on a shared x axis, redrawn at most a few times a second and only while in sight. */
export class LineChart {
  #element;
  #curves = new Map();
  #options = { x: "step", smoothing: 0, log: false, percent: false, baseline: null, marks: [], legend: true, units: {} };
  #timer = 0;
  #drawn = 0;
  #revision = 0;
  #visible = false;
  #started = false;
  #onZoom;

  /** `onZoom(share)` is called with the share of the curves' length that is in sight, and may replace the curves. */
  constructor(element, { onZoom = () => {}, ...options } = {}) {
    this.#element = element;
    this.#onZoom = onZoom;
    Object.assign(this.#options, options);
    whenSeen(element, (isSeen) => {
      this.#visible = isSeen;
      if (isSeen) this.#ask();
    });
    keepWidth(element);
    document.addEventListener("themechange", () => this.#ask());
  }

  /**
   * Put a curve there or replace it: {name, colour, dash, faint, smooth, x, y}; y is null where there is no number. With
   * `keepTail`, points of the curve before it that lie beyond its end are kept.
   */
  setCurve(key, curve, { keepTail = false } = {}) {
    const before = this.#curves.get(key);
    this.#curves.set(key, curve);
    if (keepTail && before) this.append(key, before.x, before.y);
    this.#ask();
  }

  removeCurve(key) {
    if (this.#curves.delete(key)) this.#ask();
  }

  has(key) {
    return this.#curves.has(key);
  }

  /** Add points at the end; answers false once so many have gathered that the curve should be read anew. */
  append(key, x, y) {
    const curve = this.#curves.get(key);
    const last = curve.x.length ? curve.x[curve.x.length - 1] : -Infinity;
    for (let i = 0; i < x.length; i++) {
      if (x[i] <= last) continue;
      curve.x.push(x[i]);
      curve.y.push(y[i]);
    }
    this.#ask();
    return curve.x.length < MOST_POINTS;
  }

  setOptions(options) {
    Object.assign(this.#options, options);
    this.#ask();
  }

  get curves() {
    return this.#curves.size;
  }

  /** Points of the longest curve. */
  get mostPoints() {
    return Math.max(0, ...[...this.#curves.values()].map(({ x }) => x.length));
  }

  /** Fill a table's head and body with what is drawn, thinned to some hundred rows. */
  fillTable(table) {
    const keys = [...this.#curves.keys()];
    const rows = new Map();
    for (const key of keys) {
      const { x, y } = this.#curves.get(key);
      x.forEach((at, i) => rows.set(at, { ...rows.get(at), [key]: y[i] }));
    }
    const all = [...rows].sort(([a], [b]) => a - b);
    const every = Math.ceil(all.length / TABLE_ROWS);
    const shown = all.filter((_, i) => i % every === 0 || i === all.length - 1);
    table.tHead.replaceChildren(tableRow("th", [this.#words(this.#options.x), ...keys.map((key) => this.#curves.get(key).name)]));
    table.tBodies[0].replaceChildren(
      ...shown.map(([at, values]) => tableRow("td", [at, ...keys.map((key) => values[key])])),
    );
  }

  #ask() {
    if (this.#timer || !this.#visible) return;
    const wait = Math.max(0, this.#drawn + REDRAW_MS - performance.now());
    this.#timer = setTimeout(() => inTurn(() => this.#draw(), { isFirst: !this.#started }), wait);
  }

  async #draw() {
    const library = await loadPlotly();
    this.#timer = 0;
    this.#drawn = performance.now();
    if (!this.#element.offsetWidth) return;
    library.react(this.#element, this.#traces(), this.#layout(), CONFIG);
    if (this.#started) return;
    this.#started = true;
    this.#element.removeAttribute("aria-busy");
    this.#element.on("plotly_relayout", (change) => this.#zoomed(change));
  }

  #zoomed(change) {
    const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    const { divisor } = this.#unit();
    if (from !== undefined) this.#onZoom(Math.min(1, ((to - from) * divisor) / this.#length()));
  }

  #length() {
    const ends = [...this.#curves.values()].flatMap(({ x }) => [x[0] ?? 0, x[x.length - 1] ?? 0]);
    return Math.max(...ends) - Math.min(...ends) || 1;
  }

  #words(unit) {
    return this.#options.units[unit] ?? unit;
  }

  #largest() {
    return Math.max(...[...this.#curves.values()].map(({ y }) => Math.abs(y[y.length - 1] ?? 0)));
  }

  #unit() {
    if (this.#options.x !== "seconds") return { divisor: 1, unit: this.#options.x };
    return timeUnit(Math.max(0, ...[...this.#curves.values()].map(({ x }) => x[x.length - 1] ?? 0)));
  }

  #traces() {
    const { divisor } = this.#unit();
    return [...this.#curves.values()].flatMap((curve) => {
      const x = divisor === 1 ? curve.x : curve.x.map((at) => at / divisor);
      const weight = curve.smooth ? this.#options.smoothing : 0;
      const line = this.#trace(curve, x, smoothed(curve.y, weight));
      if (!weight) return [line];
      return [{ ...this.#trace(curve, x, curve.y), opacity: 0.2, hoverinfo: "skip", showlegend: false }, line];
    });
  }

  #trace(curve, x, y) {
    const few = x.length <= 60 && !curve.smooth;
    return {
      x,
      y,
      name: asWritten(curve.name),
      type: "scatter",
      mode: few ? "lines+markers" : "lines",
      connectgaps: false,
      opacity: curve.faint ? 0.45 : 1,
      line: { color: colour(curve.colour), width: curve.faint ? 1.5 : 2, dash: curve.dash ?? "solid" },
      marker: { size: 4 },
      hovertemplate: this.#options.percent ? "%{y:.1%}" : "%{y:.4~g}",
    };
  }

  #layout() {
    const { log, percent, legend, x } = this.#options;
    const layout = plainLayout(legend);
    layout.uirevision = `${x}-${log}`;
    layout.datarevision = ++this.#revision;
    Object.assign(layout.xaxis, { title: axisTitle(this.#words(this.#unit().unit)), hoverformat: ".5~g" });
    Object.assign(layout.yaxis, { type: log ? "log" : "linear", tickformat: percent ? ",.0%" : "" });
    if (percent) layout.yaxis.autorangeoptions = { clipmin: -0.02, clipmax: 1.02 };
    layout.yaxis.exponentformat = this.#largest() >= 1000 ? "SI" : "e";
    if (![...this.#curves.values()].some((curve) => curve.x.length)) {
      for (const axis of [layout.xaxis, layout.yaxis]) Object.assign(axis, { range: [0, 1], showticklabels: false });
    }
    return { ...layout, shapes: this.#shapes(), annotations: this.#notes() };
  }

  #shapes() {
    const { divisor } = this.#unit();
    const { baseline, marks, x: axis } = this.#options;
    const shapes = (axis === "step" ? marks : []).map((at) => ({
      type: "line", x0: at / divisor, x1: at / divisor, yref: "paper", y0: 0, y1: 0.05,
      line: { color: colour("--gold-strong"), width: 2 },
    }));
    for (const { x, y } of this.#curves.values()) {
      x.forEach((at, i) => y[i] === null && shapes.length < 200 && shapes.push({
        type: "line", x0: at / divisor, x1: at / divisor, yref: "paper", y0: 0, y1: 1,
        line: { color: colour("--bad"), width: 1, dash: "dot" },
      }));
    }
    if (baseline) {
      shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: baseline.value, y1: baseline.value,
        line: { color: colour("--chart-baseline"), width: 1.5, dash: "dash" } });
    }
    return shapes;
  }

  #notes() {
    const { baseline, log } = this.#options;
    if (!baseline) return [];
    const y = log ? Math.log10(baseline.value) : baseline.value;
    return [{ xref: "paper", x: 1, xanchor: "right", y, yanchor: "bottom", text: asWritten(baseline.title), showarrow: false,
      font: { size: 11 } }];
  }
}

function tableRow(tag, cells) {
  const row = document.createElement("tr");
  for (const cell of cells) {
    const element = document.createElement(tag);
    element.textContent = typeof cell === "number" ? Number(cell.toPrecision(5)) : (cell ?? "");
    row.append(element);
  }
  return row;
}
