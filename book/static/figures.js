// Runs the interactive figures of a page without a kernel.
//
// A page holds each figure twice: its code and its state, as the widget that it is in Jupyter, and
// the place where it stands. A widget manager would bring both together; all that these figures
// need of one is a model that remembers, which is short enough to be here.
(() => {
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';

  /** What a figure calls in Jupyter, without Python at the other end. */
  function remember(state) {
    const listeners = new Map();
    return {
      get: (name) => state[name],
      set(name, value) {
        if (state[name] === value) return;
        state[name] = value;
        for (const listener of listeners.get(`change:${name}`) ?? []) listener();
      },
      on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
      off: (event) => listeners.delete(event),
      save_changes() {},
    };
  }

  async function show(place, state) {
    const el = document.createElement("div");
    place.after(el);
    const style = document.createElement("style");
    style.textContent = state._css;
    el.before(style);
    const code = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
    const figure = (await import(code)).default;
    URL.revokeObjectURL(code);
    figure.render({ model: remember(state), el });
  }

  function start() {
    const models = {};
    for (const script of document.querySelectorAll(STATE)) {
      Object.assign(models, JSON.parse(script.textContent).state);
    }
    for (const place of document.querySelectorAll(VIEW)) {
      const model = models[JSON.parse(place.textContent).model_id];
      if (model?.model_module !== "anywidget") continue;
      show(place, model.state).catch((error) => {
        console.error(error);
        place.after("This figure could not be shown; the browser's console says why.");
      });
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
