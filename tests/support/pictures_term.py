"""What the pictures show: a term of an invented program office in two dozen communities, half way through.

The same people, hours and days each time, and the same ids, since codes are made of them.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, product
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Engine, func, literal, select, update
from sqlalchemy.orm import Session

from jobs import process, reconcile
from mappings.attending import Way
from records import check_in, inbox, passwords, presences, secrets, sign_ins, users
from records.actor import CLI, SYSTEM, Grant, Role, Scope
from records.check_in import Visitor
from records.models import Account, Base, Community, Membership, SessionRow, Site, Sweep, User, uuid7
from records.presences import NewPresence
from records.programs import add_version
from records.secrets import Purpose
from tests.support import readings, seed, swept
from tests.support.settings import ENCRYPTION_KEY
from tests.unit.service.test_assertions import EPOCH, SECRET

REGIONS = {"BAY": "Bay Area", "CV": "Central Valley", "LA": "Los Angeles", "NORTH": "North State", "SD": "San Diego"}
TOPICS = ("EBWIESL", "ETAE", "IET", "MATH", "MPAL", "PST")
FIRST = (
    *("Amara", "Luis", "Mei", "Priya", "Jonah", "Sofia", "Nora", "Teo", "Ruth", "Hana", "Omar", "Ines", "Kofi"),
    *("Lena", "Diego", "Aiko", "Farah", "Samuel", "Marisol", "Theo", "Yusuf", "Grace", "Anders", "Paloma"),
)
LAST = (
    *("Okafor", "Herrera", "Tanaka", "Raman", "Whitfield", "Delgado", "Lindqvist", "Alvarez", "Abrams", "Nguyen"),
    *("Castillo", "Haddad", "Mensah", "Keller", "Ortiz", "Sato", "Rahimi", "Brooks", "Vega", "Larsen", "Diaz"),
)
COLLEAGUES = (
    ("Dolores Vance", "program_admin", None),
    ("Marcus Bell", "staff", "BAY"),
    ("Ana Petrov", "staff", "LA"),
    ("Dana Marsh", "facilitator", "BAY"),
    ("Imani Cole", "auditor", None),
)
"""(Name, role, region) of who signs in; None: everywhere."""
MINE = "robin.ellery@example.org"
"""Of whom the pages are drawn for."""
PEOPLE = 12
FINISHED = (0, 2, 4, 5, 6, 7, 8, 8)
"""How many activities people have finished, each as often as it stands here."""
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
BEGINS, NOW = datetime(2026, 9, 1, 16, 0, tzinfo=UTC), datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
ENDS = datetime(2026, 12, 18, 16, 0, tzinfo=UTC)
SEED = 7
ZONE = "America/Los_Angeles"
MET_TODAY = ("MATH", "SD")
"""Topic and region of the community whose attendance is shown."""
TWICE = 2000
"""The Moodle user of somebody's second account, in that community."""


@dataclass(frozen=True)
class Today:
    """The community that meets today."""

    community: UUID
    session: UUID
    accounts: Sequence[UUID]
    """Of its participants, in the order of their Moodle ids; the last is the second one of the first's person."""


def ids() -> Callable[[], UUID]:
    """Makes the ids of a run: of version 7, in order, and the next time the same."""
    numbers = count(1)
    begun = int(NOW.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62
    return lambda: UUID(int=begun | next(numbers))


def _courses() -> list[tuple[int, str, str]]:
    """(Course, topic, region); not every topic is held in every region."""
    held = [place for at, place in enumerate(product(TOPICS, REGIONS)) if at % 7 != 3]
    return [(100 + at, topic, region) for at, (topic, region) in enumerate(held)]


def _term(draw: random.Random) -> Iterator[readings.Reading]:
    user = 1000
    for course, topic, region in _courses():
        dates = {"startdate": int(BEGINS.timestamp()), "enddate": int(ENDS.timestamp())}
        yield readings.course(course, f"COP-{topic}-{region}", at=BEGINS, **dates)
        modules = [course * 100 + at for at in range(len(seed.ACTIVITIES))]
        for module, (idnumber, kind, name, section) in zip(modules, seed.ACTIVITIES, strict=True):
            yield readings.module(module, course, idnumber, kind=kind, name=name, section=section, at=BEGINS)
        for place in range(PEOPLE + 1):
            user += 1
            names = {"firstname": draw.choice(FIRST), "lastname": draw.choice(LAST)}
            role = readings.EDITING_TEACHER if place == PEOPLE else readings.STUDENT
            yield readings.account(user, f"E{user}", at=BEGINS) | names
            yield readings.enrolment(user, course, role, at=BEGINS)
            if role == readings.STUDENT:
                orientation = [modules[-1]] if draw.random() < 0.9 else []
                for at, module in enumerate(orientation + modules[: draw.choice(FINISHED)]):
                    done = BEGINS + DAY * (7 * at + draw.randrange(7)) + timedelta(hours=draw.randrange(8))
                    yield readings.completion(user, module, course, at=min(done, NOW - DAY))
            if (topic, region, place) == (*MET_TODAY, 0):
                yield readings.account(TWICE, "", at=BEGINS) | names | {"email": f"U{user}@Example.org"}
                yield readings.enrolment(TWICE, course, at=BEGINS)
                for module in modules[:4]:
                    yield readings.completion(TWICE, module, course, at=BEGINS + 20 * DAY)


def fill(engine: Engine) -> Today:
    """The site, the program with its regions, communities with people, hours and sessions; what happens today."""
    draw = random.Random(SEED)
    site = uuid7()
    listed = "".join(f"  - {{code: {code}, title: {{en: {title}}}}}\n" for code, title in REGIONS.items())
    before, _, rest = seed.PROGRAM_FILE.read_text().partition("regions:\n")
    program = f"{before}regions:\n{listed}{rest[rest.index(chr(10) * 2) :]}"
    with Session(engine) as session, session.begin():
        session.add(Site(id=site, slug="moodle", name="Our Moodle", wwwroot="https://moodle.example.org"))
        add_version(session, program, seed.PROGRAM_FILE.name)
    items = [
        inbox.NewItem(site, "wire", uuid7(), f"reading.{reading['kind']}", json.dumps(reading).encode())
        for reading in _term(draw)
    ]
    with engine.begin() as connection:
        inbox.store(connection, items)
    process.drain(engine, ENCRYPTION_KEY)
    # Who is a participant is known from here on.
    reconcile.reconcile_dirty(engine, lambda: NOW)
    with Session(engine) as session, session.begin():
        _sessions(session, draw)
        today = _today(session)
        _disagreeing(session, today)
        presences.fold(session, presences.due(session, 10_000))
        _connected(session, site)
        _colleagues(session)
    reconcile.reconcile_dirty(engine, lambda: NOW)
    return today


def _participants(session: Session, community: UUID) -> Sequence[UUID]:
    """Their accounts, in the order of their Moodle ids."""
    return session.scalars(
        select(Account.id)
        .join(Membership, Membership.person_id == Account.person_id)
        .where(Membership.community_id == community, Membership.role == "participant")
        .order_by(Account.moodle_user_id)
    ).all()


def _meeting(session: Session, community: UUID, code: str, starts_at: datetime, **columns: Any) -> SessionRow:
    values = {"mode": "face_to_face", "timezone": ZONE, "planned_minutes": 240}
    row = SessionRow(id=uuid7(), community_id=community, code=code, starts_at=starts_at, **values | columns)
    session.add(row)
    session.flush()
    return row


def _sessions(session: Session, draw: random.Random) -> None:
    there = []
    places = select(Community.id).order_by(Community.topic, Community.region)
    for community in session.scalars(places).all():
        accounts = _participants(session, community)
        for number in (1, 2, 3, 4):
            mode = "face_to_face" if number != 3 else "virtual"
            begins = BEGINS + DAY * 25 * number
            meeting = _meeting(session, community, f"S{number}", begins, title=f"Session {number}", mode=mode)
            if begins < NOW:
                came = [account for account in accounts if draw.random() < 0.82]
                there += [
                    NewPresence(meeting.id, account, Way.ROSTER, draw.choice((180, 240, 240))) for account in came
                ]
    presences.add(session, there, by=CLI, correlation_id=uuid7())


def _today(session: Session) -> Today:
    """A session that began half an hour ago, and whose check-in is open."""
    topic, region = MET_TODAY
    community = session.scalars(select(Community.id).where(Community.topic == topic, Community.region == region)).one()
    accounts = _participants(session, community)
    meeting = _meeting(
        session,
        community,
        "W1",
        NOW - 30 * MINUTE,
        ends_at=NOW + 210 * MINUTE,
        title="Friday workshop",
        place="Harbor Adult School, room 12",
    )
    check_in.begin(session, meeting.id, NOW - 35 * MINUTE, CLI)
    for minutes, account in zip((28, 27, 25, 21, 12), accounts[1:], strict=False):
        check_in.arrive(session, meeting.id, Visitor(account), NOW - minutes * MINUTE, grant=uuid7())
    return Today(community, meeting.id, accounts)


def _disagreeing(session: Session, today: Today) -> None:
    """A report of the latest call says less than the roster of two, and names two whom nobody knows."""
    s = SessionRow
    call = session.scalars(select(s.id).where(s.community_id == today.community, s.code == "S3")).one()
    known = session.get_one(Account, today.accounts[6])
    two = today.accounts[2:4]
    said = [NewPresence(call, account, Way.ROSTER, 240) for account in two]
    said += [NewPresence(call, account, Way.ZOOM, minutes) for account, minutes in zip(two, (60, 95), strict=True)]
    turned = {"name": f"{known.lastname.upper()}, {known.firstname}", "email": "private.address@example.net"}
    said += [
        NewPresence(call, None, Way.ZOOM, minutes, who=who)
        for minutes, who in ((95, turned), (170, {"name": "iPhone (2)"}))
    ]
    presences.add(session, said, by=CLI, correlation_id=uuid7())


def _connected(session: Session, site: UUID) -> None:
    """The site has its token and its plugin, and all of it was read within the hour."""
    secrets.keep_secret(session, site, Purpose.WEB_SERVICES, swept.TOKEN, ENCRYPTION_KEY)
    secrets.keep_secret(session, site, Purpose.WIRE, SECRET, ENCRYPTION_KEY)
    session.execute(update(Site).values(epoch=EPOCH, last_received_at=NOW - 2 * MINUTE))
    begun = NOW - 20 * MINUTE
    moments = {"asked_at": begun, "due_at": begun, "started_at": begun, "finished_at": begun + MINUTE}
    session.add_all(
        Sweep(site_id=site, course_id=course, reason="scheduled", status="done", **moments)
        for course, _topic, _region in _courses()
    )


def _colleagues(session: Session) -> None:
    """Those who sign in; the last of them was only invited."""
    users.create_user(session, SYSTEM, MINE, "Robin Ellery", [Grant(Role.IT), Grant(Role.PROGRAM_ADMIN)])
    for days, (name, role, region) in enumerate(COLLEAGUES):
        scope = (Scope.REGION, f"{seed.PROGRAM}/{region}") if region else ()
        email = f"{name.lower().replace(' ', '.')}@example.org"
        user_id = users.create_user(session, SYSTEM, email, name, [Grant(Role(role), *scope)])
        if name != COLLEAGUES[-1][0]:
            session.get_one(User, user_id).password_hash = passwords.hashed(seed.PASSWORD)
            sign_ins.begin(session, user_id, "password", now=NOW - 2 * days * DAY - 95 * MINUTE, hours=1)


def at_the_time(owner: Engine, begun: datetime) -> None:
    """Move what the database dated by its own clock, since the run began, to shortly before NOW, in its order.

    `owner` may change what the application may only add to.
    """
    with owner.begin() as connection:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, DateTime):
                    moved = literal(NOW - MINUTE) + (column - begun) / 1000
                    connection.execute(
                        update(table).where(column.between(begun, func.clock_timestamp())).values({column: moved})
                    )
