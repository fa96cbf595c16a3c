// What the theme and Sphinx leave undone for readers who use a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  // A button's name must hold the words that stand on it.
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
  // An entry of the bibliography is an item of a list; a list within a list belongs to an item.
  for (const entry of document.querySelectorAll('[role="doc-biblioentry"]')) {
    entry.setAttribute("role", "listitem");
  }
  for (const list of document.querySelectorAll("ul > ul")) list.previousElementSibling?.append(list);
});
