// Keeps an open page current. The server answers only if something changed; a hidden tab asks for nothing.
(() => {
  "use strict";
  const offline = () => document.getElementById("offline");
  const ask = (event) => {
    if (document.visibilityState === "visible") htmx.trigger(document.body, event);
  };
  setInterval(() => ask("refresh"), 2000);
  setInterval(() => ask("refresh-slowly"), 10000);
  document.addEventListener("visibilitychange", () => {
    ask("refresh");
    ask("refresh-slowly");
  });

  const cut = () => { if (offline()) offline().hidden = false; };
  document.addEventListener("htmx:sendError", cut);
  document.addEventListener("htmx:responseError", cut);
  document.addEventListener("htmx:timeout", cut);
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status < 400 && offline()) offline().hidden = true;
  });

  // What somebody opened stays open, and what was chosen or typed stays, when its part of the page is renewed.
  let opened = [];
  let filled = [];
  const changed = (field) => field.matches("select")
    ? [...field.options].some((option) => option.selected !== option.defaultSelected)
    : field.type !== "file" && (field.value !== field.defaultValue || field.checked !== field.defaultChecked);
  document.addEventListener("htmx:beforeSwap", () => {
    opened = [...document.querySelectorAll("details[open][id]")].map((element) => element.id);
    filled = [...document.querySelectorAll(".live :is(input, select, textarea)[id]")]
      .filter(changed).map(({ id, value, checked }) => ({ id, value, checked }));
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    for (const { id, value, checked } of filled) {
      const field = document.getElementById(id);
      if (field) Object.assign(field, checked === undefined ? { value } : { value, checked });
    }
  });
})();
