// A conversation: what is sent appears at once, the reply as it is written, and Stop stops it.

import { listen } from "./live.js";
import { fetchHtml } from "./refresh.js";

const turns = document.querySelector("#turns");
const composer = document.querySelector("#composer");
const text = composer.querySelector("textarea");
const send = composer.querySelector("button.btn-primary");
const stop = composer.querySelector("[data-stop]");
const start = document.querySelector("#chat-start");

let writing = null;

function follow(turn) {
  const words = turn.querySelector(".turn-text");
  let written = words.textContent;
  const end = listen(`${turn.dataset.events}?after=0-0`, {
    delta: ({ text: piece, from }) => {
      if (from < written.length) return; // heard before
      written += piece;
      words.textContent = written;
      turn.querySelector("[data-waiting]")?.remove();
      keepInSight();
    },
    done: () => finish(turn, end),
    reset: () => finish(turn, end),
  });
  show(turn);
}

function finish(turn, end) {
  end();
  fetchHtml(turn.dataset.url, { target: turn, swap: "outerHTML" });
  show(null);
}

function show(turn) {
  writing = turn;
  send.hidden = turn !== null;
  stop.hidden = turn === null;
}

function keepInSight() {
  const gap = document.documentElement.scrollHeight - scrollY - innerHeight;
  if (gap < 240) scrollTo({ top: document.documentElement.scrollHeight });
}

function grow() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 240)}px`;
}

function followOpenTurns() {
  start.hidden = turns.children.length > 0;
  for (const turn of turns.querySelectorAll("[data-events]:not([data-followed])")) {
    turn.dataset.followed = "";
    follow(turn);
  }
}

turns.addEventListener("htmx:afterSettle", () => {
  followOpenTurns();
  keepInSight();
});

composer.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== composer || !event.detail.successful) return;
  text.value = "";
  grow();
});

text.addEventListener("input", grow);
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (text.value.trim()) composer.requestSubmit();
});

stop.addEventListener("click", () => {
  if (writing) htmx.ajax("POST", writing.dataset.stopUrl, { source: stop, swap: "none" });
});

start.addEventListener("click", (event) => {
  const sample = event.target.closest("[data-sample]");
  if (!sample) return;
  text.value = sample.dataset.sample;
  composer.requestSubmit();
});

if (matchMedia("(max-width: 900px)").matches) document.querySelector("#sampling").open = false;
followOpenTurns();
text.focus({ preventScroll: true });
