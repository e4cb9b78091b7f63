"""A job of long work in a worker's hands."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import long_work
from records.long_work import Claim


@dataclass(slots=True)
class Work:
    """A job in the hands of a worker. `until`: by time.monotonic(), when its turn is over."""

    engine: Engine
    clock: Callable[[], datetime]
    claim: Claim
    until: float
    ended: bool = False
    kept: dict[str, Any] = field(default_factory=dict)
    """Added to the result with the next piece: what whoever carries on has to know, and what the page may tell."""

    @property
    def asked(self) -> Mapping[str, Any]:
        """Its arguments."""
        return self.claim.asked

    @property
    def turn_over(self) -> bool:
        """Whether to return now: another turn carries on with what isn't done."""
        return time.monotonic() > self.until

    @contextmanager
    def piece(self, done: int, total: int | None = None, **kept: Any) -> Iterator[Session]:
        """One transaction for a piece of the work and for saying that `done` are done by then; `kept` is kept as
        `Work.kept` is. Raises Lost at its end where the job isn't ours any more: then nothing of the piece was
        done."""
        with Session(self.engine) as session, session.begin():
            yield session
            self.kept.update(kept)
            if self.ended:
                return
            following = long_work.go_on(session, self.claim, done, total, kept=self.kept)
        self.claim = following

    def beat(self, done: int, total: int | None = None) -> None:
        """Say how far it is where all of it is one transaction, kept open elsewhere: whoever carries on begins anew.
        Raises Lost."""
        with Session(self.engine) as session, session.begin():
            following = long_work.go_on(session, self.claim, done, total, further=False)
        self.claim = following

    def end(self, session: Session, **result: Any) -> None:
        """It is done: say so in the transaction of the last piece. Raises Lost."""
        long_work.finish(session, self.claim, {**self.kept, **result})
        self.ended = True


Kind = Callable[[Work], None]
"""Does a job, from where `claim.done` says that it is. It calls `end`; one that returns without is carried on in the
next turn. It raises CannotDo with a code where the job can't be done."""
