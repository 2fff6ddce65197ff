// The map of words in an answer, drawn when the answer comes and again when the theme changes.

import { drawWordMap, loadPlotly } from "./charts.js";

function draw() {
  const map = document.querySelector("#word-map");
  if (map) drawWordMap(map, JSON.parse(document.querySelector("#word-map-places").textContent));
}

loadPlotly();
document.querySelector("#answer").addEventListener("htmx:afterSettle", draw);
document.addEventListener("themechange", draw);
