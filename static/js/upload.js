// Files on their way in: chunk by chunk, several at once, going on after whatever interrupted them.

import { csrfToken } from "./app.js";
import { crc32, named } from "./checksum.js";

const AT_ONCE = 3;
const LONGEST_WAIT = 30;
const FIRST_CHUNK = 2 ** 22; // bytes; what a broken connection costs at most on a slow line
const QUICK = 1500; // ms: a line that takes chunks faster than this gets larger ones
const SPEED_SECONDS = 5; // the speed is that of the last seconds

const running = new Set();
const waiting = [];

/** The server said no, in words; trying again would not help. */
class Refused extends Error {}

/** Files that become one dataset: the last one to arrive says so for all. */
class Group {
  constructor(finish) {
    this.finish = finish;
    this.members = [];
    this.places = new Map();
  }

  async arrived(upload, place) {
    this.places.set(upload, place.id);
    return this.isComplete() ? this.become(upload) : { url: null };
  }

  isComplete() {
    return this.members.every((member) => this.places.has(member));
  }

  become(upload) {
    const ids = this.members.map((member) => ["upload", this.places.get(member)]);
    const form = new URLSearchParams([...ids, ...this.members.map((member) => ["checksum", named(member.sum)])]);
    return upload.ask("POST", this.finish, form);
  }

  left(upload) {
    this.members = this.members.filter((member) => member !== upload);
  }
}

/** One file: its row on the page, and how much of it is there. */
class Upload {
  constructor(file, row, settings, group) {
    this.file = file;
    this.group = group;
    group.members.push(this);
    this.row = row;
    this.settings = settings;
    this.received = 0;
    this.sum = 0;
    this.summed = 0;
    this.chunk = FIRST_CHUNK;
    this.paused = false;
    this.cancelled = false;
    this.request = null;
    this.wake = () => {};
    this.samples = [];
    this.part("name").textContent = file.name;
    this.part("pause").addEventListener("click", () => this.pause());
    this.part("resume").addEventListener("click", () => this.resume());
    this.part("retry").addEventListener("click", () => this.wake());
    this.part("cancel").addEventListener("click", () => this.cancel());
    this.say("waiting");
    this.draw(0);
  }

  part(name) {
    return this.row.querySelector(`[data-${name}]`);
  }

  /** Send the file until it is stored, however often the connection breaks. Answers where its dataset is. */
  async run() {
    for (let failures = 0; !this.cancelled; ) {
      try {
        await this.untilResumed();
        const stored = await this.attempt(() => (failures = 0));
        this.finished(stored);
        return stored.url;
      } catch (error) {
        if (this.cancelled || this.paused) continue;
        if (error instanceof Refused) {
          this.failed(error.message);
          return null;
        }
        await this.waitToRetry(Math.min(2 ** failures++, LONGEST_WAIT));
      }
    }
    return null;
  }

  async attempt(onProgress) {
    const place = await this.start();
    this.address = place.url;
    document.querySelector(`[data-unfinished="${CSS.escape(place.url)}"]`)?.remove();
    this.received = place.received;
    this.samples = [];
    this.say("sending");
    while (this.received < this.file.size) {
      if (this.paused || this.cancelled) throw new Error("interrupted");
      await this.sendChunk(place);
      onProgress();
    }
    this.say("storing");
    await this.sumUp();
    return this.group.arrived(this, place);
  }

  start() {
    const form = new URLSearchParams({
      filename: this.file.name,
      size: this.file.size,
      fingerprint: `${this.file.name}:${this.file.size}:${this.file.lastModified}`.slice(-400),
    });
    return this.ask("POST", this.settings.start, form);
  }

  async sendChunk(place) {
    const from = this.received;
    const began = performance.now();
    const chunk = this.file.slice(from, from + Math.min(this.chunk, place.chunk));
    const bytes = await chunk.arrayBuffer();
    const headers = {
      "Upload-Offset": from,
      "Upload-Checksum": named(crc32(bytes)),
      "Content-Type": "application/octet-stream",
    };
    const answer = await this.ask("PUT", place.url, chunk, headers, (sent) => this.draw(from + sent));
    if (answer.received === from) throw new Error("busy");
    this.received = answer.received;
    if (this.summed === from && this.received === from + chunk.size) this.add(bytes);
    this.draw(this.received);
    if (performance.now() - began < QUICK) this.chunk *= 2;
  }

  /** The checksum of the whole file: what an earlier visit has sent is read again. */
  async sumUp() {
    while (this.summed < this.file.size) {
      this.add(await this.file.slice(this.summed, this.summed + FIRST_CHUNK).arrayBuffer());
    }
  }

  add(bytes) {
    this.sum = crc32(bytes, this.sum);
    this.summed += bytes.byteLength;
  }

  /** One request; a refusal in words is a Refused, anything else that goes wrong can be tried again. */
  ask(method, url, body = null, headers = {}, onSent = null) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open(method, url);
      request.responseType = "json";
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRFToken", csrfToken());
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      if (onSent) request.upload.onprogress = (event) => onSent(event.loaded);
      request.onerror = request.onabort = request.ontimeout = () => reject(new Error("no answer"));
      request.onload = () => {
        const { status, response } = request;
        if (status < 300) resolve(response);
        else if (status === 409 && response && "received" in response && method === "PUT") resolve(response);
        else if ([408, 409, 422, 429].includes(status) || status >= 500 && status !== 507) reject(new Error(String(status)));
        else reject(new Refused(words(response?.error) || `${status}`));
      };
      request.send(body);
    });
  }

  pause() {
    this.paused = true;
    this.request?.abort();
    this.wake();
    this.say("paused");
  }

  resume() {
    this.paused = false;
    this.wake();
  }

  cancel() {
    this.cancelled = true;
    this.group.left(this);
    this.request?.abort();
    this.wake();
    this.row.remove();
    if (this.address) forget(this.address);
  }

  async untilResumed() {
    while (this.paused && !this.cancelled) await new Promise((resolve) => (this.wake = resolve));
  }

  async waitToRetry(seconds) {
    for (let left = seconds; left > 0; left--) {
      this.say("again", left);
      const woken = await Promise.race([
        new Promise((resolve) => setTimeout(() => resolve(false), 1000)),
        new Promise((resolve) => (this.wake = () => resolve(true))),
      ]);
      if (woken) return;
    }
  }

  say(state, n = "") {
    const place = this.part("state");
    const text = place.dataset[state].replace("{n}", n);
    if (place.textContent !== text) place.textContent = text;
    this.part("pause").hidden = state !== "sending" && state !== "again";
    this.part("resume").hidden = state !== "paused";
    this.part("retry").hidden = state !== "again";
  }

  draw(there) {
    const share = (100 * there) / Math.max(this.file.size, 1);
    const bar = this.part("progress");
    bar.setAttribute("aria-valuenow", Math.floor(share));
    bar.firstElementChild.style.width = `${share}%`;
    this.part("figures").textContent = [`${size(there)} / ${size(this.file.size)}`, ...this.pace(there)].join(" · ");
  }

  /** Speed and time left, once some seconds tell. */
  pace(there) {
    const now = performance.now() / 1000;
    this.samples.push([now, there]);
    while (this.samples.length > 2 && this.samples[0][0] < now - SPEED_SECONDS) this.samples.shift();
    const [from, before] = this.samples[0];
    if (now - from < 0.5 || there <= before) return [];
    const speed = (there - before) / (now - from);
    return [`${size(speed)}/s`, duration((this.file.size - there) / speed)];
  }

  finished(stored) {
    this.draw(this.file.size);
    this.say("stored");
    this.part("cancel").hidden = true;
    if (!stored.url) return;
    const link = this.part("open");
    link.href = stored.url;
    link.hidden = false;
  }

  failed(message) {
    this.say("failed");
    this.row.classList.add("is-failed");
    this.part("state").textContent += `: ${message}`;
    this.part("progress").hidden = true;
  }
}

function words(error) {
  return error && [error.message, error.hint].filter(Boolean).join(" ");
}

function size(bytes) {
  const [unit, name] = bytes >= 1e9 ? [1e9, "gigabyte"] : bytes >= 1e6 ? [1e6, "megabyte"] : bytes >= 1e3 ? [1e3, "kilobyte"] : [1, "byte"];
  const options = { style: "unit", unit: name, unitDisplay: bytes >= 1e3 ? "short" : "narrow", maximumSignificantDigits: bytes >= 1e3 ? 3 : 4 };
  return new Intl.NumberFormat(document.documentElement.lang, options).format(bytes / unit);
}

function duration(seconds) {
  const [amount, unit] = seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 };
  return new Intl.NumberFormat(document.documentElement.lang, options).format(Math.max(1, Math.ceil(amount)));
}

function forget(url) {
  return fetch(url, { method: "DELETE", headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" }, keepalive: true });
}

/** Run a few at a time; a single dataset is opened when it is stored. */
async function next(settings) {
  if (running.size >= AT_ONCE || !waiting.length) return;
  const upload = waiting.shift();
  running.add(upload);
  const url = await upload.run();
  running.delete(upload);
  if (url && settings.groups.size === 1 && !running.size) location.assign(url);
  next(settings);
}

/** One file begins at once; of several the person says whether they belong together. */
function choose(zone, settings, files) {
  if (files.length < 2) return begin(zone, settings, [files]);
  const question = zone.querySelector("[data-together]").content.cloneNode(true).firstElementChild;
  const answer = (groups) => {
    question.remove();
    begin(zone, settings, groups);
  };
  question.querySelector("[data-names]").textContent = files.map((file) => file.name).join(", ");
  question.querySelector("[data-one]").addEventListener("click", () => answer([files]));
  question.querySelector("[data-each]").addEventListener("click", () => answer(files.map((file) => [file])));
  question.querySelector("[data-none]").addEventListener("click", () => question.remove());
  zone.querySelector("[data-uploads]").prepend(question);
  question.querySelector("[data-one]").focus();
}

function begin(zone, settings, groups) {
  for (const files of groups) {
    const group = new Group(settings.finish);
    settings.groups.add(group);
    for (const file of files) add(zone, settings, group, file);
  }
  for (let free = AT_ONCE - running.size; free > 0; free--) next(settings);
}

function add(zone, settings, group, file) {
  const row = zone.querySelector("[data-row]").content.cloneNode(true).firstElementChild;
  zone.querySelector("[data-uploads]").prepend(row);
  const upload = new Upload(file, row, settings, group);
  if (file.size > settings.limit) upload.failed(zone.dataset.tooLarge);
  else if (file.size === 0) upload.failed(zone.dataset.empty);
  else waiting.push(upload);
}

function attach(zone) {
  const { start, finish, limit } = zone.dataset;
  const settings = { start, finish, limit: Number(limit), groups: new Set() };
  const target = zone.querySelector("[data-drop]");
  const input = zone.querySelector("[data-files]");
  input.addEventListener("change", () => {
    choose(zone, settings, [...input.files]);
    input.value = "";
  });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      target.classList.add("is-over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) target.classList.remove("is-over");
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    target.classList.remove("is-over");
    choose(zone, settings, [...event.dataTransfer.files]);
  });
  for (const row of zone.querySelectorAll("[data-unfinished]")) {
    row.querySelector("[data-forget]").addEventListener("click", async () => {
      await forget(row.dataset.unfinished);
      row.remove();
    });
  }
}

addEventListener("beforeunload", (event) => {
  if (running.size) event.preventDefault();
});
document.querySelectorAll("[data-upload]").forEach(attach);
