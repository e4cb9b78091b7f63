"""A receiver of the wire that does the least: verify each signature, count the events, say that all was taken."""

import base64
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATH = "/webhooks/bench/events"
TOLERANCE = 300


def make_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, body: bytes) -> dict[str, str]:
    """The headers of a signed body, by Standard Webhooks."""
    identity, timestamp = f"msg_{secrets.token_hex(8)}", str(int(time.time()))
    return {
        "Content-Type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": _signature(secret, identity, timestamp, body),
    }


def _signature(secret: str, identity: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, "sha256")).decode()


def signed(secret: str, headers: Any, body: bytes) -> bool:
    """Whether one of the signatures is right, and recent."""
    identity, timestamp = str(headers.get("webhook-id")), str(headers.get("webhook-timestamp"))
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    good = _signature(secret, identity, timestamp, body).encode()
    given = str(headers.get("webhook-signature")).split(" ")
    return any(hmac.compare_digest(good, one.encode(errors="replace")) for one in given)


def answer(body: bytes) -> tuple[dict[str, Any], list[str], int]:
    """What is answered to a body; the ids of its events, and how many readings it has."""
    batch = json.loads(body)
    events, readings = batch.get("events", []), batch.get("readings", [])
    taken = {"result": "accepted", "reason": None}
    results = [{"item": f"events/{n}", "id": event["id"]} | taken for n, event in enumerate(events)]
    results += [{"item": f"readings/{n}", "id": None} | taken for n in range(len(readings))]
    return {"results": results}, [event["id"] for event in events], len(readings)


@dataclass
class Taken:
    """What came. `bodies`: where each one is kept, in their order."""

    folder: Path
    secret: str
    port: int = 0
    bodies: list[Path] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    readings: int = 0
    refused: int = 0
    keeping: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def forget(self, *, keeping: bool) -> None:
        """Count anew; the bodies stay where they are unless others are to be kept."""
        self.events, self.readings, self.refused, self.keeping = [], 0, 0, keeping
        if keeping:
            for path in self.bodies:
                path.unlink()
            self.bodies = []

    def take(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        """Status and answer."""
        if not signed(self.secret, headers, body):
            self.refused += 1
            return 401, b"{}"
        told, events, readings = answer(body)
        self.events += events
        self.readings += readings
        if self.keeping:
            path = self.folder / f"{len(self.bodies)}.json"
            path.write_bytes(body)
            self.bodies.append(path)
        return 200, json.dumps(told).encode()


@contextmanager
def receiving(folder: Path) -> Iterator[Taken]:
    """A receiver on a free port; it keeps the bodies in the folder, which the site's PHP has to read, too."""
    taken = Taken(folder, make_secret())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, content = taken.take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing is written of a request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield taken
        finally:
            server.shutdown()
            thread.join()
