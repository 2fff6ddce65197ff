// Loaded in the head, before the first paint: the chosen theme, or the system's.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    const theme = localStorage.getItem("theme");
    return theme === "light" || theme === "dark" ? theme : "system";
  };
  const apply = () => {
    const theme = chosen();
    const shown = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    const changed = document.documentElement.dataset.bsTheme !== shown;
    document.documentElement.dataset.bsTheme = shown;
    document.documentElement.dataset.theme = theme;
    if (changed) document.dispatchEvent(new CustomEvent("themechange", { detail: shown }));
  };
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);
  document.addEventListener("choosetheme", (event) => {
    localStorage.setItem("theme", event.detail);
    apply();
  });
  apply();
})();
