// Sets the chosen theme before the first paint, so that a dark page never flashes white.
(function () {
  try {
    const chosen = localStorage.getItem("muster.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be forbidden; the system's theme applies then.
  }
})();
