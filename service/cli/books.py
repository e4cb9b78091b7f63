"""`copbridge rebuild`: recompute everything from the inputs, and say what differs. Nothing should."""

from typing import Annotated

import typer

from jobs.queues import QueueName
from records.books import check_books, count_memberships, repair
from records.ledger import Difference
from service.cli.opening import Opened, records
from service.cli.output import counted, progress, say, say_json


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(rebuild)


def rebuild(
    mend: Annotated[bool, typer.Option("--repair", help="Have whatever differs computed again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Recompute every net and standing from the inputs, and say what differs from the books.

    Writes nothing without --repair. What is marked for computing anyway is counted, not compared.
    Exit code 1 when anything differs.
    """
    with records() as opened:
        compared, pending, different = _compare(opened)
        memberships = {difference.membership_id for difference in different}
        if mend and memberships:
            with opened.transaction() as session:
                repair(session, memberships)
            opened.wake(QueueName.RECONCILE)
    if as_json:
        rows = [
            {"membership": d.membership_id, "what": d.what, "held": d.held, "computed": d.computed} for d in different
        ]
        say_json({"compared": compared, "pending": pending, "different": rows, "repaired": mend and bool(rows)})
    else:
        for d in different:
            say(f"{d.membership_id}: {d.what}: the books say {d.held}, the inputs {d.computed}")
        waiting = f" {counted(pending, 'membership')} about to be computed anyway." if pending else ""
        say(f"{counted(compared, 'membership')} compared: {_verdict(different, mended=mend)}.{waiting}")
    if different:
        raise typer.Exit(1)


def _verdict(different: list[Difference], *, mended: bool) -> str:
    if not different:
        return "the books say what the inputs say"
    found = f"{len({d.membership_id for d in different})} differ"
    return f"{found}; marked, and computed again by the worker" if mended else f"{found}; --repair computes them again"


def _compare(opened: Opened) -> tuple[int, int, list[Difference]]:
    compared = pending = 0
    different: list[Difference] = []
    with opened.transaction() as session:
        total = count_memberships(session)
    with progress("Comparing") as advance:
        for chunk in check_books(opened.engine, opened.now()):
            compared, pending = compared + chunk.compared, pending + chunk.pending
            different += chunk.different
            advance(compared + pending, total)
    return compared, pending, different
