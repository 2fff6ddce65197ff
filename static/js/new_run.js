// The new run page: every choice is sent to the server, which answers with the boxes or the card beside them.

const SETTLE_MS = 250;

const form = document.querySelector("#new-run");
const boxes = document.querySelector("#boxes");
const ready = document.querySelector("#ready");
let settling = 0;
let changes = 0;
let answered = 0;

const settings = () => [...form.querySelectorAll("#box-settings [data-default]:not([type=radio]):not(#name):not(#folds)")];
const valueOf = (field) => (field.type === "checkbox" ? String(field.checked) : field.value);

function isChanged(field) {
  const [value, usual] = [valueOf(field), field.dataset.default];
  return value !== usual && !(field.type === "number" && value !== "" && Number(value) === Number(usual));
}

function countChanges() {
  const count = settings().filter(isChanged).length;
  const badge = form.querySelector("[data-changed]");
  if (!badge) return;
  badge.hidden = count === 0;
  badge.textContent = `${count} ${badge.dataset.words}`;
  form.querySelector("[data-reset]").disabled = count === 0;
}

function put(field, value) {
  if (field.type === "checkbox") field.checked = String(value) === "true";
  else field.value = value;
}

function settle(delay = SETTLE_MS) {
  countChanges();
  clearTimeout(settling);
  settling = setTimeout(() => htmx.trigger(ready, "settingchange"), delay);
}

function resetSettings() {
  settings().forEach((field) => put(field, field.dataset.default));
  settle(0);
}

function applyRemedy(changes) {
  form.querySelector("#advanced").open = true;
  for (const [name, value] of Object.entries(changes)) {
    const field = form.querySelector(`[name="${name}"]:not([type=hidden])`);
    if (field) put(field, value);
  }
  settle(0);
}

function goTo(id) {
  const place = document.getElementById(id);
  if (!place) return;
  const closed = place.closest("details:not([open])");
  if (closed) closed.open = true;
  place.scrollIntoView({ block: "center" });
  const field = place.matches("input, select, textarea") ? place : place.querySelector("select, input, summary, a, button");
  (field ?? place).focus({ preventScroll: true });
}

/** Leave out of the address what is as proposed, so that it says what was chosen and nothing else. */
function leaveOutDefaults(data) {
  data.delete("csrfmiddlewaretoken");
  if (!data.get("name")) data.delete("name");
  for (const field of settings()) if (!isChanged(field)) data.delete(field.name);
  for (const field of form.querySelectorAll("select[data-box][data-default]")) {
    if (field.value === field.dataset.default) data.delete(field.name);
  }
  for (const field of form.querySelectorAll("[type=radio][data-default]:checked")) data.delete(field.name);
  for (const group of form.querySelectorAll("[data-group]")) {
    const columns = [...group.querySelectorAll("[type=checkbox]")];
    if (columns.every((column) => valueOf(column) === column.dataset.default)) data.delete(group.dataset.group);
  }
}

form.addEventListener("change", (event) => {
  changes += 1;
  if (event.target.matches("[data-box]")) htmx.trigger(boxes, "boxchange");
  else settle();
});
form.addEventListener("input", (event) => {
  changes += 1;
  if (!event.target.matches("[data-box], #name")) settle();
});
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reset], [data-remedy], [data-go]");
  if (!button) return;
  event.preventDefault();
  if (button.dataset.go) goTo(button.dataset.go);
  else if (button.dataset.remedy) applyRemedy(JSON.parse(button.dataset.remedy));
  else resetSettings();
});
form.addEventListener("submit", (event) => {
  if (ready.dataset.busy) return event.preventDefault();
  ready.dataset.busy = "yes";
  return true;
});
addEventListener("pageshow", () => delete ready.dataset.busy);

document.addEventListener("htmx:configRequest", (event) => {
  if (!form.contains(event.detail.elt)) return;
  leaveOutDefaults(event.detail.formData);
  answered = changes;
});

let opened = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== boxes) return;
  if (answered !== changes) {
    event.detail.shouldSwap = false; // the person has gone on meanwhile: nothing they did may be lost
    htmx.trigger(boxes, "boxchange");
  }
  opened = [...boxes.querySelectorAll("details[open]")].map(({ id }) => id);
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== boxes) return;
  opened.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  countChanges();
});
document.addEventListener("click", (event) => {
  for (const picker of document.querySelectorAll(".column-picker[open]")) {
    if (!picker.contains(event.target)) picker.open = false;
  }
});
