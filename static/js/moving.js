// A list of runs that moves by itself: fetched again when a run of the project changes, and now and then.

import { listen } from "./live.js";
import { refresh } from "./refresh.js";

const EVERY_MS = 10_000;
const page = document.querySelector("[data-moving]");
const refreshList = () => refresh(page.dataset.moving);

const stream = new URL(page.dataset.eventsUrl, location.href);
stream.searchParams.set("after", page.dataset.after);
listen(stream.href, { changed: ({ kind }) => kind === "run" && refreshList(), reset: refreshList });
setInterval(() => !document.hidden && refreshList(), EVERY_MS);
