"""A community whose program has caps, alternatives, rounding, requirements and guidelines; and what happens in it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from mappings.facts import State
from records import presences, sites
from records.actor import CLI
from records.decisions import Kind
from records.memberships import mark_dirty
from records.models import Account, Community, Decision, Membership, Organisation, SessionRow, uuid7
from records.presences import NewPresence
from records.program_loading import load_version
from tests.support import readings
from tests.support.readings import EDITING_TEACHER, STUDENT, account, completion, course, enrolment, module

PROGRAM = Path(__file__).parents[1] / "fixtures" / "programs" / "explained.yaml"
MATH, IET = 2, 3
COURSES = {MATH: "COP-MATH-BAY", IET: "COP-IET-BAY"}
MORNING, EVENING, QUIZ, GATHERING, ELSEWHERE = 21, 22, 23, 24, 31
"""Modules: two discussions, a quiz, the activity that stands for the first gathering; a quiz of the other course."""
ADA, BEN, LEA = 11, 12, 21
NAMES = {ADA: ("Ada", "Brook"), BEN: ("Ben", "Castle"), LEA: ("Lea", "Dorn")}
START = datetime(2025, 3, 3, 18, 0, tzinfo=UTC)
READ_AT = datetime(2025, 1, 2, tzinfo=UTC)
NOW = datetime(2025, 6, 1, tzinfo=UTC)
"""When memberships are reconciled, for who doesn't say otherwise."""


@dataclass(frozen=True)
class Scene:
    """The community, and what can happen in it. Days count from START."""

    engine: Engine
    site_id: UUID
    communities: dict[int, UUID]
    persons: dict[int, UUID]
    meetings: list[UUID]

    def done(self, user: int, what: int, day: int = 0, *, hour: int = 0, state: State = State.COMPLETE) -> None:
        at = START + timedelta(days=day, hours=hour)
        self.read(completion(user, what, IET if what == ELSEWHERE else MATH, state, at=at))

    def read(self, *found: readings.Reading) -> None:
        readings.take_in(self.engine, self.site_id, found, NOW)

    def attend(self, user: int, meeting: int, minutes: int) -> None:
        """Somebody's minutes at a meeting, or other ones than before."""
        with Session(self.engine) as session, session.begin():
            who = session.scalars(select(Account.id).where(Account.moodle_user_id == user)).one()
            there = NewPresence(self.meetings[meeting], who, Way.FILE, minutes)
            presences.add(session, [there], by=CLI, correlation_id=uuid7())
            presences.fold(session, presences.due(session))
        readings.settle(self.engine, NOW)

    def decide(self, user: int, kind: Kind, data: dict[str, Any], *, reason: str = "", of: int = MATH) -> UUID:
        """A decision about somebody's membership; its id."""
        made = uuid7()
        with Session(self.engine) as session, session.begin():
            values = {"id": made, "kind": str(kind), "membership_id": self.membership(user, of), "data": data}
            values |= {"actor": "cli", "actor_role": "staff", "reason": reason, "correlation_id": uuid7()}
            session.add(Decision(**values, decided_at=self.clock()))
            session.flush()
            mark_dirty(session, select(Membership.id).where(Membership.id == values["membership_id"]))
        readings.settle(self.engine, NOW)
        return made

    def membership(self, user: int, of: int = MATH) -> UUID:
        with Session(self.engine) as session:
            return session.scalars(
                select(Membership.id).where(
                    Membership.person_id == self.persons[user], Membership.community_id == self.communities[of]
                )
            ).one()

    def clock(self) -> datetime:
        """The database's clock, by which it is known since when a thing is known."""
        with self.engine.connect() as connection:
            found: datetime = connection.scalars(select(func.clock_timestamp())).one()
        return found


def make_scene(engine: Engine) -> Scene:
    """Two participants in a team and a facilitator; two gatherings, the second yet to come; nothing achieved."""
    with Session(engine) as session, session.begin():
        site_id = sites.add_site(session, "moodle", "Moodle", "https://moodle.example.org", actor=CLI).id
        load_version(session, PROGRAM.read_text(encoding="utf-8"), PROGRAM.name, actor=CLI, reason="Test")
        session.add(Organisation(id=uuid7(), code="OAK", name="Oak School", kind="school"))
    team = readings.group(5, "Oak School's team", "TEAM-OAK")
    readings.take_in(
        engine,
        site_id,
        [
            *(course(number, idnumber, at=READ_AT) for number, idnumber in COURSES.items()),
            module(MORNING, MATH, "", kind="forum", name="What we tried", at=READ_AT),
            module(EVENING, MATH, "", kind="forum", name="What came of it", at=READ_AT),
            module(QUIZ, MATH, "", kind="quiz", name="Check your knowledge", at=READ_AT),
            module(GATHERING, MATH, "F2F-1", name="The first gathering, online", at=READ_AT),
            module(ELSEWHERE, IET, "", kind="quiz", name="A quiz elsewhere", at=READ_AT),
            *(_account(user) for user in NAMES),
            enrolment(ADA, MATH, STUDENT, at=READ_AT, groups=[team]),
            enrolment(BEN, MATH, STUDENT, at=READ_AT, groups=[team]),
            enrolment(ADA, IET, STUDENT, at=READ_AT),
            enrolment(LEA, MATH, EDITING_TEACHER, at=READ_AT),
        ],
        NOW,
    )
    with Session(engine) as session, session.begin():
        names = {name: number for number, name in COURSES.items()}
        rows = session.execute(select(Community.topic, Community.region, Community.id))
        communities = {names[f"COP-{topic}-{region}"]: found for topic, region, found in rows}
        persons = dict(session.execute(select(Account.moodle_user_id, Account.person_id)).all())
        meetings = [_meeting(session, communities[MATH], place) for place in (0, 1)]
    return Scene(engine, site_id, communities, persons, meetings)


def _account(user: int) -> readings.Reading:
    first, last = NAMES[user]
    return account(user, f"E{user}", at=READ_AT) | {"firstname": first, "lastname": last}


def _meeting(session: Session, community: UUID, place: int) -> UUID:
    row = SessionRow(
        id=uuid7(),
        community_id=community,
        code=str(place + 1),
        title=("The first gathering", "The second gathering")[place],
        starts_at=START + timedelta(days=9 + 200 * place),
        timezone="America/Los_Angeles",
        mode="face_to_face",
        kind="gathering",
        planned_minutes=120,
    )
    session.add(row)
    session.flush()
    return row.id


def play(scene: Scene) -> None:
    """Ada does a little of everything."""
    scene.done(ADA, MORNING, 0)
    scene.done(ADA, EVENING, 0, hour=3)
    scene.done(ADA, QUIZ, 2)
    scene.done(ADA, GATHERING, 9)
    scene.attend(ADA, 0, 110)
    scene.decide(ADA, Kind.ADJUSTMENT, {"minutes": 20, "component": "own"}, reason="Helped a colleague")
