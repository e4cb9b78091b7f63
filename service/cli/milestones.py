"""`copbridge milestone`: record one milestone, take one back, list them."""

import hashlib
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from jobs.queues import QueueName
from records import milestones
from records.actor import CLI
from records.attendance_file import clock
from records.csv_file import Wrong, day, optional_text
from records.milestone_file import Evidence, MilestoneLine, cycle_label, evidence_of
from records.queries.milestones import Shown, listed
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, counted, minute, say, say_json, table

group = typer.Typer(help="Milestones: phases, reports, plans, with their evidence.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="milestone")


@group.command()
def record(
    program: Annotated[str, typer.Argument(help="The program's code.", metavar="PROGRAM")],
    milestone: Annotated[str, typer.Argument(help="The milestone's code.", metavar="MILESTONE")],
    date: Annotated[str, typer.Option(help="The day, as YYYY-MM-DD.")],
    subject: Annotated[str, typer.Option(help="Who or what achieved it: as the column of the file.")] = "",
    site: Annotated[str, typer.Option(help="The site's short name.")] = "",
    community: Annotated[str, typer.Option(help="A course's idnumber on the site, or the community's id.")] = "",
    time: Annotated[str, typer.Option(help="The time of day, as HH:MM.")] = "",
    cycle: Annotated[str, typer.Option(help="The label of the cycle that it is a phase of.")] = "",
    session: Annotated[str, typer.Option(help="The code of the session that it follows.")] = "",
    evidence: Annotated[list[str] | None, typer.Option(help="An https link, or sha256:HEX; may be repeated.")] = None,
    evidence_file: Annotated[
        list[Path] | None, typer.Option(help="A file of which the SHA-256 is kept, and nothing else; may be repeated.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A text as evidence.")] = None,
) -> None:
    """Record that a milestone was reached. Again with other evidence or another day: that replaces what was recorded.

    Without --evidence and --evidence-file the recorded links and files stay, without --note the note.
    """
    hashes = [("file", digest_of(path)) for path in evidence_file or ()]
    try:
        row = MilestoneLine(
            line=1,
            program=program,
            milestone=milestone,
            subject=optional_text(subject),
            site=site,
            community=community,
            day=day(date),
            at=clock(time) if time else None,
            cycle=cycle_label(cycle),
            session=session,
            evidence=_pieces(evidence, hashes) if evidence or hashes else None,
            note=None if note is None else optional_text(note),
        )
    except Wrong as err:
        raise UserError(clean(f"{err}."), code=2) from err
    with records() as opened:
        with opened.transaction() as open_session:
            planned = milestones.record_one(open_session, row, actor=CLI, now=opened.now())
        if planned.action != "unchanged":
            opened.wake(QueueName.RECONCILE)
    say({"new": "Recorded.", "changed": "Recorded anew."}.get(planned.action, "It is recorded already."))
    if planned.unproven:
        say("It lacks the evidence without which the program doesn't count it.")


def _pieces(evidence: list[str] | None, hashes: list[Evidence]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys((*evidence_of(" ".join(evidence or ())), *hashes)))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file. Raises UserError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as err:
        raise UserError(f"{clean(path)} can't be read: {err.strerror}.") from err


@group.command()
def withdraw(milestone: Annotated[UUID, typer.Argument(help="Its id: see `milestone list`.", metavar="ID")]) -> None:
    """Take back what was recorded. It stays in the history, and can be recorded again."""
    with records() as opened:
        with opened.transaction() as session:
            milestones.withdraw(session, milestone, actor=CLI)
        opened.wake(QueueName.RECONCILE)
    say("Withdrawn.")


@group.command("list")
def list_milestones(
    program: Annotated[str, typer.Option(help="Only those of this program.")] = "",
    milestone: Annotated[str, typer.Option(help="Only those of this code.")] = "",
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Also those that were taken back.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the milestones that were recorded. What completions in Moodle amount to is not among them."""
    with records() as opened, opened.transaction() as session:
        found = listed(session, CLI, program=program, code=milestone, withdrawn=withdrawn)
    if as_json:
        say_json([_as_data(shown) for shown in found])
        return
    if not found:
        say("No milestone is recorded.")
        return
    rows = [
        (
            s.id,
            s.program,
            s.code,
            f"{s.subject_kind} {s.subject}",
            s.cycle,
            s.session,
            minute(s.happened_at),
            len(s.evidence),
            "withdrawn" if s.withdrawn else "",
        )
        for s in found
    ]
    columns = ("id", "program", "milestone", "whose", "cycle", "session", "when", "evidence", "")
    table(f"{counted(len(found), 'milestone')}", columns, rows, right=("evidence",))


def _as_data(shown: Shown) -> dict[str, object]:
    return {
        "id": shown.id,
        "program": shown.program,
        "milestone": shown.code,
        "of": shown.subject_kind,
        "subject": shown.subject,
        "cycle": shown.cycle,
        "session": shown.session,
        "happened_at": shown.happened_at.isoformat(),
        "evidence": shown.evidence,
        "withdrawn": shown.withdrawn,
    }
