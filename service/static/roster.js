// The roster: choices go into the queue at once, and to the server as soon as there is a connection.
(() => {
  "use strict";
  const form = document.getElementById("roster");
  const data = JSON.parse(document.getElementById("roster-data").textContent);
  const texts = data.texts;
  const queue = window.rosterQueue(form.dataset.session, data.user);
  const people = new Map(data.people.map((person) => [person.account, person]));
  const rows = new Map([...form.querySelectorAll("[data-account]")].map((row) => [row.dataset.account, row]));
  const token = form.querySelector("[name=csrf_token]").value;
  const reason = document.getElementById("reason");
  const whole = document.getElementById("whole");
  const all = document.getElementById("roster-all");
  const AT_ONCE = 100, PATIENCE = 15000, SOON = 500, LOOK = 4000, LONGEST_WAIT = 30000;
  let state = "idle", wait = 1000, timer = 0, revision = data.revision, answers = 0;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const field = (account, name) => form.elements[`${name}-${account}`];
  // Of the row alone: to look through the whole form for each person takes long where there are thousands.
  const radios = (account) => [...rows.get(account)?.querySelectorAll(`[name="what-${account}"]`) ?? []];
  const number = (input) => {
    const value = Number.parseInt(input?.value ?? "", 10);
    return Number.isFinite(value) && value >= 0 ? value : null;
  };

  // In words, as the server says it once it has it.
  const label = (choice) => {
    if (!choice.what || choice.what === "cleared") return "";
    let words = texts[choice.what] ?? "";
    if (choice.what === "part") {
      words = ["late", "left"].filter((name) => choice[name]).map((name) => fill(texts[name], { n: choice[name] })).join(", ");
    } else if (choice.what === "status") {
      words = choice.status;
    } else if (choice.what === "minutes") {
      words = fill(texts.minutes, { n: choice.minutes });
    }
    const mode = choice.mode && form.querySelector(`option[value="${choice.mode}"]`)?.textContent;
    return mode ? `${words} · ${mode}` : words;
  };
  const shown = (account) => queue.pending(account).at(-1) ?? people.get(account);

  const drawFields = (account, choice) => {
    const value = choice.what === "status" ? `status:${choice.status}` : choice.what === "cleared" ? "" : choice.what;
    for (const radio of radios(account)) radio.checked = radio.value === value;
    for (const name of ["late", "left", "minutes"]) {
      const input = field(account, name);
      if (input && input !== document.activeElement) input.value = choice[name] ?? "";
    }
    const mode = field(account, "mode");
    if (mode && mode !== document.activeElement) mode.value = choice.mode ?? "";
  };

  const drawTrouble = (account, row) => {
    const trouble = queue.waiting(account).at(-1);
    const clash = row.querySelector(".roster-clash"), refused = row.querySelector(".roster-refused");
    clash.hidden = trouble?.state !== "clash";
    refused.hidden = trouble?.state !== "refused";
    if (trouble?.state === "clash") {
      const theirs = people.get(account).label || texts.nothing, yours = label(trouble) || texts.nothing;
      clash.querySelector("p").textContent = fill(texts.theirs, { theirs, yours });
    } else if (trouble) {
      refused.textContent = `${label(trouble)}: ${trouble.why}`;
    }
  };

  const draw = (account) => {
    const row = rows.get(account), person = people.get(account), choice = shown(account);
    if (!row || !person) return;
    const pending = choice !== person;
    drawFields(account, choice);
    row.querySelector(".roster-label").textContent = pending ? label(choice) : person.label;
    row.querySelector(".roster-others").textContent = person.others.join(" · ");
    row.querySelector(".roster-disputed").hidden = !person.disputed;
    row.querySelector(".roster-decided").hidden = !person.decided;
    row.classList.toggle("is-pending", pending);
    row.classList.toggle("is-recorded", isRecorded(account));
    drawTrouble(account, row);
  };
  const isRecorded = (account) => {
    const choice = queue.pending(account).at(-1);
    return choice ? choice.what !== "cleared" : people.get(account)?.recorded ?? false;
  };

  const drawBar = () => {
    const counted = [...rows].filter(([, row]) => row.dataset.group !== "facilitator").map(([account]) => account);
    const recorded = counted.filter(isRecorded).length;
    document.getElementById("roster-count").textContent = fill(texts.recorded, { n: recorded, of: counted.length });
    const pending = queue.pending().length, trouble = queue.waiting();
    const clashes = trouble.filter((item) => item.state === "clash").length;
    let words = "", calm = true;
    if (pending && state === "signed_out") words = fill(texts.signed_out, { n: pending });
    else if (pending && state === "stale") words = fill(texts.stale, { n: pending });
    else if (pending && reason && !reason.value.trim()) words = fill(texts.reason, { n: pending });
    else if (pending && state === "offline") words = fill(texts.offline, { n: pending });
    else if (clashes) words = fill(texts.clash, { n: clashes });
    else if (trouble.length) words = fill(texts.refused, { n: trouble.length });
    else if (pending) [words, calm] = [reason ? fill(texts.reason, { n: pending }) : texts.saving, false];
    else [words, calm] = [recorded ? texts.saved : "", false];
    if (queue.isBroken() && pending) words = texts.full;
    const saved = document.getElementById("roster-saved");
    // A screen reader is told what changed, not each repetition.
    if (saved.textContent !== words) saved.textContent = words;
    saved.classList.toggle("short", calm);
    all.disabled = Boolean(data.shut) || !unrecorded().length;
  };
  const unrecorded = () => [...rows].filter(([account, row]) => row.dataset.group === "participant" && !isRecorded(account)).map(([account]) => account);
  const drawAll = () => {
    for (const account of rows.keys()) draw(account);
    drawBar();
  };

  const take = (answer) => {
    answers += 1;
    revision = answer.revision;
    data.shut = answer.shut;
    // Answered once, here or elsewhere: it isn't asked again.
    if (whole && answer.full !== null) {
      whole.value = answer.full;
      document.getElementById("roster-length").hidden = true;
    }
    for (const person of answer.people) people.set(person.account, person);
    for (const account of people.keys()) {
      if (!answer.people.some((person) => person.account === account)) people.set(account, { ...people.get(account), what: "", label: "", version: null, recorded: false, others: [] });
    }
    document.getElementById("roster-new").hidden = !answer.people.some((person) => !rows.has(person.account));
  };

  const ask = (address, more) => fetch(address, {
    ...more, credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
    headers: { ...more?.headers, "HX-Request": "true", Accept: "application/json" },
  });

  const send = async (now = false) => {
    const pending = queue.pending();
    // What one request was about is settled before the next one is made. Corrections are sent by their button.
    if (!pending.length || ["sending", "signed_out", "stale"].includes(state) || (reason && !(now && reason.value.trim()))) return drawBar();
    const batch = pending.slice(0, AT_ONCE);
    queue.sending(batch);
    state = "sending";
    drawBar();
    try {
      const answer = await ask(form.action, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ changes: batch.map(queue.wire), reason: reason?.value ?? "" }),
      });
      if (!answer.ok) {
        state = answer.status === 401 ? "signed_out" : answer.status < 500 ? "stale" : "offline";
      } else {
        const said = await answer.json();
        take(said);
        queue.settle(batch, said, new Map(said.people.map((person) => [person.account, person.version])));
        [state, wait] = ["idle", 1000];
      }
    } catch {
      state = "offline";
    }
    drawAll();
    if (state === "offline") later();
    else if (state === "idle") await send(now);
    return undefined;
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => send(Boolean(reason)), wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(send, SOON);
  };

  const record = (account, choice) => {
    queue.add(account, choice, people.get(account)?.version ?? null);
    draw(account);
    drawBar();
    soon();
  };
  const mode = (account) => field(account, "mode")?.value || form.elements.mode?.value || null;
  const present = (account) => ({ what: "present", minutes: number(whole), mode: mode(account) });
  const lacksLength = () => {
    if (!whole || number(whole)) return false;
    whole.focus();
    whole.reportValidity();
    return true;
  };

  const chosen = (account) => {
    const what = radios(account).find((radio) => radio.checked)?.value ?? "";
    if (what.startsWith("status:")) return { what: "status", status: what.slice("status:".length), mode: mode(account) };
    if (!what) return { what: "cleared" };
    if (what === "absent") return { what };
    if (what === "minutes") return number(field(account, "minutes")) === null ? null : { what, minutes: number(field(account, "minutes")), mode: mode(account) };
    const [late, left] = ["late", "left"].map((name) => number(field(account, name)) ?? 0);
    if (what === "part" && late + left) return lacksLength() ? null : { ...present(account), what, late, left };
    if (what === "part") return null;
    return lacksLength() ? null : present(account);
  };

  const changed = (input) => {
    const account = input.closest("[data-account]").dataset.account;
    const name = input.name.split("-")[0];
    if (name === "what" && !["part", "minutes"].includes(input.value)) {
      for (const part of ["late", "left"]) if (field(account, part)) field(account, part).value = 0;
    }
    if (name === "late" || name === "left") check(account, number(field(account, "late")) || number(field(account, "left")) ? "part" : "present");
    if (name === "minutes" && number(input) !== null) check(account, "minutes");
    if (name === "mode" && !shown(account).what) return;
    const choice = chosen(account);
    if (choice) record(account, choice);
    else if (name === "what") (field(account, input.value === "part" ? "late" : "minutes") ?? input).focus();
  };
  const check = (account, value) => {
    for (const radio of radios(account)) radio.checked = radio.value === value;
  };

  form.addEventListener("change", (event) => {
    if (event.target.closest("[data-account]")) changed(event.target);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("click", (event) => {
    const step = event.target.closest(".step"), choose = event.target.closest("[data-choose]");
    if (step) {
      const input = step.parentElement.querySelector("input");
      const before = number(input) ?? 0, after = Math.max(0, before + Number(step.dataset.step));
      input.value = after;
      if (after !== before) changed(input);
    } else if (choose) {
      decide(choose.closest("[data-account]").dataset.account, choose.dataset.choose);
    }
  });
  const decide = (account, whose) => {
    const clash = queue.waiting(account).at(-1);
    for (const item of queue.waiting(account)) queue.drop(item);
    if (whose === "yours" && clash) record(account, queue.wire(clash));
    draw(account);
    drawBar();
  };
  all.addEventListener("click", (event) => {
    event.preventDefault();
    if (lacksLength()) return;
    for (const account of unrecorded()) record(account, present(account));
  });

  const search = document.getElementById("roster-find");
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  search?.addEventListener("input", () => {
    for (const row of rows.values()) row.hidden = !plain(row.querySelector(".roster-name").textContent).includes(plain(search.value.trim()));
  });

  const guest = document.getElementById("roster-guest");
  guest.addEventListener("submit", (event) => {
    // A browser's own page of an error would take the place of this one.
    if (navigator.onLine) return;
    event.preventDefault();
    const cut = document.getElementById("roster-guest-cut");
    [cut.textContent, cut.hidden] = [texts.cut, false];
  });

  const look = async () => {
    if (document.visibilityState !== "visible" || state === "sending" || state === "signed_out") return;
    const before = answers;
    try {
      const answer = await ask(`${form.dataset.state}?seen=${revision}`);
      if (answer.status === 200) {
        const said = await answer.json();
        // What was read before the last save would show what it replaced.
        if (state !== "sending" && answers === before) take(said);
        drawAll();
      } else if (answer.status === 401) {
        state = "signed_out";
        drawBar();
      }
    } catch {
      // The next look tries again; what waits for the connection is shown by its own sending.
    }
  };

  for (const hidden of form.querySelectorAll(".step, #roster-search, #roster-correct")) hidden.hidden = false;
  for (const plainButton of form.querySelectorAll(".roster-plain")) plainButton.hidden = true;
  document.getElementById("roster-correct")?.addEventListener("click", () => (reason.reportValidity() ? send(true) : null));
  reason?.addEventListener("input", drawBar);
  window.addEventListener("online", () => {
    wait = 1000;
    send(Boolean(reason));
  });
  window.addEventListener("storage", (event) => {
    if (queue.isMine(event.key)) drawAll();
  });
  document.addEventListener("visibilitychange", look);
  setInterval(look, LOOK);
  drawAll();
  send();
})();
