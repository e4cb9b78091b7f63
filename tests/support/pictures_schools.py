"""Schools of a second program, for the picture of what is reached together: it is drawn last, so that no other picture
shows them."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import mappings
from records import milestones
from records.actor import CLI
from records.milestone_file import MilestoneLine
from records.models import Community, Organisation, SessionRow, Site, uuid7
from records.programs import add_version
from tests.support import readings
from tests.support.core_districts import PROGRAM
from tests.support.readings import Reading

NAMES = ("Bayview Elementary School", "Cedar Middle School", "Harbor High School", "Laurel Elementary School")
SCHOOLS = {name.split()[0].upper(): name for name in NAMES}
LEVELS = {"Elementary": "ES", "Middle": "MS", "High": "HS"}
COURSE, USER, GROUP = 900, 9000, 950
COMMUNITY = "CORE-POP-BAY-ES1"
EVIDENCE = (("link", "https://files.example.org/plan.pdf"),)
REACHED = {
    "BAYVIEW": ("self-review", "needs-assessment", "two-year-plan", "site-council", "council-report", "plan", "do"),
    "CEDAR": ("self-review", "site-council", "council-report", "plan"),
    "HARBOR": ("self-review", "needs-assessment", "site-council", "improvement-plan"),
    "LAUREL": ("council-report",),
}
CYCLES = {"plan": "2026-1", "do": "2026-1", "improvement-plan": "2026-27"}


def fill(engine: Engine, now: datetime) -> None:
    """A community of four schools in one district, each with a team, and what they recorded until now."""
    text = (Path(mappings.__file__).parent / "programs" / f"{PROGRAM}.yaml").read_text(encoding="utf-8")
    with Session(engine) as session, session.begin():
        site = session.scalars(select(Site.id)).one()
        add_version(session, text, f"{PROGRAM}.yaml")
        elm = Organisation(id=uuid7(), code="ELM", name="Elm District", kind="district")
        session.add(elm)
        session.flush()
        for place, (code, name) in enumerate(SCHOOLS.items()):
            level, kind = LEVELS[name.split()[1]], "focus" if place < 2 else "priority"
            about = {"kind": "school", "parent_id": elm.id, "level": level, "designation": kind}
            session.add(Organisation(id=uuid7(), code=code, name=name, designated_on=date(2026, 8, 1), **about))
    readings.take_in(engine, site, _readings(now), now)
    with Session(engine) as session, session.begin():
        community = session.scalars(
            select(Community.id).where(Community.region == "BAY", Community.topic == "POP")
        ).one()
        session.add(_gathering(community, now))
    with Session(engine) as session, session.begin():
        plan = milestones.plan_milestones(session, _recorded(now.date() - timedelta(days=9)), (), now)
        assert not plan.problems, plan.problems
        milestones.apply_plan(session, plan, actor=CLI)


def _readings(now: datetime) -> list[Reading]:
    at = now - timedelta(days=60)
    found = [readings.course(COURSE, COMMUNITY, at=at)]
    for place, (code, name) in enumerate(SCHOOLS.items()):
        team = readings.group(GROUP + place, f"Team of {name.split()[0]}", f"TEAM-{code}")
        for member in range(3):
            user = USER + 10 * place + member
            found.append(readings.account(user, f"T{user}", at=at) | {"profile": {"organisation": code}})
            found.append(readings.enrolment(user, COURSE, at=at, groups=[team]))
    return found


def _gathering(community: object, now: datetime) -> SessionRow:
    begins = datetime.combine(now.date() - timedelta(days=14), time(17), UTC)
    about = {"code": "G-1", "title": "The first gathering", "kind": "gathering", "mode": "face_to_face"}
    return SessionRow(
        **{"id": uuid7(), "community_id": community, "starts_at": begins, "planned_minutes": 180},
        **{"timezone": "America/Los_Angeles"} | about,
    )


def _recorded(day: date) -> list[MilestoneLine]:
    listed = [(code, milestone) for code, reached in REACHED.items() for milestone in reached]
    return [
        MilestoneLine(
            line=line,
            program=PROGRAM,
            milestone=milestone,
            subject=code,
            day=day,
            cycle=CYCLES.get(milestone, ""),
            session="G-1" if milestone == "council-report" else "",
            community=COMMUNITY if milestone == "council-report" else "",
            site="moodle" if milestone == "council-report" else "",
            evidence=EVIDENCE if milestone in ("two-year-plan", "improvement-plan") else None,
        )
        for line, (code, milestone) in enumerate(listed, start=1)
    ]
