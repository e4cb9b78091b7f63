// Changes that the server hasn't confirmed yet. Each is kept under a key of its own in the browser's storage, so that
// two tabs can't overwrite one another's, and the page may be closed at any time.
"use strict";
window.rosterQueue = (session, user) => {
  const prefix = `copbridge.roster.${session}.${user}.`;
  const memory = new Map();
  let broken = false;

  const read = () => {
    const found = [...memory.values()];
    try {
      for (let at = 0; at < localStorage.length; at += 1) {
        const key = localStorage.key(at);
        if (key.startsWith(prefix) && !memory.has(key)) found.push(JSON.parse(localStorage.getItem(key)));
      }
    } catch {
      broken = true;
    }
    return found.sort((a, b) => a.n - b.n || (a.id < b.id ? -1 : 1));
  };
  const put = (item) => {
    const key = prefix + item.id;
    try {
      localStorage.setItem(key, JSON.stringify(item));
      memory.delete(key);
    } catch {
      // Full, or forbidden by the browser: the page says so and keeps it as long as it is open.
      broken = true;
      memory.set(key, item);
    }
  };
  const drop = (item) => {
    memory.delete(prefix + item.id);
    try {
      localStorage.removeItem(prefix + item.id);
    } catch {
      broken = true;
    }
  };
  let last = 0;
  // Later than everything before it, also where the device's clock was set back meanwhile.
  const next = (items) => {
    last = Math.max(Date.now(), last + 1, ...items.map((item) => item.n + 1));
    return last;
  };
  const uuid = () => {
    // crypto.randomUUID is there on https alone; rosters are tried out without it.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  };

  const pendingOf = (items, account) => items.filter((item) => item.state !== "clash" && item.state !== "refused"
    && (!account || item.account === account));

  // Keeps a change. One that was never sent is replaced; one that may have arrived is followed: the server takes both
  // in their order, and the first of them once.
  const add = (account, choice, version) => {
    const items = read();
    const before = pendingOf(items, account).at(-1);
    let seen = version;
    if (before) {
      if (before.state === "new") seen = before.seen;
      else seen = before.what === "cleared" ? null : before.id;
    }
    put({ ...choice, id: uuid(), account, seen, n: next(items), state: "new" });
    for (const item of items) {
      if (item.account === account && item.state !== "sent") drop(item);
    }
  };

  const wire = ({ id, account, what, seen, minutes, late, left, status, mode }) => (
    { id, account, what, seen, minutes: minutes ?? null, late: late || 0, left: left || 0, status: status || null, mode: mode || null });

  // What the server answered of changes that were sent.
  const settle = (sent, answer, versions) => {
    const taken = new Set(answer.taken), clashes = new Set(answer.clashes), again = new Set(answer.again);
    for (const item of sent) {
      if (taken.has(item.id)) {
        for (const later of pendingOf(read(), item.account)) {
          if (later.seen === item.id) put({ ...later, seen: versions.get(item.account) ?? null });
        }
        drop(item);
      } else if (clashes.has(item.id)) {
        put({ ...item, state: "clash" });
      } else if (again.has(item.id)) {
        put({ ...item, state: "new" });
      } else {
        put({ ...item, state: "refused", why: answer.refused[item.id] ?? "" });
      }
    }
  };

  return {
    add, drop, settle, wire, read,
    pending: (account) => pendingOf(read(), account),
    waiting: (account) => read().filter((item) => item.state !== "new" && item.state !== "sent" && (!account || item.account === account)),
    sending: (items) => items.forEach((item) => put({ ...item, state: "sent" })),
    isBroken: () => broken,
    isMine: (key) => key === null || key.startsWith(prefix),
  };
};
