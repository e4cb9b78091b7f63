"""A wire that loses, doubles and mixes up events, for tests of who must live with it.

Which event meets which fate is drawn from the seed and the event's own number, so that it is the
same however the outbox is cut into batches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.store import Row
from sandbox.wire import Batch

REACH = 40
"""How many places an event may come too late."""


@dataclass(frozen=True)
class Disorder:
    """Shares of events, from 0 to 1. Without `readings` neither events nor the start bring any
    state: events are bare hints."""

    drop: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    readings: bool = True
    seed: int = 1

    def loses(self, row: int) -> bool:
        """Whether the wire loses this event for good."""
        return self.drop > 0 and self._lot("drop", row) < self.drop

    def doubles(self, row: int) -> bool:
        """Whether it is sent twice, with one and the same id."""
        return self.double > 0 and self._lot("double", row) < self.double

    def place(self, row: int) -> float:
        """Where it stands among the others: its own number, or later."""
        late = self.reorder > 0 and self._lot("reorder", row) < self.reorder
        return row + (1 + REACH * self._lot("place", row) if late else 0)

    def mixed(self, rows: Sequence[Row], limit: int) -> tuple[list[Row], list[Row]]:
        """Of what waits, the next batch in the wire's order and what it loses."""
        lost = [row for row in rows if self.loses(row["id"])]
        kept = sorted((row for row in rows if not self.loses(row["id"])), key=lambda row: self.place(row["id"]))
        placed = [(self.place(row["id"]), row) for row in kept[:limit]]
        placed += [(self._copy_place(row["id"]), row) for _, row in placed if self.doubles(row["id"])]
        return [row for _, row in sorted(placed, key=lambda pair: pair[0])], lost

    def bared(self, batch: Batch) -> Batch:
        """The batch as this wire carries it."""
        return batch if self.readings else batch | {"readings": []}

    def _copy_place(self, row: int) -> float:
        return self.place(row) + REACH * self._lot("copy", row)

    def _lot(self, what: str, row: int) -> float:
        return random.Random(f"{self.seed} {what} {row}").random()


ORDER = Disorder()
"""The wire as it should be."""
