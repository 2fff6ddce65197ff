// A file on its way in, as a row of the page: what it does, how far it is, how fast.

const SPEED_SECONDS = 5; // the speed is that of the last seconds

export class Row {
  constructor(element, file) {
    this.element = element;
    this.total = file.size;
    this.samples = [];
    this.part("name").textContent = file.name;
    this.say("waiting");
    this.draw(0);
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  on(name, act) {
    this.part(name).addEventListener("click", act);
  }

  say(state, n = "") {
    const place = this.part("state");
    const text = place.dataset[state].replace("{n}", n);
    if (place.textContent !== text) place.textContent = text;
    this.part("pause").hidden = state !== "sending" && state !== "again";
    this.part("resume").hidden = state !== "paused";
    this.part("retry").hidden = state !== "again";
    if (state === "again" || state === "paused") this.forgetPace();
  }

  draw(there) {
    this.there = there;
    const share = (100 * there) / Math.max(this.total, 1);
    const bar = this.part("progress");
    bar.setAttribute("aria-valuenow", Math.floor(share));
    bar.firstElementChild.style.width = `${share}%`;
    this.part("figures").textContent = [`${size(there)} / ${size(this.total)}`, ...this.pace(there)].join(" · ");
  }

  /** What was sent before an interruption says nothing about the speed after it. */
  forgetPace() {
    this.samples = [];
    this.draw(this.there);
  }

  /** Speed and time left, once some seconds tell. */
  pace(there) {
    const now = performance.now() / 1000;
    this.samples.push([now, there]);
    while (this.samples.length > 2 && this.samples[0][0] < now - SPEED_SECONDS) this.samples.shift();
    const [from, before] = this.samples[0];
    if (now - from < 0.5 || there <= before) return [];
    const speed = (there - before) / (now - from);
    return [`${size(speed)}/s`, duration((this.total - there) / speed)];
  }

  finished(url) {
    this.draw(this.total);
    this.say("stored");
    this.part("cancel").hidden = true;
    if (!url) return;
    const link = this.part("open");
    link.href = url;
    link.hidden = false;
  }

  failed(message) {
    this.say("failed");
    this.element.classList.add("is-failed");
    this.part("state").textContent += `: ${message}`;
    this.part("progress").hidden = true;
  }

  remove() {
    this.element.remove();
  }
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
