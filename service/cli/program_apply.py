"""`copbridge program preview` and `apply`: what a file would change, and the change itself, proven by the ledger."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Select, select

from jobs.queues import QueueName
from jobs.reconcile import reconcile_these
from mappings.loading import ProgramError
from mappings.matching import Placement
from records import ledger
from records.actor import CLI
from records.models import Community, Membership, ProgramRow, ProgramVersionRow
from records.program_loading import load_version
from records.program_preview import Moved, Preview, preview
from service.cli.attendance import fold_all
from service.cli.errors import UserError
from service.cli.opening import Opened, records
from service.cli.output import clean, counted, hours, minute, progress, say, say_json, table
from service.cli.programs import group
from service.wording import REFUSALS

File = Annotated[Path, typer.Argument(help="A program file.", metavar="FILE")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
SHOWN = 20
"""So many memberships are named; --json names all."""


def register(app: typer.Typer) -> None:  # noqa: ARG001 - the group is registered by service.cli.programs
    """Add the commands of this module to the group `program`."""
    group.command("preview")(show_preview)
    group.command()(apply)
    group.command()(history)


def show_preview(file: File, as_json: AsJson = False) -> None:
    """Say what a file would change: who gains and who loses how many minutes, whose standing moves. Changes nothing."""
    source = _read(file)
    with records() as opened:
        found = _looked_at(opened, source, str(file))
    if as_json:
        say_json(_as_data(found))
    else:
        _tell(found)


def apply(
    file: File,
    reason: Annotated[str, typer.Option(help="Why it is applied; kept with the version.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Apply a file as a new version: first the preview, then the change, then the proof that the ledger followed.

    The same text twice is one version. Courses that are known already become communities by it. Each
    fact is credited by the version in force at its date. Exit code 1 when the ledger says otherwise
    than the preview.
    """
    source = _read(file)
    if not reason.strip():
        raise UserError("A program file is applied for a reason: --reason WHY.", code=2)
    with records() as opened:
        found = _looked_at(opened, source, str(file))
        if not as_json:
            _tell(found)
        if not found.same and found.moved and not yes:
            typer.confirm("Apply it?", abort=True, err=True)
        with opened.transaction() as session:
            loaded = load_version(session, source, str(file), actor=CLI, reason=reason.strip())
        other = _reconciled(opened, found) if loaded.new else {}
        if loaded.new:
            opened.wake(QueueName.ATTENDANCE)
            opened.wake(QueueName.RECONCILE)
    if as_json:
        differing = [{"membership": m, "expected": e, "is": i} for m, (e, i) in other.items()]
        say_json(
            {
                "program": loaded.program,
                "version": loaded.number,
                "new": loaded.new,
                "communities": loaded.placed,
                "refused": [_refused_as_data(shown, placement) for shown, placement in loaded.refused],
                "preview": _as_data(found),
                "differing": differing,
            }
        )
    elif not loaded.new:
        say(f"{loaded.program}: this text is version {loaded.number} already; nothing changed.")
    else:
        placed = counted(loaded.placed, "course")
        say(f"{loaded.program}: applied as version {loaded.number}; {placed} became communities.")
        if not loaded.placed:
            say(
                "Courses that aren't known yet come with the next sweep (copbridge sweep), and become communities then."
            )
        for line in _refusals(loaded.refused):
            say(clean(line))
        say(_verdict(found, other))
    if other:
        raise typer.Exit(1)


def history(
    program: Annotated[str, typer.Argument(help="A program's code.", metavar="PROGRAM")], as_json: AsJson = False
) -> None:
    """List the versions of a program: since when each counts, who applied it, when and why."""
    row = ProgramVersionRow
    with records() as opened, opened.transaction() as session:
        wanted = select(row).join(ProgramRow, ProgramRow.id == row.program_id).where(ProgramRow.code == program)
        found = session.scalars(wanted.order_by(row.number)).all()
    if not found:
        raise UserError(f"There is no program '{clean(program)}'.")
    names = ("version", "counts from", "applied", "by", "reason")
    rows = [(v.number, v.effective_from, minute(v.loaded_at), v.applied_by, v.reason) for v in found]
    if as_json:
        say_json([dict(zip(names, map(str, values), strict=True)) for values in rows])
    else:
        table("", names, rows, right=("version",))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise UserError(f"{file} can't be read: {err}") from err


def _looked_at(opened: Opened, source: str, name: str) -> Preview:
    try:
        with progress("Comparing") as advance:
            found = None
            for found in preview(opened.engine, source, name, opened.now()):
                advance(found.looked_at, found.memberships)
    except ProgramError as err:
        raise UserError("\n".join(clean(problem) for problem in err.problems)) from err
    if found is None:
        raise UserError("The program file could not be compared.")
    return found


def _reconciled(opened: Opened, expected: Preview) -> dict[UUID, tuple[int, int]]:
    """Make the facts that are judged otherwise now, and compute the program's memberships again. Returns those whose
    net isn't the expected one: (expected, is)."""
    fold_all(opened.engine)
    with opened.transaction() as session:
        ids = list(session.scalars(_members_of(expected.program)))
    with progress("Computing") as advance:
        for done in reconcile_these(opened.engine, ids, opened.now):
            advance(done, len(ids))
    with opened.transaction() as session:
        nets = ledger.nets(session, ids)
    return {m: (net, nets.get(m, 0)) for m, net in expected.nets.items() if nets.get(m, 0) != net}


def _members_of(program: str) -> Select[UUID]:
    return (
        select(Membership.id)
        .join(Community, Community.id == Membership.community_id)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(ProgramRow.code == program)
        .order_by(Membership.id)
    )


def _tell(found: Preview) -> None:
    if found.same:
        return
    if not found.known:
        say(f"{found.program} is a new program: nobody's hours change.")
        return
    gain, lose = sum(m.after - m.before for m in found.gains), sum(m.before - m.after for m in found.loses)
    say(
        f"{found.program}: of {counted(found.looked_at, 'membership')} {len(found.gains)} would gain {hours(gain)}"
        f" in all, {len(found.loses)} would lose {hours(lose)};"
        f" the program's ledger would go from {hours(found.net_before)} to {hours(found.net_after)}."
    )
    for (was, would), number in sorted(found.turns.items()):
        say(f"  {counted(number, 'standing')} from {was} to {would}")
    if found.moved:
        rows = [_row(moved) for moved in sorted(found.moved, key=lambda m: m.after - m.before)]
        more = f" (the first {SHOWN} of {len(rows)}; --json lists all)" if len(rows) > SHOWN else ""
        columns = ("membership", "before", "after", "standing", "would be")
        table(f"Who would be moved{more}", columns, rows[:SHOWN], right=("before", "after"))


def _row(moved: Moved) -> tuple[object, ...]:
    return moved.membership_id, hours(moved.before), hours(moved.after), moved.status_before, moved.status_after


def _verdict(found: Preview, other: dict[UUID, tuple[int, int]]) -> str:
    if not other:
        return f"The ledger says what the preview said: {hours(found.net_after)} in all."
    named = ", ".join(f"{m} (expected {hours(e)}, is {hours(i)})" for m, (e, i) in sorted(other.items())[:SHOWN])
    return (
        f"{counted(len(other), 'membership')} differ from the preview, since something arrived meanwhile or the file"
        f" placed courses anew: {named}. `copbridge explain` says why; `copbridge rebuild` checks the books."
    )


def _refusals(refused: Iterable[tuple[str, Placement]]) -> Iterator[str]:
    for shown, placement in refused:
        if placement.refusal:
            why = REFUSALS[placement.refusal] % {"topic": placement.topic, "region": placement.region}
            yield f"The course {shown} is no community: {why}"


def _refused_as_data(shown: str, placement: Placement) -> dict[str, object]:
    return {"idnumber": shown, "topic": placement.topic, "region": placement.region, "why": placement.refusal}


def _as_data(found: Preview) -> dict[str, object]:
    return {
        "program": found.program,
        "known": found.known,
        "same": found.same,
        "memberships": found.looked_at,
        "net_before": found.net_before,
        "net_after": found.net_after,
        "moved": [
            {
                "membership": m.membership_id,
                "before": m.before,
                "after": m.after,
                "standing_before": m.status_before,
                "standing_after": m.status_after,
            }
            for m in found.moved
        ],
    }
