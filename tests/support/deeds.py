"""A house with milestones of every kind, cycles, kinds of sessions, reports, requirements and guidelines."""

from uuid import UUID

from redis import Redis
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from records.models import Account, Community, LedgerEntry, Membership, Organisation, StandingRow
from records.programs import add_version
from records.settings import Settings
from tests.support.house import LAB, House
from tests.support.readings import (
    EDITING_TEACHER,
    account,
    completion,
    course,
    enrolment,
    group,
    module,
)

DEEDS = """\
program: deeds
title: {en: Deeds}
effective_from: 2025-07-01
timezone: America/Los_Angeles
commitment: {min_hours: 2, max_hours: 4}
components: [online, face_to_face, own_work]
topics:
  - {code: MATH, title: {en: Math}}
regions:
  - {code: BAY, title: {en: Bay Area}}
  - {code: LA, title: {en: Los Angeles}}
communities:
  - course_idnumber: ^COP-(?P<topic>MATH)-(?P<region>[A-Z]+)$
teams: {group_idnumber: "^TEAM-(?P<organisation>[A-Z0-9]+)$"}
profile: {organisation: organisation}
participant_roles: [student]
facilitator_roles: [editingteacher]
attendance:
  components: {face_to_face: face_to_face, virtual: online}
session_kinds:
  - {kind: gathering, title: {en: Gathering}}
  - {kind: webinar, title: {en: Webinar}, voluntary: true}
  - {kind: clinic, title: {en: Clinic}, attendance: {earns: weighted, weights: {P: 100, L: 50, A: 0}}}
self_reported: [own_work]
activities:
  - {rule: quiz, kind: [quiz], minutes: 60, component: online}
cycles:
  - {cycle: pdsa, title: {en: PDSA}, phases: [plan, act], full: [plan, act]}
milestones:
  - {milestone: artifact, title: {en: Artifact}, of: participant, evidence: required, minutes: 30, component: own_work}
  - {milestone: plan, title: {en: Plan}, of: team, cycle: pdsa, phase: plan, minutes: 20, component: online}
  - milestone: act
    title: {en: Act}
    of: team
    cycle: pdsa
    phase: act
    from_activity: {idnumber: "ACT-(?P<cycle>.+)"}
  - {milestone: council-report, title: {en: Report}, of: organisation, after: gathering}
  - {milestone: launch, title: {en: Launch}, of: community}
  - {milestone: best-practices, title: {en: Best practices}, of: program}
requirements:
  - {requirement: artifact, title: {en: An artifact}, of: participant, milestones: {milestone: artifact}}
  - {requirement: cycle, title: {en: A cycle}, of: team, cycles: {cycle: pdsa, at_least: 1}}
  - {requirement: launched, title: {en: Launched}, of: community, milestones: {milestone: launch}}
  - requirement: reports
    title: {en: Reports}
    of: organisation
    milestones: {milestone: council-report, each_session: gathering}
  - {requirement: shared, title: {en: Shared}, of: program, milestones: {milestone: best-practices}}
notices:
  - {notice: team-size, title: {en: Size}, of: team, members: {min: 4, max: 7}}
  - {notice: from-schools, title: {en: Schools}, of: participant, organisation_kinds: [school]}
"""
BAY, LA, OTHER = 2, 3, 4
"""Courses: two communities of the program, and one of another program."""
QUIZ, QUIZ_LA = 31, 32
AMARA, HAO, LENA, TEACHER = 11, 12, 13, 5
"""Amara is in all three, Hao in BAY; Lena has an account and no enrolment."""


def make_house(settings: Settings, engine: Engine, redis: Redis) -> House:
    """Amara has passed a quiz of 60 minutes in BAY and in LA. Amara and Hao are the team TEAM-S1 of the school S1."""
    house = House(settings, engine, redis, program=DEEDS)
    with Session(engine) as session, session.begin():
        add_version(session, LAB, "lab.yaml")
        session.add(Organisation(code="S1", name="Elm School", kind="school"))
        session.add(Organisation(code="D1", name="Elm District", kind="district"))
    team = [group(21, "Team one", "TEAM-S1")]
    readings = [
        course(BAY, "COP-MATH-BAY"),
        course(LA, "COP-MATH-LA"),
        course(OTHER, "COP-EBWI-BAY"),
        module(QUIZ, BAY, "Q-1", kind="quiz"),
        module(QUIZ_LA, LA, "Q-1", kind="quiz"),
        account(AMARA, "E0001"),
        account(HAO, "E0002"),
        account(LENA, "E0003"),
        account(TEACHER, "F0001"),
        enrolment(AMARA, BAY, groups=team),
        enrolment(HAO, BAY, groups=team),
        enrolment(AMARA, LA),
        enrolment(AMARA, OTHER),
        enrolment(TEACHER, BAY, EDITING_TEACHER),
        completion(AMARA, QUIZ, BAY),
        completion(AMARA, QUIZ_LA, LA),
    ]
    results = house.post([], readings)
    assert {result for result, _ in results} == {"accepted"}, results
    house.work()
    return house


def community_id(house: House, region: str) -> UUID:
    with Session(house.engine) as session:
        wanted = select(Community.id).where(Community.region == region, Community.topic == "MATH")
        return session.scalars(wanted).one()


def membership_id(house: House, user: int, region: str = "BAY") -> UUID:
    """Of a Moodle user in a community of the program."""
    with Session(house.engine) as session:
        return session.scalars(
            select(Membership.id)
            .join(Account, Account.person_id == Membership.person_id)
            .join(Community, Community.id == Membership.community_id)
            .where(Account.moodle_user_id == user, Community.topic == "MATH", Community.region == region)
        ).one()


def net(house: House, user: int, region: str = "BAY") -> int:
    """The minutes in the ledger of a membership."""
    wanted = select(func.sum(LedgerEntry.minutes)).where(
        LedgerEntry.membership_id == membership_id(house, user, region)
    )
    with Session(house.engine) as session:
        return int(session.scalar(wanted) or 0)


def standing(house: House, user: int, region: str = "BAY") -> tuple[int, str, dict[str, str]]:
    """Minutes, status, and the status of each requirement."""
    with Session(house.engine) as session:
        row = session.get_one(StandingRow, membership_id(house, user, region))
        outcomes = {str(outcome["requirement"]): str(outcome["status"]) for outcome in row.outcomes}
        return row.minutes, row.status, outcomes
