// The list of runs: ticks that survive updates, and rows that move by themselves.

import { listen } from "./live.js";
import { refresh } from "./refresh.js";

const page = document.querySelector("#runs");
const ticked = new Set();
const refreshTable = () => refresh("runs-table");

function showTicks() {
  const button = page.querySelector("#compare-button");
  for (const box of page.querySelectorAll("[name=pick]")) box.checked = ticked.has(box.value);
  button.classList.toggle("disabled", ticked.size < 2);
  button.setAttribute("aria-disabled", ticked.size < 2);
  button.href = `${button.dataset.url}?runs=${[...ticked].join(",")}`;
  button.querySelector("[data-count]").textContent = ticked.size ? `(${ticked.size})` : "";
}

page.addEventListener("change", ({ target }) => {
  if (target.name !== "pick") return;
  if (target.checked) ticked.add(target.value);
  else ticked.delete(target.value);
  showTicks();
});
page.addEventListener("click", (event) => {
  if (event.target.closest("#compare-button.disabled")) event.preventDefault();
});
document.addEventListener("htmx:afterSettle", showTicks);

page.querySelectorAll("[name=pick]:checked").forEach((box) => ticked.add(box.value));
showTicks();
const stream = new URL(page.dataset.eventsUrl, location.href);
stream.searchParams.set("after", page.dataset.after);
listen(stream.href, { changed: ({ kind }) => kind === "run" && refreshTable(), reset: refreshTable });
setInterval(() => !document.hidden && page.querySelector("tr[data-status=running]") && refreshTable(), 10_000);
