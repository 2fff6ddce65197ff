// The queue: who is next, by itself.

import { listen } from "./live.js";

const SETTLE_MS = 300;

const page = document.querySelector("#queue-page");
let timer = 0;

function refresh() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (page.querySelector(".dropdown-menu.show")) return refresh();
    return htmx.ajax("GET", location.href, { target: "#queue", swap: "innerHTML" });
  }, SETTLE_MS);
}

const stream = new URL(page.dataset.eventsUrl, location.href);
stream.searchParams.set("after", page.dataset.after);
listen(stream.href, { changed: ({ kind }) => kind === "run" && refresh(), reset: refresh });
setInterval(() => !document.hidden && refresh(), 10_000);
