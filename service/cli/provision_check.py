"""`copbridge provision check` and `schema`: a provision file by itself, before any site is asked."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.provision.opening import program_in_force
from jobs.provision.plan import InTheWay
from mappings.findings import ProgramError
from mappings.loading import load_program
from mappings.program import Program
from mappings.provision_loading import courses_in, load_provision
from mappings.provision_wanted import people_files
from mappings.schema import provision_schema
from records.people_file import PeopleError, read_people
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, counted, say, say_json
from service.cli.programs import write_schema
from service.cli.provision import AsJson, File, group
from service.provision_words import obstacle_text


def register(app: typer.Typer) -> None:  # noqa: ARG001 - the group is registered by service.cli.provision
    """Add the commands of this module to the group `provision`."""
    group.command("check")(check)
    group.command("schema")(schema)


def check(
    file: File,
    program: Annotated[
        Path | None,
        typer.Option("--program", help="Hold it against this program file, not the applied one.", metavar="FILE"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a provision file, and the files of people beside it: what is wrong, with file and line. Asks no site, and
    with --program no database.

    Exit code 1 when it can't be used.
    """
    problems: list[str] = []
    courses = people = 0
    try:
        provision, source = load_provision(file)
        wanted = courses_in(provision, source, load_program(program) if program else _applied(provision.program))
        courses = len(wanted)
        contents = {name: (file.parent / name).read_bytes() for name in people_files(provision)}
        people = sum(len(found) for found in read_people(contents, wanted).values())
    except (ProgramError, PeopleError) as err:
        problems = err.problems
    except OSError as err:
        problems = [f"{file}: people: {err.filename} can't be read: {err.strerror}"]
    if as_json:
        say_json({"ok": not problems, "problems": problems, "courses": courses, "people": people})
    else:
        for problem in problems:
            say(clean(problem))
        if not problems:
            say(clean(f"{file}: in order: {counted(courses, 'course')}, {counted(people, 'line')} of people."))
    if problems:
        raise typer.Exit(1)


def _applied(code: str) -> Program:
    """The program in force, on record. Raises UserError."""
    with records() as opened, opened.transaction() as session:
        try:
            return program_in_force(session, code)
        except InTheWay as err:
            raise UserError(obstacle_text(err.obstacle)) from err


def schema(
    output: Annotated[Path | None, typer.Option("--output", help="Write it to this file.", metavar="FILE")] = None,
) -> None:
    """Print the JSON Schema of provision files, which editors complete and check by."""
    write_schema(provision_schema(), output)
