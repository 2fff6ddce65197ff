// One file sent in chunks, going on after whatever interrupted it, and files that become one dataset.

import { crc32, named } from "./checksum.js";
import { ask, forget, Refused } from "./upload_server.js";

const LONGEST_WAIT = 30; // seconds
const FIRST_CHUNK = 2 ** 22; // bytes; what a broken connection costs at most on a slow line
const QUICK = 1500; // ms: a line that takes chunks faster than this gets larger ones

/** Files that become one dataset: the last one to arrive says so for all. */
export class Group {
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
    return upload.ask("POST", this.finish, { body: form });
  }

  left(upload) {
    this.members = this.members.filter((member) => member !== upload);
  }
}

/** One file: how much of it is there, and what is being done about the rest. */
export class Upload {
  constructor(file, row, start, group) {
    this.file = file;
    this.row = row;
    this.begin = start;
    this.group = group;
    group.members.push(this);
    this.received = 0;
    this.sum = 0;
    this.summed = 0;
    this.chunk = FIRST_CHUNK;
    this.paused = false;
    this.cancelled = false;
    this.request = null;
    this.wake = () => {};
    row.on("pause", () => this.pause());
    row.on("resume", () => this.resume());
    row.on("retry", () => this.wake());
    row.on("cancel", () => this.cancel());
  }

  /** Send the file until it is stored, however often the connection breaks. Answers where its dataset is. */
  async run() {
    for (let failures = 0; !this.cancelled; ) {
      try {
        await this.untilResumed();
        const stored = await this.attempt(() => (failures = 0));
        this.row.finished(stored.url);
        return stored.url;
      } catch (error) {
        if (this.cancelled || this.paused) continue;
        if (error instanceof Refused) {
          this.row.failed(error.message);
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
    this.row.forgetPace();
    this.row.say("sending");
    while (this.received < this.file.size) {
      if (this.paused || this.cancelled) throw new Error("interrupted");
      await this.sendChunk(place);
      onProgress();
    }
    this.row.say("storing");
    await this.sumUp();
    return this.group.arrived(this, place);
  }

  start() {
    const form = new URLSearchParams({
      filename: this.file.name,
      size: this.file.size,
      fingerprint: `${this.file.name}:${this.file.size}:${this.file.lastModified}`.slice(-400),
    });
    return this.ask("POST", this.begin, { body: form });
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
    const onSent = (sent) => this.row.draw(from + sent);
    const answer = await this.ask("PUT", place.url, { body: chunk, headers, onSent });
    if (answer.received === from) throw new Error("busy");
    this.received = answer.received;
    if (this.summed === from && this.received === from + chunk.size) this.add(bytes);
    this.row.draw(this.received);
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

  pause() {
    this.paused = true;
    this.request?.abort();
    this.wake();
    this.row.say("paused");
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
      this.row.say("again", left);
      const woken = await Promise.race([
        new Promise((resolve) => setTimeout(() => resolve(false), 1000)),
        new Promise((resolve) => (this.wake = () => resolve(true))),
      ]);
      if (woken) return;
    }
  }

  ask(method, url, details) {
    return ask(method, url, { ...details, begun: (request) => (this.request = request) });
  }
}
