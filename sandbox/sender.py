"""Sends the outbox to the service: signed, in batches, again and again until it is answered."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import requests
from standardwebhooks import Webhook

from sandbox import wire
from sandbox.disorder import ORDER, REACH, Disorder
from sandbox.store import Store, config, set_config

FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0
TIMEOUT = (3.05, 10)
USER_AGENT = "CoPBridge-Moodle/0.1.0"
"""The companion plugin's."""
ANSWERED = frozenset({"accepted", "duplicate", "ignored", "waiting", "quarantined"})

_ERRORS = {
    400: "The service says that the batch isn't of the wire's shape (400): the sandbox is wrong.",
    401: "The service refuses site, signature or time (401): is the site added there, with this secret?",
    404: "There is no such address at the service (404): is the target right?",
    413: "The batch was too large for the service (413): smaller ones follow.",
    503: "The service can't reach its database (503): the same is sent again.",
}


@dataclass(frozen=True)
class Status:
    """What the page shows of the sending."""

    waiting: int = 0
    sync_wanted: bool = False
    answer: str = "Nothing was sent yet."
    error: str = ""
    answered_at: float = 0.0


class SendError(Exception):
    """A batch wasn't taken; `wait` is what the service asked for, in seconds."""

    def __init__(self, sentence: str, wait: float = 0.0) -> None:
        super().__init__(sentence)
        self.wait = wait


class Sender:
    """One site's way to one target. `send_pending` sends now; `start` does so in background."""

    def __init__(
        self,
        store: Store,
        target: str,
        secret: str,
        clock: Callable[[], float] = time.time,
        disorder: Disorder = ORDER,
    ) -> None:
        self._store = store
        self.disorder = disorder
        self._target = target
        self._webhook = Webhook(secret)
        self._clock = clock
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = USER_AGENT
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._status = Status()
        self._limit = wire.EVENTS_PER_BATCH
        self._failures = 0
        self._asked_wait = 0.0

    def status(self) -> Status:
        """The state of sending at this moment."""
        with self._store.read() as db:
            waiting = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
            wanted = config(db, "sync_wanted") == "1"
        return replace(self._status, waiting=int(waiting), sync_wanted=wanted)

    def wake(self) -> None:
        """Something is to be sent."""
        self._wake.set()

    def sync_everything(self) -> None:
        """Have readings of the whole site sent, ahead of the events."""
        with self._store.write() as db:
            set_config(db, "sync_wanted", "1")
        self.wake()

    def send_pending(self) -> bool:
        """Send all there is. True when everything was answered; otherwise it is kept."""
        with self._sending:
            try:
                self._send_everything()
                while self._send_events():
                    self._failures = 0
            except SendError as err:
                self._failures += 1
                self._status = replace(self._status, error=str(err))
                self._asked_wait = err.wait
                return False
            self._failures = 0
            self._status = replace(self._status, error="")
            return True

    def start(self) -> None:
        """Send in the background from now on."""
        self._thread = threading.Thread(target=self._run, name="sender")
        self._thread.start()
        self.wake()

    def close(self) -> None:
        """Stop after the batch that is under way."""
        self._stopped.set()
        self.wake()
        if self._thread is not None:
            self._thread.join()
        self._session.close()

    def pause(self) -> float:
        """How long to wait after the failures so far."""
        wait = FIRST_WAIT * float(2 ** min(self._failures - 1, 10))
        return min(max(wait, self._asked_wait), LONGEST_WAIT)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            while not self._stopped.is_set() and not self.send_pending():
                self._stopped.wait(self.pause())

    def _send_everything(self) -> None:
        with self._store.read() as db:
            wanted = config(db, "sync_wanted") == "1"
            told = wanted and self.disorder.readings
            batches = wire.of_everything(db, self._clock()) if told else []
        for batch in batches:
            self._check_all(self._post(batch), len(batch["readings"]))
        if wanted:
            with self._store.write() as db:
                set_config(db, "sync_wanted", "0")

    def _check_all(self, fates: dict[str, str], count: int) -> None:
        missing = [i for i in range(count) if fates.get(f"readings/{i}") not in ANSWERED]
        if missing:
            raise SendError(f"The service left {len(missing)} readings of {count} unanswered.")

    def _send_events(self) -> bool:
        """Send one batch; False when there is nothing left."""
        with self._store.read() as db:
            sql = "SELECT * FROM outbox ORDER BY id LIMIT ?"
            waiting = db.execute(sql, (self._limit + 2 * REACH,)).fetchall()
            rows, lost = self.disorder.mixed(waiting, self._limit)
            batch = self.disorder.bared(wire.of_events(db, rows, self._clock()))
        if not waiting:
            return False
        self._remove({row["id"] for row in lost})
        if not rows:
            return True
        fates = self._post(batch)
        done = [row["id"] for i, row in enumerate(rows) if fates.get(f"events/{i}") in ANSWERED]
        self._remove(set(done))
        if len(done) < len(rows):
            left = len(rows) - len(done)
            raise SendError(f"The service left {left} events of {len(rows)} unanswered.")
        return not self._stopped.is_set()

    def _remove(self, rows: set[int]) -> None:
        if rows:
            with self._store.write() as db:
                db.executemany("DELETE FROM outbox WHERE id = ?", [(row,) for row in rows])

    def _post(self, batch: wire.Batch) -> dict[str, str]:
        """Post one signed batch; the fate of each item."""
        body = json.dumps(batch, ensure_ascii=False, separators=(",", ":"))
        message, now = str(uuid.uuid4()), datetime.fromtimestamp(self._clock(), tz=UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message, now, body),
        }
        try:
            answer = self._session.post(
                self._target,
                data=body.encode(),
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as err:
            sentence = "The service can't be reached; what waits is sent once it is there again."
            raise SendError(sentence) from err
        return self._read(answer)

    def _read(self, answer: requests.Response) -> dict[str, str]:
        if answer.status_code != 200:
            if answer.status_code == 413:
                self._limit = max(1, self._limit // 2)
            other = f"The service answered {answer.status_code}; what waits is kept."
            raise SendError(_ERRORS.get(answer.status_code, other), _retry_after(answer))
        try:
            fates = {str(item["item"]): str(item["result"]) for item in answer.json()["results"]}
        except (ValueError, KeyError, TypeError) as err:
            raise SendError("The service answered 200 with something unreadable.") from err
        counts = [f"{list(fates.values()).count(f)} {f}" for f in sorted(set(fates.values()))]
        sentence = f"200: {', '.join(counts)}."
        self._status = replace(self._status, answer=sentence, answered_at=self._clock())
        return fates


def _retry_after(answer: requests.Response) -> float:
    value: Any = answer.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0
