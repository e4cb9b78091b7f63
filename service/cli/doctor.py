"""`copbridge doctor`: whether a site is connected as it should be, in plain words with the exact fix."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.doctor.books import pings, read_books
from jobs.doctor.findings import Report, Result, Severity
from jobs.doctor.look import Look
from jobs.doctor.needs import BY_USE, VIEW, Needs, needs, uses_of
from jobs.doctor.run import examine
from jobs.sites import gently
from moodle_client import MoodleClient
from records.models import MirrorModule
from records.programs import newest, versions_by_program
from records.sites import find_site
from service import plugin_zip
from service.cli.doctor_words import CHECKS, lines_of, words
from service.cli.errors import UserError
from service.cli.opening import Opened, records
from service.cli.output import clean, counted, progress, say, say_json
from service.links import webhook_address

EXIT = {Severity.OK: 0, Severity.NOTE: 0, Severity.WARNING: 1, Severity.ERROR: 4}
"""2 and 3 are those of all commands: nothing was looked at."""
TIMEOUT = 30.0
MARKS = {Severity.OK: "ok", Severity.NOTE: "note", Severity.WARNING: "warning", Severity.ERROR: "ERROR"}
MOST = 5


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(doctor)


def doctor(
    site: Annotated[str | None, typer.Argument(help="The site's short name.", metavar="[SITE]")] = None,
    course: Annotated[list[int] | None, typer.Option(help="Look at this course (Moodle's id); several may be.")] = None,
    every: Annotated[bool, typer.Option("--all", help=f"Look at all communities, not at {MOST}.")] = False,
    needed: Annotated[
        bool, typer.Option("--needed", help="Only print the functions and capabilities that a site has to grant.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Tell whether a site is connected as it should be, and how to mend what isn't.

    Reads only. Exit code 0: nothing above a note; 1: warnings; 4: errors.
    """
    if needed:
        with records() as opened, opened.transaction() as session:
            asked = needed_here(session)
        say_json(as_data(asked)) if as_json else say("\n".join(lines_of(asked)))
        return
    if site is None:
        raise UserError("Say which site: copbridge doctor SITE; copbridge site list shows them.", code=2)
    with records() as opened:
        report = _examined(opened, site, tuple(course or ()), 0 if every else MOST)
    say_json(_as_json(report)) if as_json else _tell(report)
    raise typer.Exit(EXIT[report.severity])


def _examined(opened: Opened, slug: str, wanted: tuple[int, ...], most: int) -> Report:
    with opened.transaction() as session:
        books = read_books(session, find_site(session, slug), opened.settings.encryption_key)

    def counted_pings() -> int:
        with opened.transaction() as session:
            return pings(session, books.site_id)

    pace = gently(opened.settings)
    with (
        MoodleClient(books.wwwroot, books.token, timeout=TIMEOUT, tries=1, pace=pace) as moodle,
        progress("Looking") as tell,
    ):
        look = Look(books, opened.settings, moodle, opened.now, counted_pings, wanted=wanted, most=most)
        look.shipped, look.address = _shipped(), webhook_address(opened.settings, slug)
        return examine(look, tell)


def _shipped() -> int:
    """The version of the plugin that came with this installation; 0: none came."""
    try:
        return plugin_zip.stated()[1]
    except plugin_zip.PluginMissing:
        return 0


def needed_here(session: Session) -> Needs:
    """What the programs that are loaded, and the activities that are known, ask a site to grant."""
    programs = [newest(versions) for versions in versions_by_program(session).values()]
    kinds = session.scalars(select(MirrorModule.modname).distinct().where(MirrorModule.present))
    return needs(uses_of(programs), kinds)


def as_data(asked: Needs) -> dict[str, Any]:
    """The lists for scripts: with the plugin, and without it."""
    return {
        "with_plugin": {
            "functions": list(asked.plugin_functions),
            "capabilities": list(asked.plugin_capabilities),
        },
        "functions": list(asked.functions),
        "capabilities": list(asked.capabilities),
        "capabilities_of_plugins": list(asked.of_plugins),
        "optional": [{"capability": BY_USE[use], "for": str(use)} for use in asked.optional],
    }


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "site": report.site,
        "severity": str(report.severity),
        "exit_code": EXIT[report.severity],
        "checks": [_check_as_json(result) for result in report.results],
    }


def _check_as_json(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "severity": "not_looked_at" if result.because else str(result.severity),
        "because": result.because or None,
        "told": dict(result.told),
        "findings": [
            {"code": str(one.code), "severity": str(one.severity), "params": dict(one.params)}
            | {"says": (told := words(one)).says, "fix": list(told.fix)}
            for one in result.findings
        ],
    }


def _tell(report: Report) -> None:
    width = max(map(len, CHECKS.values()))
    for result in report.results:
        name = f"{CHECKS[result.check]:<{width}}"
        if result.because:
            say(f"{name}  not looked at, because of: {CHECKS[result.because]}")
            continue
        say(f"{name}  {MARKS[result.severity]}{_aside(result)}")
        for finding in result.findings:
            told = words(finding)
            say(f"  {MARKS[finding.severity]}: {told.says}")
            for line in told.fix:
                say(f"      {line}")
    say(_summary(report))


def _aside(result: Result) -> str:
    """What "ok" stands on, in brackets."""
    told = result.told
    if result.check == "courses" and told:
        return f" ({counted(len(told['looked_at']), 'course')} looked at: {_few(told['looked_at'])})"
    if result.check == "version" and told.get("release"):
        return f" ({clean(told['release'])})"
    if result.check == "capabilities" and VIEW in told.get("shown", ()) and told["nothing_to_show"]:
        return f" (nothing in these courses could show whether these are there: {_few(told['nothing_to_show'])})"
    return ""


def _few(items: Sequence[object]) -> str:
    return ", ".join(map(str, items)) or "none"


def _summary(report: Report) -> str:
    found = [finding.severity for finding in report.findings]
    numbers = {severity: found.count(severity) for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)}
    skipped = sum(bool(result.because) for result in report.results)
    parts = [counted(number, str(severity)) for severity, number in numbers.items() if number]
    told = f"{clean(report.site)}: {', '.join(parts) or 'nothing to mend'}."
    return told + (f" {counted(skipped, 'check')} not made." if skipped else "")
