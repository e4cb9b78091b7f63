"""A small client of CoP Bridge's REST API, to copy and to go on from. It needs `requests` and nothing else.

api = CopBridge("https://cop.example.org", os.environ["COPBRIDGE_TOKEN"])
for community in api.communities(region="LA"):
    for member in api.memberships(community.id):
        print(member.name, member.standing.minutes / 60, member.standing.status)
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import requests

T = TypeVar("T")
TIMEOUT_SECONDS = 30
TRIES = 4
LATER = {429, 503}


class Problem(Exception):
    """The API refused. `type` stays the same; `detail` says what to do; the correlation id leads IT to the log."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(f"{answer['title']}: {answer['detail']}")
        self.type: str = answer["type"]
        self.status: int = answer["status"]
        self.correlation_id: str = answer["correlation_id"]
        self.errors: list[dict[str, str]] = answer.get("errors", [])


@dataclass(frozen=True)
class Community:
    """A community, by the codes of its program."""

    id: str
    program: str
    topic: str
    region: str


@dataclass(frozen=True)
class Standing:
    """How a membership stands. Amounts are whole minutes."""

    status: str
    minutes: int
    band_min: int | None


@dataclass(frozen=True)
class Membership:
    """A person in a community."""

    id: str
    person: str
    name: str
    role: str
    status: str
    standing: Standing


@dataclass(frozen=True)
class Adjustment:
    """Minutes that somebody gave or took."""

    id: str
    minutes: int
    state: str


class CopBridge:
    """The API as its token's user may use it."""

    def __init__(self, address: str, token: str) -> None:
        self.address = f"{address.rstrip('/')}/api/v1"
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token}"

    def communities(self, **wanted: str) -> Iterator[Community]:
        """Communities, filtered by `program`, `region`, `topic` and `host`."""
        return (_read(Community, each) for each in self._listed("/communities", wanted))

    def memberships(self, community: str, **wanted: str) -> Iterator[Membership]:
        """Who is in a community, filtered by `role`, `status` and `standing`."""
        for each in self._listed(f"/communities/{community}/memberships", wanted):
            yield _read(Membership, each | {"standing": _read(Standing, each["standing"])})

    def explanation(self, membership: str) -> dict[str, Any]:
        """Each minute of a membership."""
        return self._ask("GET", f"/memberships/{membership}/explanation")

    def adjust(
        self, membership: str, minutes: int, component: str, reason: str, *, below_zero: bool = False
    ) -> Adjustment:
        """Give minutes, or take some: more than there are only with `below_zero`. Asked again after a lost answer, it
        still happens once."""
        body = {"minutes": minutes, "component": component, "reason": reason, "below_zero": below_zero}
        key = {"Idempotency-Key": str(uuid.uuid4())}
        found = self._ask("POST", f"/memberships/{membership}/adjustments", json=body, headers=key)
        return _read(Adjustment, found)

    def undo(self, adjustment: str, reason: str, *, below_zero: bool = False) -> Adjustment:
        """Take an adjustment back: to a total below zero only with `below_zero`."""
        body = {"reason": reason, "below_zero": below_zero}
        key = {"Idempotency-Key": str(uuid.uuid4())}
        found = self._ask("POST", f"/adjustments/{adjustment}/undo", json=body, headers=key)
        return _read(Adjustment, found)

    def _listed(self, path: str, wanted: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._ask("GET", path, params={**wanted, **({"cursor": cursor} if cursor else {})})
            yield from page["items"]
            cursor = page["next"]

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        for left in reversed(range(TRIES)):
            try:
                answer = self.http.request(method, self.address + path, timeout=TIMEOUT_SECONDS, **more)
            except requests.ConnectionError:
                if not left:
                    raise
                continue
            if answer.status_code in LATER and left:
                time.sleep(float(answer.headers.get("Retry-After", 1)))
                continue
            break
        found: dict[str, Any] = answer.json()
        if not answer.ok:
            raise Problem(found)
        return found


def _read(kind: type[T], found: dict[str, Any]) -> T:
    """What a dataclass names; more may be answered one day, and does no harm."""
    return kind(**{each.name: found[each.name] for each in fields(kind)})  # type: ignore[arg-type]
