"""Two people with hours of every kind in two communities, for tests of merging them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import approving, closings, deciding, merging, milestones, presences
from records.actor import CLI
from records.deciding import By
from records.milestones import NewMilestone
from records.mirror import everywhere_alone
from records.models import Account, Community, LedgerEntry, Membership, SessionRow, StandingRow, uuid7
from records.presences import NewPresence
from tests.support.deeds import BAY, DEEDS, LA, community_id, membership_id
from tests.support.house import House
from tests.support.readings import Reading, account, completion, course, enrolment, group, module

PROGRAM = f"{DEEDS}caps: [{{cap: online, component: online, per: all, minutes: 100}}]\n"
ONE, OTHER, THIRD = 11, 12, 13
BOTH = ((ONE, BAY), (ONE, LA), (OTHER, BAY))
"""Who is enrolled where: BAY has both, LA the one who is merged into the other."""
QUIZZES = {BAY: (31, 33), LA: (32, 34)}
REGIONS = {BAY: "BAY", LA: "LA"}
MEETINGS = ("S1", "S2")
START = datetime(2026, 1, 10, 18, tzinfo=UTC)
JANUARY = (date(2026, 1, 1), date(2026, 1, 31))
Nets = dict[UUID, dict[str, int]]


def by(house: House) -> By:
    return By(CLI, "it", "They are one person.", house.now)


def furnish(house: House, enrolled: Iterable[tuple[int, int]]) -> None:
    """Courses, quizzes, accounts and who is enrolled where; in BAY all are of one team."""
    team = [group(21, "Team one", "TEAM-S1")]
    made: list[Reading] = [course(BAY, "COP-MATH-BAY"), course(LA, "COP-MATH-LA")]
    for place, quizzes in QUIZZES.items():
        made += [module(quiz, place, f"Q-{quiz}", kind="quiz", name=f"Quiz {quiz}") for quiz in quizzes]
    made += [account(user, f"E00{user}") for user in (ONE, OTHER, THIRD)]
    made += [enrolment(user, place, groups=team if place == BAY else ()) for user, place in enrolled]
    house.post([], made)
    house.work()


def person(house: House, user: int) -> UUID:
    with Session(house.engine) as session:
        return session.scalars(select(Account.person_id).where(Account.moodle_user_id == user)).one()


def finish(house: House, user: int, place: int, which: int = 0, *, day: int = 0) -> None:
    """Pass a quiz of 60 minutes, so many days after START."""
    house.post([], [completion(user, QUIZZES[place][which], place, at=START + timedelta(days=day))])


def attend(house: House, user: int, place: int, code: str = "S1", minutes: int = 90) -> None:
    """Be at a session, which is planned if it isn't yet."""
    community = community_id(house, REGIONS[place])
    with Session(house.engine) as session, session.begin():
        everywhere_alone(session)
        wanted = (SessionRow.community_id == community, SessionRow.code == code)
        meeting = session.scalars(select(SessionRow.id).where(*wanted)).one_or_none()
        if meeting is None:
            meeting = uuid7()
            starts_at = START + timedelta(days=int(code[1:]))
            zone = "America/Los_Angeles"
            session.add(
                SessionRow(
                    id=meeting,
                    community_id=community,
                    code=code,
                    title=f"Session {code}",
                    starts_at=starts_at,
                    timezone=zone,
                    mode="face_to_face",
                )
            )
            session.flush()
        who = session.scalars(select(Account.id).where(Account.moodle_user_id == user)).one()
        presences.add(session, [NewPresence(meeting, who, Way.FILE, minutes)], by=CLI, correlation_id=uuid7())
        presences.fold(session, [(meeting, who)])


def decide(house: House, draft_of: Callable[[Session], deciding.Draft]) -> UUID:
    with Session(house.engine) as session, session.begin():
        return deciding.write(session, draft_of(session), by(house))


def adjust(house: House, user: int, place: int, minutes: int = 40) -> UUID:
    whose = membership_id(house, user, REGIONS[place])
    return decide(house, lambda s: deciding.adjust(s, whose, minutes=minutes, component="face_to_face", now=house.now))


def report(house: House, user: int, place: int) -> None:
    """Reported, and approved."""
    whose = membership_id(house, user, REGIONS[place])
    what: dict[str, Any] = {"minutes": 25, "component": "own_work", "day": START.date(), "evidence": ()}
    made = decide(house, lambda s: deciding.report(s, whose, now=house.now, **what))
    decide(house, lambda s: approving.approve(s, made, actor=CLI))


def waive(house: House, user: int, place: int) -> None:
    whose = membership_id(house, user, REGIONS[place])
    decide(house, lambda s: deciding.waive(s, ("participant", whose), None, "artifact", now=house.now))


def transfer(house: House, user: int) -> UUID:
    """From BAY to LA."""
    ids = membership_id(house, user, "BAY"), membership_id(house, user, "LA")
    return decide(house, lambda s: deciding.transfer(s, *ids))


def present(house: House, user: int, place: int) -> None:
    """An artifact of 30 minutes, with evidence."""
    whose = membership_id(house, user, REGIONS[place])
    with Session(house.engine) as session, session.begin():
        everywhere_alone(session)
        program = session.scalars(select(Community.program_id).where(Community.id == community_id(house, "BAY"))).one()
        proof = (("note", "Shown."),)
        made = NewMilestone(program, "artifact", ("participant", whose), START, evidence=proof)
        milestones.record_milestones(session, [made], actor=CLI, correlation_id=uuid7())


def close(house: House) -> None:
    """January, as it stands."""
    house.work()
    with Session(house.engine) as session, session.begin():
        snapshot = closings.begin(session, "deeds", *JANUARY, "January", house.now)
        for _ in closings.fill(session, snapshot, house.now):
            pass
        closings.close(session, snapshot, actor=CLI, role="it", reason="Reported.", now=house.now)
    house.work()


def merge(house: House, user: int, into: int) -> UUID:
    ids = person(house, user), person(house, into)
    with Session(house.engine) as session, session.begin():
        return merging.merge(session, *ids, by(house))


def undo(house: House, decision: UUID) -> UUID:
    return decide(house, lambda s: deciding.undo(s, decision))


def nets(house: House) -> Nets:
    """The ledger's net of each membership, by key."""
    e = LedgerEntry
    sums = select(e.membership_id, e.credit_key, func.sum(e.minutes)).group_by(e.membership_id, e.credit_key)
    found: Nets = {}
    with Session(house.engine) as session:
        for membership, key, minutes in session.execute(sums):
            if minutes:
                found.setdefault(membership, {})[key] = int(minutes)
    return found


@dataclass(frozen=True)
class Books:
    """What has to be again as it was."""

    nets: Nets
    standings: dict[UUID, dict[str, Any]]
    members: dict[UUID, tuple[UUID, UUID, str, str, UUID | None, UUID | None]]
    """Community, person, role, status, organisation, what it was merged into."""
    accounts: dict[UUID, UUID]


def books(house: House) -> Books:
    """Settled, and in line with the inputs."""
    house.work()
    assert house.differences() == []
    left_out = {"computed_at", "membership_id"}
    names = [column.name for column in StandingRow.__table__.columns if column.name not in left_out]
    with Session(house.engine) as session:
        standings = {
            row.membership_id: {name: getattr(row, name) for name in names}
            for row in session.scalars(select(StandingRow))
        }
        members = {
            m.id: (m.community_id, m.person_id, m.role, m.status, m.organisation_id, m.merged_into)
            for m in session.scalars(select(Membership))
        }
        accounts = {a.id: a.person_id for a in session.scalars(select(Account))}
    return Books(nets(house), standings, members, accounts)
