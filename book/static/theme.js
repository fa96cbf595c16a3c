// What the theme leaves undone for readers who use a screen reader: a button's name must hold the
// words that stand on it.
document.addEventListener("DOMContentLoaded", () => {
  const names = {
    ".search-button-field": "Search Ctrl+K",
    ".theme-switch-button": "Color mode: Light, Dark or System Settings",
  };
  for (const [selector, name] of Object.entries(names)) {
    for (const button of document.querySelectorAll(selector)) button.setAttribute("aria-label", name);
  }
  // On a folded cell stands "Show code cell source", or "Hide ..." once it is open.
  for (const summary of document.querySelectorAll("summary[aria-label]")) {
    summary.removeAttribute("aria-label");
  }
});
