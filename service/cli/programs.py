"""`copbridge program`: check program files, and describe them to editors."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mappings.findings import Finding
from mappings.lint import lint
from mappings.loading import ProgramError, program_in, source_of
from mappings.program import Program
from mappings.schema import program_schema, schema_text
from mappings.source import Source
from service.cli.errors import UserError
from service.cli.output import clean, counted, say, say_json

group = typer.Typer(help="Program files: check them, preview and apply them.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="program")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a file; `program` is None for one that can't be used."""

    findings: list[Finding]
    program: Program | None = None
    source: Source | None = None

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "error"]


@group.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Program files.", metavar="FILE...")],
    courses: Annotated[bool, typer.Option("--courses", help="Also hold them against the courses on record.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 for warnings, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check program files: what is wrong, and what is strange. Needs no database but for --courses.

    Exit code 1 when one of them can't be used.
    """
    results = {str(file): _checked(file) for file in files}
    if courses:
        _hold_against_courses(results.values())
    if as_json:
        say_json({name: _found_as_data(found) for name, found in results.items()})
    else:
        for name, found in results.items():
            for finding in found.findings:
                say(clean(finding))
            if found.program:
                say(clean(f"{name}: {_summary(found.program, len(found.findings))}"))
    if any(found.findings if strict else found.errors for found in results.values()):
        raise typer.Exit(1)


def _checked(file: Path) -> Checked:
    try:
        source = source_of(file)
        program = program_in(source)
    except ProgramError as err:
        return Checked(err.findings)
    return Checked(lint(program, source), program, source)


def _hold_against_courses(results: Iterable[Checked]) -> None:
    """Add what the courses on record say about each file that can be used."""
    # Here, so that `check` alone needs nothing but the file.
    from records.program_check import check_courses
    from service.cli.opening import records

    with records() as opened, opened.transaction() as session:
        for found in results:
            if found.program and found.source:
                found.findings.extend(check_courses(session, found.program, found.source))


def _finding_data(finding: Finding) -> dict[str, object]:
    """A finding for scripts: the guide is in its link."""
    told = asdict(finding)
    del told["docs"]
    return told | {"link": finding.link}


def _found_as_data(found: Checked) -> dict[str, object]:
    return {
        "ok": not found.errors,
        "problems": [str(finding) for finding in found.errors],
        "findings": [_finding_data(finding) for finding in found.findings],
    }


def _summary(program: Program, warnings: int) -> str:
    parts = (
        counted(len(program.topics), "topic"),
        counted(len(program.regions), "region"),
        counted(len(program.activities), "activity rule"),
    )
    told = f"; {counted(warnings, 'warning')}" if warnings else ""
    return f"in order: {', '.join(parts)}, in force from {program.effective_from}{told}."


@group.command()
def schema(
    output: Annotated[Path | None, typer.Option("--output", help="Write it to this file.", metavar="FILE")] = None,
) -> None:
    """Print the JSON Schema of program files, which editors complete and check by."""
    write_schema(program_schema(), output)


def write_schema(schema: dict[str, Any], output: Path | None) -> None:
    """Print a schema, or write it to a file. Raises UserError."""
    text = schema_text(schema)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as err:
        raise UserError(f"{output} can't be written: {err.strerror}", code=2) from err
