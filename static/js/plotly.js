// Plotly, a classic script with a global that no other module touches, and what all charts have in common. It is large,
// so it is loaded beside the page (`<link id="plotly" rel="prefetch">`), and what needs no chart does not wait for it.

export const CONFIG = { displayModeBar: false, doubleClick: "reset" };
const DASHES = ["solid", "dash", "dot", "dashdot"];
const PALETTE = 10;

let plotly = null;
let isDrawing = false;
const waiting = [];

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

/**
 * Draw when its turn comes: one drawing a frame, so that the page answers meanwhile. After each chart that is drawn for
 * the first time, what stands on the page already goes before the next new one: curves in sight stay fresh.
 */
export function inTurn(draw, { isFirst }) {
  waiting.push({ draw, isFirst });
  if (!isDrawing) drawAll();
}

async function drawAll() {
  isDrawing = true;
  for (let wasFirst = false; waiting.length;) {
    await new Promise(requestAnimationFrame);
    const at = wasFirst ? Math.max(0, waiting.findIndex(({ isFirst }) => !isFirst)) : 0;
    const [{ draw, isFirst }] = waiting.splice(at, 1);
    await draw().catch(reportError);
    wasFirst = isFirst;
  }
  isDrawing = false;
}

/** A theme colour by the name of its CSS variable. */
export function colour(variable) {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

/** One of the ten colours of the palette, counted from 0. */
export const seriesColour = (index) => `--series-${(index % PALETTE) + 1}`;

/** How a run is drawn, the same on every page: ten colours, then the same ones dashed. */
export function lookOf(runId) {
  const index = Math.max(0, runId - 1);
  return { colour: seriesColour(index), dash: DASHES[Math.floor(index / PALETTE) % DASHES.length] };
}

/** What all charts have in common, in the theme of the moment. */
export function plainLayout(legend) {
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

const MARKUP = { "&": "&amp;", "<": "&lt;" };

/** What people wrote, for a chart: Plotly reads a few tags in names and words, links among them. */
export const asWritten = (text) => String(text ?? "").replace(/[&<]/g, (sign) => MARKUP[sign]);

/** The title of an axis. */
export const axisTitle = (text) => ({ text: asWritten(text), font: { size: 11 }, standoff: 6 });

/** Call `tell(isSeen)` when the element comes in sight and when it goes. */
export function whenSeen(element, tell) {
  new IntersectionObserver((news) => tell(news.at(-1).isIntersecting), { rootMargin: "200px" }).observe(element);
}

/** Let a chart be as wide as its place. */
export function keepWidth(element) {
  new ResizeObserver(() => {
    if (element.offsetWidth && element.classList.contains("js-plotly-plot")) window.Plotly.Plots.resize(element);
  }).observe(element);
}
