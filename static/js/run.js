// One run's page: curves that grow, a header that moves, a log that fills; all of it by itself.

import { Board, measureOf, readSeries, splitOf } from "./board.js";
import { listen } from "./live.js";
import { loadPlotly, lookOf } from "./plotly.js";
import { refresh } from "./refresh.js";
import { ReportChart } from "./report_chart.js";

const page = document.querySelector("#run");
const header = document.querySelector("#run-header");
const announce = document.querySelector("#run-announce");
const language = document.documentElement.lang;
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const plainTitle = document.title;
const look = lookOf(Number(page.dataset.id));

let board = null;
const waitingPoints = [];

// Charts

const config = () => JSON.parse(document.querySelector("#charts-config").textContent);

function curveOf(name, { x, y }, { splits }) {
  const split = splitOf(name);
  const faint = split === "train" && measureOf(name) === "loss";
  return {
    name: splits[split] ?? split,
    colour: look.colour,
    faint,
    smooth: split !== "val" && measureOf(name) !== "lr",
    x: [...x],
    y: [...y],
  };
}

async function readCurves(settings, axis, points) {
  const found = await readSeries(page.dataset.seriesUrl, axis, points);
  if (!found) return null;
  document.querySelector("#no-curves").hidden = Object.keys(found.series).length > 0;
  return Object.entries(found.series).map(([name, curve]) => (
    { id: name, measure: measureOf(name), curve: curveOf(name, curve, settings) }
  ));
}

async function openCharts(root) {
  const settings = config();
  const template = document.querySelector("#chart-template");
  const read = (axis, points) => readCurves(settings, axis, points);
  const onRead = () => waitingPoints.splice(0).forEach(addPoints); // what came while the curves were read
  const begin = (name) => curveOf(name, { x: [], y: [] }, settings);
  board = new Board({ root, template, config: settings, read, begin, onRead });
  board.marks = settings.checkpoints;
  await board.load();
}

function addPoints({ points, progress }) {
  if (Object.keys(points).length) document.querySelector("#no-curves").hidden = true;
  const perStep = progress.step ? progress.epoch / progress.step : 0;
  const isLoss = ([name]) => measureOf(name) === "loss"; // what people wait for is drawn first
  const entries = Object.entries(points).sort((a, b) => isLoss(b) - isLoss(a));
  for (const [name, { steps, seconds, values }] of entries) {
    const x = { step: steps, seconds, epoch: steps.map((step) => step * perStep) }[board.axis];
    board.append(name, measureOf(name), x, values.map((value) => (Number.isFinite(value) ? value : null)));
  }
}

function drawReportCurves() {
  const place = document.querySelector("#report-charts");
  if (!place || place.children.length) return;
  const template = document.querySelector("#report-chart-template");
  const groups = Map.groupBy(JSON.parse(document.querySelector("#report-curves").textContent), (curve) => curve.title);
  for (const [title, curves] of groups) {
    const card = template.content.cloneNode(true).firstElementChild;
    card.querySelector("h3").textContent = title;
    const drawing = card.querySelector(".chart");
    drawing.setAttribute("aria-label", title);
    place.append(card);
    new ReportChart(drawing, curves, look);
  }
}

function openTab() {
  const charts = document.querySelector("#charts");
  if (!charts) board = null;
  else if (!charts.children.length) {
    loadPlotly();
    openCharts(charts);
  }
  drawReportCurves();
  const log = document.querySelector("#run-notes");
  if (log) log.scrollTop = log.scrollHeight;
}

// Header

function duration(seconds) {
  const rest = Math.round(seconds);
  if (seconds < 10) return `${oneDigit.format(seconds)} s`;
  if (rest < 60) return `${rest} s`;
  if (rest < 3600) return `${Math.floor(rest / 60)} min ${rest % 60} s`;
  return `${Math.floor(rest / 3600)} h ${Math.floor((rest % 3600) / 60)} min`;
}

function write(name, text) {
  const place = header.querySelector(`[data-live="${name}"]`);
  if (place && place.textContent !== text) place.textContent = text;
}

function show(name, isShown) {
  const place = header.querySelector(`[data-live="${name}"]`);
  if (place) place.hidden = !isShown;
}

function moveHeader({ status, phase, progress }) {
  if (status !== page.dataset.status) return moveStatus({ status, name: page.dataset.name });
  const share = progress.steps ? (100 * progress.step) / progress.steps : 0;
  if (status === "running" && phase) write("phase", phase);
  write("step", whole.format(progress.step));
  write("total", whole.format(progress.steps));
  write("epoch", oneDigit.format(progress.epoch));
  show("steps", progress.step > 0);
  show("eta-words", progress.eta_seconds !== null);
  if (progress.eta_seconds !== null) write("eta", duration(progress.eta_seconds));
  const bar = header.querySelector("[data-live=bar]");
  if (bar && progress.steps) {
    bar.classList.remove("is-waiting");
    bar.setAttribute("aria-valuenow", Math.round(share));
    bar.firstElementChild.style.width = `${share.toFixed(1)}%`;
  }
  document.title = `${Math.floor(share)} % · ${plainTitle}`;
  return undefined;
}

/** Fetch a piece of this page again. */
function refreshPart(id, tab = currentTab(), ready = () => {}) {
  const address = () => {
    const query = new URLSearchParams(location.search); // what was chosen within the tab stays chosen
    query.set("tab", tab);
    return `${page.dataset.url}?${query}`;
  };
  refresh(id, address, ready);
}

const currentTab = () => document.querySelector("#run-tabs [aria-current]").dataset.tab;
const refreshHeader = () => refreshPart("run-header");

function moveStatus({ status, name }) {
  if (status === page.dataset.status && name === page.dataset.name) return;
  const hasMoved = status !== page.dataset.status;
  Object.assign(page.dataset, { status, name });
  refreshHeader();
  refreshPart("run-tabs");
  document.title = plainTitle;
  if (hasMoved && ["finished", "failed", "stopped"].includes(status)) settle(status);
}

function settle(status) {
  announce.textContent = status === "finished" ? page.dataset.wordsFinished : "";
  if (currentTab() === "charts") board?.load();
  else refreshPart("run-tab", currentTab(), openTab);
}

// News

function hearProgress(data) {
  moveHeader(data);
  if (!board) return;
  if (board.reading) waitingPoints.push(data);
  else addPoints(data);
}

function hearNote(note) {
  if (note.kind === "phase") {
    announce.textContent = note.data.title;
    refreshHeader();
  }
  if (note.kind === "checkpoint" && board) {
    board.marks = [...board.marks, note.step].slice(-50);
    board.change({ marks: board.marks });
  }
  if (currentTab() === "logs") {
    refreshPart("run-notes", "logs", () => {
      const log = document.querySelector("#run-notes");
      log.scrollTop = log.scrollHeight;
    });
  }
  if (note.kind === "sample" && currentTab() === "samples") refreshPart("run-tab", "samples");
}

function readAgain() {
  refreshHeader();
  refreshPart("run-tabs");
  if (board) board.load();
  else refreshPart("run-tab", currentTab(), openTab);
}

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target.id === "run-tab") openTab();
});
document.querySelector("#run-tabs").addEventListener("htmx:beforeRequest", ({ target }) => {
  const chosen = target.closest("[data-tab]");
  if (!chosen) return; // the tabs themselves are fetched again
  for (const link of document.querySelectorAll("#run-tabs [data-tab]")) link.removeAttribute("aria-current");
  chosen.setAttribute("aria-current", "page");
});

openTab();
const stream = new URL(page.dataset.eventsUrl, location.href);
stream.searchParams.set("after", page.dataset.after);
listen(stream.href, { progress: hearProgress, note: hearNote, status: moveStatus, reset: readAgain });
