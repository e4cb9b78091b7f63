"""A small installation for tests of pages: a site, CALPRO's program file, three communities with hours.

topic     region  people
EBWIESL   BAY     six participants at 0 to 18 hours, one who left, a facilitator; an EBRI course is refused
EBWIESL   LA      two participants
MATH      LA      nobody yet
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from jobs import process, reconcile
from mappings.attending import Way
from records import inbox, presences, sign_ins, users
from records.actor import CLI, SYSTEM, Grant
from records.models import Account, Community, Membership, SessionRow, Site, uuid7
from records.presences import NewPresence
from records.programs import add_version
from tests.support import readings
from tests.support.settings import ENCRYPTION_KEY

PROGRAM_FILE = Path(__file__).parents[2] / "mappings" / "programs" / "calpro-regional.yaml"
PROGRAM = "calpro-regional"
PASSWORD = "a long enough password"
START = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
SITE_NAME = "CALPRO Moodle"

BAY, LA, MATH_LA, EBRI = 2, 3, 4, 5
COURSES = {
    BAY: ("COP-EBWIESL-BAY", "Evidence-Based Writing (ESL), Bay Area, spring"),
    LA: ("COP-EBWIESL-LA", "Evidence-Based Writing (ESL), Los Angeles, spring"),
    MATH_LA: ("COP-MATH-LA", "Math Strategies, Los Angeles"),
    EBRI: ("COP-EBRI-BAY", "EBRI Institute, Bay Area"),
}
PEOPLE = {
    11: ("Amara", "Okafor", "E0011"),
    12: ("Luis", "Herrera-Castellanos", "E0012"),
    13: ("Mei", "Tanaka", "E0013"),
    14: ("Priya", "Raman", "E0014"),
    15: ("Jonah", "Whitfield", "E0015"),
    16: ("Sofia", "Delgado", "E0016"),
    17: ("Nora", "Lindqvist", "E0017"),
    21: ("Dana", "Marsh", "F0021"),
    31: ("Teo", "Alvarez", "E0031"),
    32: ("Ruth", "Abrams", "E0032"),
}
FACILITATOR, LEAVER = 21, 17
# Module: idnumber, kind, name, section, minutes by the program file (for the reader).
ACTIVITIES = (
    ("ACT-01", "forum", "Introduce yourself", "Before session 1"),  # 30
    ("ACT-02", "page", "What the evidence says", "Before session 1"),  # 45
    ("ACT-03", "lesson", "Planning a writing cycle", "Between sessions"),  # 75
    ("ACT-04", "quiz", "Check your understanding", "Between sessions"),  # 60
    ("ACT-08", "book", "Reading log", "Between sessions"),  # 60
    ("ACT-10", "assign", "Action plan", "After session 2"),  # 90
    ("", "forum", "Peer reflection on the first cycle", "After session 2"),  # 60
    ("ACT-12", "feedback", "Evaluation", "After session 2"),  # 30
    ("", "label", "Welcome", "General"),  # nothing
    ("", "chat", "Coffee corner", "General"),  # nothing
    ("ORIENT", "page", "Orientation to Moodle", "General"),  # 0, and required of newcomers
)
# Of each Bay Area participant: how many activities are finished, and minutes at the two sessions.
PROGRESS = {11: (8, 300, 330), 12: (5, 300, 330), 13: (3, 300, 0), 14: (1, 0, 0), 15: (0, 0, 0), 16: (8, 300, 350)}


@dataclass(frozen=True)
class Seeded:
    """Ids of what was made."""

    site: UUID
    communities: dict[int, UUID]
    """By course."""
    persons: dict[int, UUID]
    """By Moodle user id."""


def modules_of(course: int) -> range:
    """The ids of a course's modules."""
    return range(course * 100, course * 100 + len(ACTIVITIES))


def seed(engine: Engine) -> Seeded:
    """Make all of it, reconciled."""
    site_id = uuid7()
    with Session(engine) as session, session.begin():
        session.add(Site(id=site_id, slug="calpro", name=SITE_NAME, wwwroot="https://moodle.example.org"))
        add_version(session, PROGRAM_FILE.read_text(), PROGRAM_FILE.name)
    take_in(engine, site_id, [*_courses(), *_people(), *_finished()])
    with Session(engine) as session:
        persons = dict(session.execute(select(Account.moodle_user_id, Account.person_id)).all())
        found = session.execute(select(Community.topic, Community.region, Community.id)).all()
    by_place = {f"COP-{topic}-{region}": community for topic, region, community in found}
    seeded = Seeded(site_id, {n: by_place[i] for n, (i, _) in COURSES.items() if n != EBRI}, persons)
    _sessions(engine, seeded)
    return seeded


def take_in(engine: Engine, site: UUID, found: Iterable[readings.Reading]) -> None:
    """Store readings, process them, reconcile."""
    items = [
        inbox.NewItem(site, "wire", uuid7(), f"reading.{reading['kind']}", json.dumps(reading).encode())
        for reading in found
    ]
    with engine.begin() as connection:
        inbox.store(connection, items)
    process.drain(engine, ENCRYPTION_KEY)
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)


def _courses() -> list[readings.Reading]:
    made = []
    for number, (idnumber, fullname) in COURSES.items():
        made.append(readings.course(number, idnumber) | {"fullname": fullname})
        if number in (BAY, LA):
            made += [
                readings.module(module, number, idn, kind=kind, name=name, section=section)
                for module, (idn, kind, name, section) in zip(modules_of(number), ACTIVITIES, strict=True)
            ]
    return made


def _people() -> list[readings.Reading]:
    made = []
    for user, (first, last, idnumber) in PEOPLE.items():
        course = LA if user > 30 else BAY
        role = readings.EDITING_TEACHER if user == FACILITATOR else readings.STUDENT
        made += [
            readings.account(user, idnumber) | {"firstname": first, "lastname": last},
            readings.enrolment(user, course, role),
        ]
    gone = readings.enrolment(LEAVER, BAY, at=readings.READ_AT + timedelta(days=1))
    return [*made, gone | {"enrolments": [], "roles": []}]


def _finished() -> list[readings.Reading]:
    made = []
    for user, (count, _, _) in PROGRESS.items():
        for place, module in enumerate(list(modules_of(BAY))[:count]):
            made.append(readings.completion(user, module, BAY, at=START + timedelta(days=place, hours=user)))
    for user in (11, 12, 16):
        made.append(readings.completion(user, modules_of(BAY)[10], BAY, at=START - timedelta(days=1, hours=-user)))
    # Finished, and counted by no rule.
    made.append(readings.completion(13, modules_of(BAY)[9], BAY, at=START + timedelta(days=5)))
    made.append(readings.completion(31, modules_of(LA)[0], LA, at=START))
    return made


def _sessions(engine: Engine, seeded: Seeded) -> None:
    community = seeded.communities[BAY]
    with Session(engine) as session, session.begin():
        accounts = dict(session.execute(select(Account.moodle_user_id, Account.id)).all())
        there = []
        for number in (1, 2):
            meeting = SessionRow(
                id=uuid7(),
                community_id=community,
                code=f"S{number}",
                title=f"Face-to-face session {number}",
                starts_at=START + timedelta(days=14 * number),
                timezone="America/Los_Angeles",
                mode="face_to_face",
            )
            session.add(meeting)
            session.flush()
            for user, progress in PROGRESS.items():
                if progress[number]:
                    there.append(NewPresence(meeting.id, accounts[user], Way.FILE, progress[number]))
        presences.add(session, there, by=CLI, correlation_id=uuid7())
        presences.fold(session, presences.due(session))
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)


def finish(engine: Engine, seeded: Seeded, user: int, module: int, course: int = BAY) -> None:
    """A participant finishes an activity, and it arrives."""
    take_in(engine, seeded.site, [readings.completion(user, module, course, at=START + timedelta(days=40))])


def received(engine: Engine, seeded: Seeded, moment: datetime) -> None:
    """The site was heard of at a moment."""
    with Session(engine) as session, session.begin():
        session.execute(update(Site).where(Site.id == seeded.site).values(last_received_at=moment))


def membership(engine: Engine, seeded: Seeded, user: int, course: int = BAY) -> UUID:
    """The id of somebody's membership."""
    with Session(engine) as session:
        return session.scalars(
            select(Membership.id).where(
                Membership.person_id == seeded.persons[user], Membership.community_id == seeded.communities[course]
            )
        ).one()


def user_link(engine: Engine, email: str, grants: Sequence[Grant], name: str = "Robin Ellery") -> str:
    """Somebody new who may sign in; the path of the set-up link."""
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        user_id = users.create_user(session, SYSTEM, email, name, grants)
        token = users.make_setup_link(session, SYSTEM, user_id, now=now, hours=1)
    return f"/set-up/{token}"


def signed_in_cookie(engine: Engine, email: str, grants: Sequence[Grant]) -> str:
    """The cookie of somebody new who is signed in."""
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        user_id = users.create_user(session, SYSTEM, email, "Robin Ellery", grants)
        return sign_ins.begin(session, user_id, "password", now=now, hours=1)


def sign_in(client: FlaskClient, engine: Engine, grants: Sequence[Grant], email: str = "robin@example.org") -> None:
    """Sign a test client in as somebody new with these grants."""
    client.set_cookie("copbridge", signed_in_cookie(engine, email, grants))
