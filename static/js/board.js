// A board of charts: one chart per measure, with shared smoothing, scale and horizontal axis.

import { LineChart } from "./line_chart.js";

const POINTS = 1000;
const MOST_POINTS = 5000;
const STORED_AFTER_MS = 5000; // by then what was told is stored too

/** "val/accuracy" -> "accuracy": what is drawn together in one chart. */
export const measureOf = (name) => name.slice(name.indexOf("/") + 1);
export const splitOf = (name) => name.slice(0, name.indexOf("/"));

/** What the API says of curves in so many points; null where it does not answer. */
export async function readSeries(url, axis, points = POINTS) {
  const address = new URL(url, location.href);
  address.searchParams.set("points", points);
  address.searchParams.set("x", axis);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : null;
}

export class Board {
  #root;
  #template;
  #config;
  #charts = new Map();
  #options = { x: "step", smoothing: 0, log: false };
  #read;
  #begin;
  #onRead;
  #reading = false;
  #again = null;
  #reader = 0;

  /**
   * `read(axis, points)` resolves to [{id, measure, curve}], or to null if nothing could be read; `begin(id)` is a new
   * curve without points; `onRead` is called each time that all is shown which was read.
   */
  constructor({ root, template, config, read, begin = null, onRead = () => {} }) {
    this.#root = root;
    this.#template = template;
    this.#config = config;
    this.#read = read;
    this.#begin = begin;
    this.#onRead = onRead;
    document.querySelector("#smoothing").addEventListener("input", ({ target }) => {
      this.change({ smoothing: Number(target.value) });
    });
    document.querySelector("#log-axis").addEventListener("change", ({ target }) => this.change({ log: target.checked }));
    document.querySelectorAll("[name=axis]").forEach((choice) => choice.addEventListener("change", () => {
      this.#options.x = choice.value;
      this.load();
    }));
  }

  get axis() {
    return this.#options.x;
  }

  get reading() {
    return this.#reading;
  }

  /**
   * Read all curves anew; asked again meanwhile, it reads once more afterwards. What is stored comes a moment after what
   * was told: with `keepTail`, points beyond those that were read stay.
   */
  async load({ keepTail = false } = {}) {
    if (this.#reading) {
      this.#again = { keepTail: keepTail && (this.#again?.keepTail ?? true) };
      return;
    }
    this.#reading = true;
    const entries = await this.#read(this.#options.x, POINTS);
    this.#reading = false;
    if (entries) this.#show(entries, keepTail);
    const again = this.#again;
    this.#again = null;
    if (again) await this.load(again);
    else this.#onRead();
  }

  #show(entries, keepTail) {
    for (const { id, measure, curve } of entries) this.#chart(measure).chart.setCurve(id, curve, { keepTail });
    this.change({ x: this.#options.x });
    for (const { chart } of this.#charts.values()) chart.setOptions({ legend: chart.curves > 1 });
  }

  /** New points at the end of a curve. What was told of a new one before is read once it is stored. */
  append(id, measure, x, y) {
    const { chart } = this.#chart(measure);
    if (!chart.has(id)) {
      chart.setCurve(id, this.#begin(id));
      chart.setOptions({ legend: chart.curves > 1 });
      clearTimeout(this.#reader);
      this.#reader = setTimeout(() => this.load({ keepTail: true }), STORED_AFTER_MS);
    }
    if (!chart.append(id, x, y)) this.load({ keepTail: true });
  }

  /** Options for all charts: marks, for instance. */
  change(options) {
    Object.assign(this.#options, options);
    for (const { chart } of this.#charts.values()) chart.setOptions(options);
  }

  #chart(measure) {
    if (!this.#charts.has(measure)) this.#charts.set(measure, this.#make(measure));
    return this.#charts.get(measure);
  }

  #make(measure) {
    const { titles, percent, units, baselines = {}, checkpoints = [] } = this.#config;
    const card = this.#template.content.cloneNode(true).firstElementChild;
    const title = titles[measure] ?? measure.replaceAll("_", " ");
    card.dataset.measure = measure;
    card.querySelector("h3").textContent = title;
    const drawing = card.querySelector(".chart");
    drawing.setAttribute("aria-label", title);
    this.#place(card, measure);
    const chart = new LineChart(drawing, {
      marks: checkpoints.slice(-50),
      ...this.#options,
      units,
      percent: percent.includes(measure),
      baseline: baselines[measure] ?? null,
      onZoom: (share) => this.#zoom(measure, share),
    });
    this.#bindTable(card, chart);
    return { chart, card };
  }

  #place(card, measure) {
    const rank = (key) => {
      const at = this.#config.order.indexOf(key);
      return at < 0 ? this.#config.order.length : at;
    };
    const after = [...this.#root.children].find((other) => rank(other.dataset.measure) > rank(measure));
    this.#root.insertBefore(card, after ?? null);
  }

  /** A part of a curve is read in so many more points as the part is smaller than the whole. */
  async #zoom(measure, share) {
    const { chart } = this.#charts.get(measure);
    const points = Math.min(MOST_POINTS, Math.ceil(POINTS / share));
    if (points <= chart.mostPoints) return;
    const entries = await this.#read(this.#options.x, points);
    for (const entry of entries ?? []) if (entry.measure === measure) chart.setCurve(entry.id, entry.curve);
  }

  #bindTable(card, chart) {
    const button = card.querySelector("[data-table]");
    const table = card.querySelector(".chart-table");
    button?.addEventListener("click", () => {
      table.hidden = !table.hidden;
      button.setAttribute("aria-expanded", !table.hidden);
      if (!table.hidden) chart.fillTable(table.querySelector("table"));
    });
  }
}
