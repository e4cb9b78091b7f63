"""`copbridge program`: check program files without a database, and load them."""

from pathlib import Path
from typing import Annotated

import typer

from mappings.loading import ProgramError, load_program
from mappings.program import Program
from records.actor import CLI
from records.program_loading import Loaded, load_version
from service.cli.errors import UserError
from service.cli.output import clean, counted, say, say_json
from service.wording import REFUSALS

group = typer.Typer(help="Program files: check them, and load them.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="program")


@group.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Program files.", metavar="FILE...")], as_json: AsJson = False
) -> None:
    """Check program files, without a database. Exit code 1 when one of them can't be used."""
    results: dict[str, Program | list[str]] = {}
    for file in files:
        try:
            results[str(file)] = load_program(file)
        except ProgramError as err:
            results[str(file)] = err.problems
    if as_json:
        say_json(
            {file: {"ok": isinstance(found, Program), "problems": _problems(found)} for file, found in results.items()}
        )
    else:
        for name, found in results.items():
            for line in _problems(found) or [f"{name}: {_summary(found)}"]:
                say(clean(line))
    if any(_problems(found) for found in results.values()):
        raise typer.Exit(1)


def _problems(found: Program | list[str]) -> list[str]:
    return [] if isinstance(found, Program) else found


def _summary(found: Program | list[str]) -> str:
    if not isinstance(found, Program):
        return ""
    parts = (
        counted(len(found.topics), "topic"),
        counted(len(found.regions), "region"),
        counted(len(found.activities), "activity rule"),
    )
    unset = [topic.code for topic in found.topics if topic.commitment == "to_be_set"]
    left_open = f"; the commitment of {', '.join(unset)} is yet to be set" if unset else ""
    return f"in order: {', '.join(parts)}, in force from {found.effective_from}{left_open}."


@group.command()
def load(
    file: Annotated[Path, typer.Argument(help="A program file.", metavar="FILE")], as_json: AsJson = False
) -> None:
    """Load a program file as a new version; the same text twice is one version.

    Courses that are known already become communities by it, and every membership of the program is
    computed again. Each fact is credited by the version in force at its date.
    """
    # Here, so that `check` needs nothing but the file.
    from jobs.queues import QueueName
    from service.cli.opening import records

    try:
        load_program(file)
    except ProgramError as err:
        raise UserError("\n".join(clean(problem) for problem in err.problems)) from err
    source = file.read_text(encoding="utf-8")
    with records() as opened:
        with opened.transaction() as session:
            loaded = load_version(session, source, str(file), actor=CLI)
        if loaded.new:
            opened.wake(QueueName.RECONCILE)
    if as_json:
        say_json(_as_data(loaded))
        return
    if not loaded.new:
        say(f"{loaded.program}: this text is version {loaded.number} already; nothing changed.")
        return
    say(
        f"{loaded.program}: loaded as version {loaded.number}; {counted(loaded.placed, 'course')} became communities,"
        f" {counted(loaded.marked, 'membership')} computed again."
    )
    for idnumber, placement in loaded.refused:
        if placement.refusal:
            why = REFUSALS[placement.refusal] % {"topic": placement.topic, "region": placement.region}
            say(clean(f"The course {idnumber} is no community: {why}"))


def _as_data(loaded: Loaded) -> dict[str, object]:
    return {
        "program": loaded.program,
        "version": loaded.number,
        "new": loaded.new,
        "communities": loaded.placed,
        "memberships": loaded.marked,
        "refused": [
            {"idnumber": idnumber, "topic": p.topic, "region": p.region, "why": p.refusal}
            for idnumber, p in loaded.refused
        ],
    }
