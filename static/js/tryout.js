// Pictures and sounds to try: dropped, chosen or recorded, shown, asked about at once; a held-out one is fetched and asked about too.

import { toast } from "./app.js";
import { record } from "./recorder.js";

const form = document.querySelector("#try-form");
let stopRecording = null;

function show(file) {
  const preview = form.querySelector("[data-preview]");
  form.querySelector("[data-example]")?.remove();
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
}

function take(file, shown = true) {
  const input = form.querySelector("[data-file]");
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  if (shown) show(file);
  input.closest("form").requestSubmit();
}

function takeOwn(file) {
  const truth = form.querySelector("[name=truth]");
  if (truth) truth.value = "";
  take(file);
}

async function toggleRecording(button) {
  const words = button.querySelector("[data-record-words]");
  if (stopRecording) {
    stopRecording();
    return;
  }
  try {
    const recording = await record();
    const before = words.textContent;
    stopRecording = recording.stop;
    button.classList.add("is-live");
    words.textContent = button.dataset.wordsStop;
    const file = await recording.file;
    button.classList.remove("is-live");
    words.textContent = before;
    takeOwn(file);
  } catch {
    toast(button.dataset.wordsDenied, { tone: "error" });
  } finally {
    stopRecording = null;
  }
}

// A picture or sound among the columns of a table: shown below its field; a held-out one is fetched into the field.

function showCell(input) {
  const preview = form.querySelector(`[data-preview-of="${input.id}"]`);
  URL.revokeObjectURL(preview.src);
  preview.hidden = !input.files.length;
  if (input.files.length) preview.src = URL.createObjectURL(input.files[0]);
}

async function fillCell(example) {
  const answer = await fetch(example.src);
  if (!answer.ok) {
    example.hidden = true;
    return;
  }
  const files = new DataTransfer();
  files.items.add(new File([await answer.blob()], "example"));
  form.querySelector(`#${example.dataset.exampleOf}`).files = files.files;
}

form.addEventListener("change", (event) => {
  if (event.target.matches("[data-file]") && event.target.files.length) takeOwn(event.target.files[0]);
  if (event.target.matches("[data-cell]")) showCell(event.target);
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-record]");
  if (button) toggleRecording(button);
});

form.addEventListener("dragover", (event) => {
  const zone = event.target.closest("[data-drop]");
  if (!zone) return;
  event.preventDefault();
  zone.classList.add("is-over");
});

form.addEventListener("dragleave", (event) => event.target.closest("[data-drop]")?.classList.remove("is-over"));

form.addEventListener("drop", (event) => {
  const zone = event.target.closest("[data-drop]");
  if (!zone || !event.dataTransfer.files.length) return;
  event.preventDefault();
  zone.classList.remove("is-over");
  takeOwn(event.dataTransfer.files[0]);
});

form.addEventListener("htmx:afterSettle", async () => {
  const example = form.querySelector("[data-example]");
  if (!example) {
    await Promise.all([...form.querySelectorAll("[data-example-of]")].map(fillCell));
    form.querySelector("form").requestSubmit();
    return;
  }
  const answer = await fetch(example.src);
  take(new File([await answer.blob()], "example"), false);
});
