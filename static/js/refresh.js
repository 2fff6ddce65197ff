// Pieces of a page that are fetched again when there is news: soon, once for many calls, and never under a hand.

const SETTLE_MS = 150;
const RETRY_MS = 3000;
const timers = new Map();
const underWay = new Set();

/** Fetch what `address()` then names into the element of that id; `ready` is called when it stands there. */
export function refresh(id, address = () => location.href, ready = () => {}, wait = SETTLE_MS) {
  clearTimeout(timers.get(id));
  timers.set(id, setTimeout(() => fetchInto(id, address, ready), wait));
}

async function fetchInto(id, address, ready) {
  const element = document.getElementById(id);
  if (isBusy(element) || underWay.has(id)) return refresh(id, address, ready);

  let isTaken = true;
  let isReached = true;
  const guard = (event) => {
    if (event.target !== element) return;
    isTaken = event.detail.shouldSwap = event.detail.shouldSwap && !isBusy(element);
  };
  underWay.add(id);
  element.addEventListener("htmx:beforeSwap", guard);
  try {
    await fetchHtml(address(), { target: element });
  } catch {
    isReached = false; // the site restarts, or the laptop has no network for a while
  }
  element.removeEventListener("htmx:beforeSwap", guard);
  underWay.delete(id);
  if (!isReached) return refresh(id, address, ready, RETRY_MS);
  return isTaken ? ready() : refresh(id, address, ready);
}

/** Put what an address answers with into an element. htmx keeps one queue per source and drops from it: each its own. */
export function fetchHtml(address, { target, swap = "innerHTML" }) {
  return htmx.ajax("GET", address, { source: target, target, swap });
}

/** A menu that is open or a name that is being typed must not be pulled away. */
function isBusy(element) {
  const typed = element.querySelector("[name=name]");
  return element.querySelector(".dropdown-menu.show") !== null || (typed !== null && typed.value !== typed.defaultValue);
}
