"""Closing a period, and letting in all that came late for one, as long work."""

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.work import Work
from records import closings, late_changes, long_work
from records.closings import ClosingError
from records.deciding import By
from records.long_work import CannotDo


def close_period(work: Work) -> None:
    """Take the snapshot, and write it down, in one transaction: a worker that dies leaves nothing behind, and whoever
    carries on begins anew. `asked`: `program`, `first` and `last` (days), `label`, `reason`."""
    asked, claim = work.asked, work.claim
    first, last = date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])
    now = work.clock()
    try:
        with Session(work.engine) as session, session.begin():
            snapshot = closings.begin(session, asked["program"], first, last, asked["label"], now)
            for done, total in closings.fill(session, snapshot, now):
                work.beat(done, total)
            if not snapshot.members:
                raise CannotDo("no_members")
            closing = closings.close(
                session, snapshot, actor=claim.actor, role=claim.role, reason=asked["reason"], now=now
            )
            work.end(session, closing=str(closing), members=len(snapshot.members), minutes=snapshot.minutes)
    except ClosingError as err:
        raise CannotDo(err.code) from err


def admit_late(work: Work) -> None:
    """Let in what came late for a closed period, membership by membership. `asked`: `closing`, `reason`, `reach`.

    What becomes late only while it works waits for somebody like anything that is late.
    """
    actor, closing = long_work.acting(work.claim), UUID(work.asked["closing"])
    by = By(actor, work.claim.role, work.asked["reason"], work.clock())
    after, admitted = work.claim.result.get("after"), int(work.claim.result.get("admitted", 0))
    while not work.turn_over:
        with Session(work.engine) as session:
            found = late_changes.waiting(session, actor, closing, UUID(after) if after else None)
            mine = [one.change for one in found.changes if not one.own]
        after = str(found.after) if found.after else None
        done = work.claim.done + found.looked_at
        with work.piece(done, max(done, work.claim.total), after=after) as session:
            admitted += late_changes.admit_chosen(session, actor, mine, by)
            work.kept["admitted"] = admitted
            if not after:
                work.end(session, closing=str(closing))
        if work.ended:
            return
