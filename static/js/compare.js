// Runs side by side: curves overlaid, and a table of settings that hides what is the same.

import { Board, measureOf, readSeries, splitOf } from "./board.js";
import { lookOf } from "./plotly.js";

const charts = document.querySelector("#charts");

function entriesOf(curves, { names }) {
  return Object.entries(curves).flatMap(([name, lines]) => lines.map((line) => ({
    id: `${line.run} ${name}`,
    measure: measureOf(name),
    curve: {
      ...lookOf(line.run),
      name: splitOf(name) === "train" ? `${names[line.run]} (${charts.dataset.wordsTraining})` : names[line.run],
      faint: splitOf(name) === "train" && measureOf(name) === "loss",
      smooth: splitOf(name) !== "val" && measureOf(name) !== "lr",
      x: line.x,
      y: line.y,
    },
  })));
}

function openCharts() {
  const config = JSON.parse(document.querySelector("#charts-config").textContent);
  let first = JSON.parse(document.querySelector("#curves").textContent);
  const read = async (axis, points) => {
    const curves = first ?? (await readSeries(charts.dataset.url, axis, points))?.curves;
    first = null;
    return curves ? entriesOf(curves, config) : null;
  };
  new Board({ root: charts, template: document.querySelector("#chart-template"), config, read }).load();
}

if (charts) openCharts();

const onlyDifferences = document.querySelector("#only-differences");
onlyDifferences?.addEventListener("change", () => {
  document.querySelector("#settings-diff").classList.toggle("only-differences", onlyDifferences.checked);
});
