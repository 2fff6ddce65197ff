// Home moves by itself: news of the project's lists, and a look every few seconds while something is going on.

import { listen } from "./live.js";

const LOOK_SECONDS = 4;
const home = document.querySelector("#home");
const refresh = () => htmx.trigger(home, "news");

listen(home.dataset.events, { changed: refresh, dataset: refresh, reset: refresh });
setInterval(() => {
  if (!document.hidden && home.querySelector("[role=progressbar]")) refresh();
}, LOOK_SECONDS * 1000);
