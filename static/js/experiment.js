// A starter experiment: the loss of its newest run, drawn while it falls.

import { readSeries, splitOf } from "./board.js";
import { LineChart } from "./line_chart.js";
import { listen } from "./live.js";
import { loadPlotly, lookOf } from "./plotly.js";
import { fetchHtml } from "./refresh.js";
import { drawSurface } from "./surface.js";

const card = document.querySelector("#experiment");
const place = card.querySelector(".chart");
const look = lookOf(Number(card.dataset.id));
const chart = new LineChart(place, { units: { step: place.dataset.step } });
const ENDED = ["finished", "failed", "stopped"];

function setCurve(name, { x, y }) {
  const split = splitOf(name);
  chart.setCurve(name, { name: place.dataset[split], colour: look.colour, faint: split === "train", x: [...x], y: [...y] });
}

async function readCurves() {
  const found = await readSeries(`${card.dataset.seriesUrl}?names=train/loss,val/loss`, "step");
  for (const [name, curve] of Object.entries(found?.series ?? {})) setCurve(name, curve);
}

function hearProgress({ points }) {
  for (const name of ["train/loss", "val/loss"]) {
    if (!points[name]) continue;
    const { steps, values } = points[name];
    if (chart.has(name)) chart.append(name, steps, values);
    else setCurve(name, { x: steps, y: values });
  }
}

function hearStatus({ status }) {
  if (status === card.dataset.status) return;
  card.dataset.status = status;
  fetchHtml(card.dataset.url, { target: document.querySelector("#outcome") });
  if (ENDED.includes(status)) readCurves();
}

const plane = document.querySelector("#surface");
let divided = plane && JSON.parse(document.querySelector("#surface-now").textContent);

function hearNote(note) {
  if (note.kind !== "surface" || !plane) return;
  divided = note;
  drawSurface(plane, note.data);
}

function drawPlane() {
  if (divided) drawSurface(plane, divided.data);
}

loadPlotly();
readCurves();
drawPlane();
document.addEventListener("themechange", drawPlane);
const stream = new URL(card.dataset.eventsUrl, location.href);
stream.searchParams.set("after", card.dataset.after);
listen(stream.href, { progress: hearProgress, note: hearNote, status: hearStatus, reset: readCurves });
