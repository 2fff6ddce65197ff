// Line charts over Plotly. Plotly is a classic script with a global; no other module touches it. It is large, so it is
// loaded beside the page (`<link id="plotly" rel="prefetch">`), and what needs no chart does not wait for it. Charts are
// drawn one a frame, the first on the page first, so that none waits for the others.

const REDRAW_MS = 150;
const MOST_POINTS = 8000;
const TABLE_ROWS = 200;
const DASHES = ["solid", "dash", "dot", "dashdot"];
const PALETTE = 10;
const CONFIG = { displayModeBar: false, doubleClick: "reset" };

let plotly = null;
let lastDrawing = Promise.resolve();

/** Have the library at hand; a page that will draw soon asks early. */
export function loadPlotly() {
  plotly ??= new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = document.querySelector("#plotly").href;
    script.onload = () => resolve(window.Plotly);
    document.head.append(script);
  });
  return plotly;
}

function inTurn(draw) {
  lastDrawing = lastDrawing.then(() => new Promise((resolve) => {
    requestAnimationFrame(() => draw().finally(resolve));
  }));
}

/** A theme colour by the name of its CSS variable. */
export function colour(variable) {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

/** How a run is drawn, the same on every page: ten colours, then the same ones dashed. */
export function lookOf(runId) {
  const index = Math.max(0, runId - 1);
  return { colour: `--series-${(index % PALETTE) + 1}`, dash: DASHES[Math.floor(index / PALETTE) % DASHES.length] };
}

/** Exponential moving average without the bias towards the first value; gaps stay gaps. */
export function smoothed(values, weight) {
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

  /** Put a curve there or replace it: {name, colour, dash, faint, smooth, x, y}; y is null where there is no number. */
  setCurve(key, curve) {
    this.#curves.set(key, curve);
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
    this.#timer = setTimeout(() => inTurn(() => this.#draw()), wait);
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
      name: curve.name,
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
    Object.assign(layout.xaxis, { title: { text: this.#words(this.#unit().unit), font: { size: 11 }, standoff: 6 }, hoverformat: ".5~g" });
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
    return [{ xref: "paper", x: 1, xanchor: "right", y, yanchor: "bottom", text: baseline.title, showarrow: false,
      font: { size: 11 } }];
  }
}

/** What all charts have in common, in the theme of the moment. */
function plainLayout(legend) {
  const ink = colour("--text-2");
  const axis = () => ({
    gridcolor: colour("--chart-grid"), linecolor: colour("--line-strong"), zeroline: false, automargin: true,
    tickfont: { size: 11 },
  });
  return {
    autosize: true,
    margin: { l: 44, r: 12, t: legend ? 30 : 10, b: 36 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, color: ink, size: 12 },
    showlegend: legend,
    legend: { orientation: "h", x: 0, y: 1, xanchor: "left", yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--line-strong"), font: { size: 12, color: ink } },
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    xaxis: axis(),
    yaxis: axis(),
  };
}

function whenSeen(element, tell) {
  new IntersectionObserver(([entry]) => tell(entry.isIntersecting), { rootMargin: "200px" }).observe(element);
}

function keepWidth(element) {
  new ResizeObserver(() => {
    if (element.offsetWidth && element.classList.contains("js-plotly-plot")) window.Plotly.Plots.resize(element);
  }).observe(element);
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

/** The plane of two columns in the colours of what a model answers there, with examples in it; drawn anew at will. */
export async function drawSurface(element, { columns, classes, x, y, chances, points }) {
  const library = await loadPlotly();
  const [right, up] = columns;
  const paints = [colour("--series-1"), colour("--series-2")];
  const field = {
    type: "contour", x, y, z: chances, zmin: 0, zmax: 1, showscale: false, opacity: 0.45, hoverinfo: "skip",
    colorscale: [[0, paints[0]], [0.5, colour("--surface")], [1, paints[1]]],
    contours: { start: 0, end: 1, size: 0.1, showlines: false },
  };
  const edge = {
    type: "contour", x, y, z: chances, showscale: false, hoverinfo: "skip", showlegend: false,
    contours: { start: 0.5, end: 0.5, size: 1, coloring: "none" }, line: { color: colour("--text"), width: 1.5 },
  };
  const examples = classes.map((name, at) => {
    const some = points.filter(([, , kind]) => kind === at);
    return {
      type: "scatter", mode: "markers", name, x: some.map(([a]) => a), y: some.map(([, b]) => b),
      marker: { color: paints[at], size: 9, line: { color: colour("--surface"), width: 1.5 } },
    };
  });
  const layout = plainLayout(true);
  layout.hovermode = "closest";
  layout.xaxis.title = { text: right, font: { size: 11 }, standoff: 6 };
  layout.yaxis.title = { text: up, font: { size: 11 }, standoff: 6 };
  library.react(element, [field, edge, ...examples], layout, CONFIG);
}

/** Words at their places: the first `chosen` ones in gold, the others quietly around them. */
export async function drawWordMap(element, { words, x, y, chosen }) {
  const library = await loadPlotly();
  const trace = (from, to, paint, size) => ({
    type: "scatter", mode: "markers+text", textposition: "top center", showlegend: false, hoverinfo: "text",
    text: words.slice(from, to), x: x.slice(from, to), y: y.slice(from, to),
    textfont: { color: colour(paint), size }, marker: { color: colour(paint), size: size - 6 },
  });
  const layout = plainLayout(false);
  layout.hovermode = "closest";
  layout.xaxis.visible = false;
  layout.yaxis.visible = false;
  library.react(element, [trace(chosen, words.length, "--text-3", 10), trace(0, chosen, "--gold-text", 13)], layout, CONFIG);
}

/** A chart of a report: curves that never change, on axes of their own. */
export class PlainChart {
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
    layout.xaxis.title = { text: x_title, font: { size: 11 }, standoff: 6 };
    layout.yaxis.title = { text: y_title, font: { size: 11 }, standoff: 6 };
    if (traces.some(({ mode }) => mode === "markers")) Object.assign(layout, { hovermode: "closest", shapes: [this.#diagonal()] });
    library.react(this.#element, traces, layout, CONFIG);
    this.#element.removeAttribute("aria-busy");
  }

  #trace({ label, x, y, y_title }, at) {
    const isLine = x.every((value, i) => i === 0 || value >= x[i - 1]) || x.every((value, i) => i === 0 || value <= x[i - 1]);
    const paint = colour(this.#curves.length === 1 ? this.#look.colour : `--series-${(at % PALETTE) + 1}`);
    return {
      x,
      y,
      name: label || y_title,
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

/** How the values of a column are spread: bars between edges, with quantiles as dotted lines. */
export class Histogram {
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
