// Labelling by keyboard: 1 to 9 give a label, 0 takes it away, / goes to the line for another one and Escape leaves it,
// arrows go back and forth, space plays the sound.

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches("#label input")) return event.target.blur();
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && !event.target.matches("button, a")) return play(event);
  const button = document.querySelector(`#label [data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  if (button.matches("input")) button.focus();
  else button.click();
});

function play(event) {
  const player = document.querySelector("#label [data-player]");
  if (!player) return;
  event.preventDefault();
  if (player.paused) player.play();
  else player.pause();
}
