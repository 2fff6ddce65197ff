// Pages of data sets: names edited in place, the import as it goes on, lists that stay fresh.

import { listen } from "./live.js";
import { refresh } from "./refresh.js";

const SILENT_MS = 25_000; // an import that goes on says so more often

function edit(form, on) {
  const shown = form.querySelector("[data-shown]");
  const input = form.querySelector("[data-input]");
  if (shown) shown.hidden = on;
  form.querySelector("[data-edit]").hidden = on;
  input.hidden = !on;
  if (on) {
    input.focus();
    input.select();
  } else {
    input.value = input.defaultValue;
    form.querySelector("[data-edit]").focus();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-edit]");
  if (button) edit(button.closest("[data-editable]"), true);
});

document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-input]")) return;
  const form = event.target.closest("[data-editable]");
  if (event.key === "Escape") edit(form, false);
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    save(form);
  }
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches("[data-input]") && !event.target.hidden) save(event.target.closest("[data-editable]"));
});

function save(form) {
  const input = form.querySelector("[data-input]");
  if (input.value.trim() === input.defaultValue.trim() || !input.checkValidity()) edit(form, false);
  else form.requestSubmit();
}

function followImport(box) {
  const bar = box.querySelector("[data-bar]");
  const silent = box.querySelector("[data-silent]");
  let silence = 0;
  const heard = () => {
    clearTimeout(silence);
    silent.hidden = true;
    silence = setTimeout(() => (silent.hidden = false), SILENT_MS);
  };
  if ("begun" in box.dataset) heard();
  const show = ({ title, done }) => {
    heard();
    const phase = box.querySelector("[data-phase]");
    if (phase.textContent !== title) phase.textContent = title;
    bar.classList.toggle("is-waiting", done === null);
    bar.firstElementChild.style.width = done === null ? "" : `${100 * done}%`;
    box.querySelector("[data-share]").textContent = done === null ? "" : `${Math.floor(100 * done)} %`;
  };
  const reload = () => location.reload();
  listen(box.dataset.liveImport, { phase: show, beat: heard, settled: reload, reset: reload });
}

function followList(list) {
  const refreshList = () => refresh("list");
  listen(list.dataset.liveList, { dataset: refreshList, reset: refreshList });
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-fix]")) return;
  document.querySelector("[data-chosen-fixes]").disabled = !document.querySelector("[data-fix]:checked");
});

document.querySelectorAll("[data-live-import]").forEach(followImport);
document.querySelectorAll("[data-live-list]").forEach(followList);
