// Pieces of a page that are fetched again when there is news: soon, once for many calls, and never under a hand.

const SETTLE_MS = 150;
const timers = new Map();

/** Fetch what `address()` then names into the element of that id; `ready` is called when it stands there. */
export function refresh(id, address = () => location.href, ready = () => {}) {
  clearTimeout(timers.get(id));
  timers.set(id, setTimeout(() => fetchInto(id, address, ready), SETTLE_MS));
}

async function fetchInto(id, address, ready) {
  const element = document.getElementById(id);
  let taken = !isBusy(element);
  const guard = (event) => {
    if (event.target !== element) return;
    taken = event.detail.shouldSwap = event.detail.shouldSwap && !isBusy(element);
  };
  if (taken) {
    element.addEventListener("htmx:beforeSwap", guard);
    await htmx.ajax("GET", address(), { target: element, swap: "innerHTML" });
    element.removeEventListener("htmx:beforeSwap", guard);
  }
  return taken ? ready() : refresh(id, address, ready);
}

/** A menu that is open or a name that is being typed must not be pulled away. */
function isBusy(element) {
  const typed = element.querySelector("[name=name]");
  return element.querySelector(".dropdown-menu.show") !== null || (typed !== null && typed.value !== typed.defaultValue);
}
