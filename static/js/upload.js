// The drop zone: files are chosen, put into the list, and sent a few at a time.

import { Group, Upload } from "./upload_sending.js";
import { Row } from "./upload_row.js";
import { forget } from "./upload_server.js";

const AT_ONCE = 3;
const running = new Set();
const waiting = [];

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
  const element = zone.querySelector("[data-row]").content.cloneNode(true).firstElementChild;
  zone.querySelector("[data-uploads]").prepend(element);
  const row = new Row(element, file);
  const upload = new Upload(file, row, settings.start, group);
  if (file.size > settings.limit) row.failed(zone.dataset.tooLarge);
  else if (file.size === 0) row.failed(zone.dataset.empty);
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
