// Keeps the words about sending and the term fresh; the page works without it.
(function () {
  "use strict";
  var address = document.body.dataset.state;
  var wasRunning = false;

  function put(id, text) {
    var place = document.getElementById(id);
    if (place && place.textContent !== text) {
      place.textContent = text;
    }
  }

  function show(state) {
    put("waiting", state.waiting);
    put("answer", state.answer);
    put("error", state.error);
    put("term", state.term);
    document.getElementById("error").hidden = !state.error;
    var bar = document.getElementById("progress");
    if (bar) {
      bar.hidden = !state.running;
      bar.max = state.total || 1;
      bar.value = state.played;
      document.getElementById("run").disabled = state.running;
      if (wasRunning && !state.running) {
        window.location.reload();
      }
    }
    wasRunning = state.running;
  }

  function look() {
    fetch(address, { headers: { Accept: "application/json" } })
      .then(function (answer) { return answer.json(); })
      .then(show)
      .catch(function () { put("answer", "This page has lost its sandbox; is it still running?"); })
      .finally(function () { window.setTimeout(look, 1500); });
  }

  window.setTimeout(look, 1500);
})();
