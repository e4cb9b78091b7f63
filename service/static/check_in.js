// Asks for a new code every five seconds, and hides one that is no longer good: nobody should scan in vain.
(() => {
  "use strict";
  const box = document.getElementById("code");
  if (!box) return;
  const ask = () => htmx.trigger(document.body, "refresh-code");
  let until = 0;
  const begin = () => {
    // By the wall clock: it goes on while the computer sleeps.
    until = Date.now() + 1000 * Number(box.querySelector("[data-seconds]").dataset.seconds);
    show();
  };
  const show = () => {
    const left = Math.max(0, (until - Date.now()) / 1000);
    box.querySelector("progress").value = left;
    box.classList.toggle("old", left === 0);
    document.getElementById("code-old").hidden = left > 0;
  };
  document.addEventListener("htmx:afterSwap", (event) => { if (event.target === box) begin(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") ask(); });
  setInterval(ask, 5000);
  setInterval(show, 250);
  begin();
})();
