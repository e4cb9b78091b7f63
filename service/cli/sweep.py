"""`copbridge sweep`: read Moodle's whole state, and bring the mirror and everybody's hours in line with it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import process, reconcile
from jobs.runtime import configure_logging
from jobs.sweep.run import House, carry_on
from records import sweeps
from records.keys import among
from records.models import CommunityCourse, Site
from records.queries.drift import Finished, drift_by_course, finished
from records.sites import find_site
from service.cli.errors import UserError
from service.cli.lookup import find_communities
from service.cli.opening import Opened, records
from service.cli.output import counted, progress, say, say_json, table

LOOK_SECONDS = 1.0
"""How often a sweep that somebody else is at is looked at."""

Asked = dict[UUID, list[int] | None]
"""The courses to sweep by site; None: all that are communities, after the site's list was read."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sweep)


def sweep(
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    community: Annotated[str | None, typer.Option(help="Only this community, by id or its course's ID number.")] = None,
    gone: Annotated[bool, typer.Option("--gone", help="It is right that many people are gone: take them out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Read Moodle's state by its web services, now, and say what no event had told.

    Goes on where an interrupted sweep stopped. Exit code 1 when some course could not be read.
    """
    with records() as opened:
        # What jobs log goes to standard error: the answer stands alone.
        configure_logging(opened.settings)
        asked = _asked(opened, site, community)
        with opened.transaction() as session:
            before = drift_by_course(session, asked)
        with progress("Reading Moodle") as advance:
            ids = _sweep(opened, asked, advance, gone=gone)
        with progress("Working it off"):
            _work_off(opened)
        with opened.transaction() as session:
            ended = finished(session, ids)
            found = drift_by_course(session, asked) - before
    drift = [
        {"course": course, "kind": str(kind), "count": times} for (_, course, kind), times in sorted(found.items())
    ]
    if as_json:
        say_json({"sweeps": [asdict(row) for row in ended], "drift": drift})
    else:
        _tell(ended, drift)
    if any(row.status != "done" for row in ended):
        raise typer.Exit(1)


def _asked(opened: Opened, slug: str | None, community: str | None) -> Asked:
    with opened.transaction() as session:
        if community:
            c = CommunityCourse
            ids = find_communities(session, community)
            rows = session.execute(select(c.site_id, c.course_id).where(among(c.community_id, ids)).distinct())
            asked: Asked = {}
            for site_id, course in rows:
                asked[site_id] = [*(asked.get(site_id) or []), course]
        else:
            sites = [find_site(session, slug).id] if slug else session.scalars(select(Site.id)).all()
            asked = dict.fromkeys(sites)
        able = set(session.scalars(select(Site.id).where(sweeps.has_token(Site.id))))
    if not asked.keys() & able:
        raise UserError(
            "No web-services token is known for it: make one in Moodle (`copbridge site add` says how), and give it"
            " with `copbridge site secret add SITE --purpose web_services --from-stdin`."
        )
    return {site_id: courses for site_id, courses in asked.items() if site_id in able}


def _sweep(opened: Opened, asked: Asked, advance: Callable[[int, int], None], *, gone: bool) -> list[UUID]:
    """Ask for the sweeps, and carry them on until none is open. Returns their ids."""
    lists = [site_id for site_id, courses in asked.items() if courses is None]
    ids = _ask(opened, {site_id: [None] for site_id in lists}, gone=gone)
    _until_done(opened, ids, advance)
    # What the list brought has to be known before it is known which courses are communities.
    _work_off(opened)
    with opened.transaction() as session:
        wanted: dict[UUID, Sequence[int | None]] = {
            site_id: sweeps.targets(session, site_id) if courses is None else courses
            for site_id, courses in asked.items()
        }
    of_courses = _ask(opened, wanted, gone=gone)
    _until_done(opened, of_courses, advance)
    return ids + of_courses


def _ask(opened: Opened, wanted: dict[UUID, Sequence[int | None]], *, gone: bool) -> list[UUID]:
    with opened.transaction() as session:
        return [
            sweep_id
            for site_id, courses in wanted.items()
            for sweep_id in sweeps.ask(session, site_id, courses, "asked", allow_absences=gone)
        ]


def _until_done(opened: Opened, ids: list[UUID], advance: Callable[[int, int], None]) -> None:
    pause = threading.Event()
    while True:
        with Session(opened.engine) as session:
            still_open, done, total = sweeps.open_among(session, ids)
        advance(done, total)
        if not still_open:
            return
        house = House(opened.engine, opened.settings, told=_Beside(advance, done, total))
        if carry_on(house, ids) is None:
            # A worker is at it, or Moodle asked to wait.
            pause.wait(LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class _Beside:
    """Tells how far one sweep is, beside what the others have done."""

    advance: Callable[[int, int], None]
    done: int
    total: int

    def __call__(self, done: int, total: int) -> None:
        self.advance(self.done + done, self.total + total)


def _work_off(opened: Opened) -> None:
    """What was read, down the way of all readings; workers may be at it, too."""
    process.drain(opened.engine, opened.settings.encryption_key)
    reconcile.reconcile_dirty(opened.engine, opened.now)


def _tell(ended: list[Finished], drift: list[dict[str, Any]]) -> None:
    rows = [(row.course or "", row.name, row.status, row.people or "", row.calls, row.error) for row in ended]
    table("", ("course", "name", "ended", "people", "calls", "error"), rows, right=("course", "people", "calls"))
    if drift:
        found = [(line["course"] or "", line["kind"], line["count"]) for line in drift]
        table("What no event had told:", ("course", "what", "times"), found, right=("course", "times"))
    failed = [row for row in ended if row.status != "done"]
    if not drift and not failed:
        say("Nothing was found that no event had told; of a course's first reading nothing is counted.")
    if failed:
        say(f"{counted(len(failed), 'sweep')} ended with an error: `copbridge doctor` says what to do.")
