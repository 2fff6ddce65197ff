// The queue: who is next, by itself.

import { listen } from "./live.js";
import { refresh } from "./refresh.js";

const page = document.querySelector("#queue-page");
const refreshQueue = () => refresh("queue");

const stream = new URL(page.dataset.eventsUrl, location.href);
stream.searchParams.set("after", page.dataset.after);
listen(stream.href, { changed: ({ kind }) => kind === "run" && refreshQueue(), reset: refreshQueue });
setInterval(() => !document.hidden && refreshQueue(), 10_000);
