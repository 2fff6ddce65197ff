// What every page needs: CSRF for htmx, toasts, confirmations, explanations, fresh times, copy buttons, the theme switch.

/** The token that Django wants to see in X-CSRFToken. */
export function csrfToken() {
  return document.querySelector("meta[name=csrf-token]").content;
}

/** Show a message at the lower right, unless it stands there; `tone` is info, success, warning or error. */
export function toast(message, { hint = "", tone = "info" } = {}) {
  const standing = document.querySelectorAll("#toasts > .toast strong");
  if ([...standing].some((words) => words.textContent.trim() === message)) return;
  const piece = document.querySelector("#toast-template").content.cloneNode(true);
  const box = piece.querySelector(".toast");
  box.classList.add(`toast-${tone}`);
  box.querySelector("strong").textContent = message;
  box.querySelector(".toast-hint").textContent = hint;
  document.querySelector("#toasts").append(piece);
}

/** Ask before something that cannot be undone; resolves to true or false. */
export function confirmed(question, verb) {
  const dialog = document.querySelector("#confirm");
  dialog.querySelector("[data-question]").textContent = question;
  const yes = dialog.querySelector("[value=yes]");
  yes.textContent = verb || yes.dataset.verb;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const TOAST_SECONDS = 8;

function tendToasts(records) {
  for (const record of records) {
    for (const box of record.addedNodes) {
      if (box.nodeType === Node.ELEMENT_NODE && !box.matches(".toast-error, .toast-bad")) fade(box);
    }
  }
}

function fade(box) {
  setTimeout(() => box.remove(), TOAST_SECONDS * 1000);
}

async function askFirst(event) {
  const { target: form, submitter } = event;
  if (!form.dataset.confirm || form.dataset.confirmed) return;
  event.preventDefault();
  if (!(await confirmed(form.dataset.confirm, form.dataset.confirmVerb))) return;
  form.dataset.confirmed = "yes";
  form.hidden ||= !form.isConnected;
  if (form.hidden) document.body.append(form); // news have put another in its place, and a form must stand somewhere
  form.requestSubmit(submitter);
}

async function askFirstForHtmx(event) {
  if (!event.detail.question) return;
  event.preventDefault();
  if (await confirmed(event.detail.question)) event.detail.issueRequest(true);
}

async function copy(button) {
  await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
  toast(button.dataset.copied, { tone: "success" });
}

function explain(root) {
  for (const term of root.querySelectorAll("[data-bs-toggle=tooltip]")) bootstrap.Tooltip.getOrCreateInstance(term);
}

function refreshTimes() {
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const minutes = (Date.now() - new Date(time.dateTime)) / 60_000;
    if (minutes < 1) continue;
    if (minutes < 60) time.textContent = words.format(-Math.round(minutes), "minute");
    else if (minutes < 1440) time.textContent = words.format(-Math.floor(minutes / 60), "hour");
    else time.textContent = words.format(-Math.floor(minutes / 1440), "day");
  }
}

function markTheme() {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", button.dataset.themeChoice === document.documentElement.dataset.theme);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-dismiss-toast]")) button.closest(".toast").remove();
  if (button.matches("[data-copy]")) copy(button);
  if (button.matches("[data-theme-choice]")) {
    document.dispatchEvent(new CustomEvent("choosetheme", { detail: button.dataset.themeChoice }));
    markTheme();
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});
document.addEventListener("submit", askFirst);
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrfToken();
});
document.addEventListener("htmx:confirm", askFirstForHtmx);
document.addEventListener("htmx:sendError", () => {
  const { unreachable, unreachableHint } = document.querySelector("#toasts").dataset;
  toast(unreachable, { hint: unreachableHint, tone: "error" });
});
document.addEventListener("htmx:load", (event) => explain(event.detail.elt));

new MutationObserver(tendToasts).observe(document.querySelector("#toasts"), { childList: true });
document.querySelectorAll("#toasts > .toast:not(.toast-error)").forEach(fade);
explain(document);
refreshTimes();
setInterval(refreshTimes, 30_000);
markTheme();
