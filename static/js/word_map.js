// The map of words in an answer, drawn when the answer comes and again when the theme changes.

import { asWritten, colour, CONFIG, loadPlotly, plainLayout } from "./plotly.js";

/** Words at their places: the first `chosen` ones in gold, the others quietly around them. */
async function drawWordMap(element, words, { x, y }, chosen) {
  const library = await loadPlotly();
  const trace = (from, to, paint, size) => ({
    type: "scatter", mode: "markers+text", textposition: "top center", cliponaxis: false, showlegend: false, hoverinfo: "text",
    text: words.slice(from, to).map(asWritten), x: x.slice(from, to), y: y.slice(from, to),
    textfont: { color: colour(paint), size }, marker: { color: colour(paint), size: size - 6 },
  });
  const layout = plainLayout(false);
  layout.hovermode = "closest";
  layout.xaxis.visible = false;
  layout.yaxis.visible = false;
  library.react(element, [trace(chosen, words.length, "--text-3", 10), trace(0, chosen, "--gold-text", 13)], layout, CONFIG);
}

function draw() {
  const map = document.querySelector("#word-map");
  if (!map) return;
  const { words, chosen, ...places } = JSON.parse(document.querySelector("#word-map-places").textContent);
  drawWordMap(map, words, places[document.querySelector("[name=map-kind]:checked").value], chosen);
}

loadPlotly();
document.querySelector("#answer").addEventListener("htmx:afterSettle", draw);
document.querySelector("#answer").addEventListener("change", draw);
document.addEventListener("themechange", draw);
