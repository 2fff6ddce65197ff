// Pictures to try: dropped or chosen, shown, asked about at once; a held-out picture is fetched and asked about too.

const form = document.querySelector("#try-form");

function show(zone, file) {
  const preview = zone.querySelector("[data-preview]");
  zone.querySelector("[data-example]")?.remove();
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
}

function take(zone, file) {
  const input = zone.querySelector("[data-picture]");
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  show(zone, file);
  zone.closest("form").requestSubmit();
}

form.addEventListener("change", (event) => {
  if (!event.target.matches("[data-picture]") || !event.target.files.length) return;
  const truth = form.querySelector("[name=truth]");
  if (truth) truth.value = "";
  take(event.target.closest("[data-drop]"), event.target.files[0]);
});

form.addEventListener("dragover", (event) => {
  const zone = event.target.closest("[data-drop]");
  if (!zone) return;
  event.preventDefault();
  zone.classList.add("is-over");
});

form.addEventListener("dragleave", (event) => event.target.closest("[data-drop]")?.classList.remove("is-over"));

form.addEventListener("drop", (event) => {
  const zone = event.target.closest("[data-drop]");
  if (!zone || !event.dataTransfer.files.length) return;
  event.preventDefault();
  zone.classList.remove("is-over");
  take(zone, event.dataTransfer.files[0]);
});

form.addEventListener("htmx:afterSettle", async () => {
  const example = form.querySelector("[data-example]");
  if (!example) {
    form.querySelector("form").requestSubmit();
    return;
  }
  const answer = await fetch(example.src);
  take(example.closest("[data-drop]"), new File([await answer.blob()], "example"));
});
