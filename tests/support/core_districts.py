"""Schools of CORE districts in two communities: their teams, who is in them, and a gathering that was held."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import mappings
from records.models import Community, Organisation, ProgramRow, SessionRow, Team, uuid7
from records.settings import Settings
from tests.support.house import House
from tests.support.readings import EDITING_TEACHER, Reading, account, course, enrolment, group

PROGRAM = "core-districts"
BAY, SOUTH = 2, 3
LEADER = 5
PEOPLE: dict[int, tuple[str, dict[str, str]]] = {
    LEADER: ("Lea", {}),
    11: ("Amara", {"organisation": "OAK", "job_role": "implementing_teacher"}),
    12: ("Hao", {"organisation": "oak", "job_role": "observer"}),
    13: ("Nora", {"organisation": "ELMWOOD", "job_role": "Custodian"}),
    14: ("Ben", {}),
    15: ("Teo", {"organisation": "ASH", "job_role": "note_taker"}),
}
IN_TEAM = {11: "OAK", 12: "OAK", 13: "OAK", 15: "ASH"}


@dataclass(frozen=True)
class Schools:
    """Ids by code: Oak School is in the Bay Area, Ash School in Southern California, both of Elm District."""

    house: House
    program: UUID
    organisations: dict[str, UUID]
    communities: dict[int, UUID]
    teams: dict[str, UUID]
    gathering: UUID
    """Of the Bay Area's community, held a few minutes ago."""


def make_schools(settings: Settings, engine: Engine, redis: Redis) -> Schools:
    """Nothing is recorded of them yet."""
    text = (Path(mappings.__file__).parent / "programs" / f"{PROGRAM}.yaml").read_text(encoding="utf-8")
    house = House(settings, engine, redis, program=text)
    organisations = {code: uuid7() for code in ("ELM", "OAK", "ASH")}
    with Session(engine) as session, session.begin():
        elm = organisations["ELM"]
        session.add(Organisation(id=elm, code="ELM", name="Elm District", kind="district"))
        session.flush()
        named = {"kind": "school", "parent_id": elm, "designated_on": date(2025, 8, 1)}
        oak = {"name": "Oak School", "level": "ES", "designation": "focus"}
        ash = {"name": "Ash School", "level": "MS", "designation": "other_support"}
        session.add(Organisation(id=organisations["OAK"], code="OAK", **named, **oak))
        session.add(Organisation(id=organisations["ASH"], code="ASH", **named, **ash))
    results = house.post([], _readings())
    assert {result for result, _ in results} == {"accepted"}, results
    house.work()
    with Session(engine) as session, session.begin():
        places = dict(session.execute(select(Community.region, Community.id)).all())
        communities = {BAY: places["BAY"], SOUTH: places["SOUTH"]}
        teams = dict(session.execute(select(Team.code, Team.id)).all())
        program = session.scalars(select(ProgramRow.id)).one()
        gathering = _gathering(session, communities[BAY])
    return Schools(house, program, organisations, communities, teams, gathering)


def _readings() -> list[Reading]:
    groups = {"OAK": group(21, "Oak's team", "TEAM-OAK"), "ASH": group(31, "Ash's team", "TEAM-ASH")}
    found = [course(BAY, "CORE-POP-BAY-ES1"), course(SOUTH, "CORE-POP-SOUTH-MS1")]
    for user, (first, profile) in PEOPLE.items():
        found.append(account(user, f"E{user}") | {"firstname": first, "profile": profile})
        team = IN_TEAM.get(user)
        place = SOUTH if team == "ASH" else BAY
        of = [groups[team]] if team else []
        found.append(enrolment(user, place, EDITING_TEACHER) if user == LEADER else enrolment(user, place, groups=of))
    return found


def _gathering(session: Session, community: UUID) -> UUID:
    made = uuid7()
    session.add(
        SessionRow(
            id=made,
            community_id=community,
            code="G-1",
            title="The first gathering",
            starts_at=datetime.now(UTC) - timedelta(minutes=5),
            timezone="America/Los_Angeles",
            mode="face_to_face",
            kind="gathering",
            planned_minutes=1,
        )
    )
    return made
