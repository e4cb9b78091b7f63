"""What the records answer in a scenario, in its own words, to be laid beside what is expected."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mappings.together import Together
from records import together
from records.actor import CLI
from records.answers import answer, inputs_of
from records.models import (
    Account,
    Community,
    CommunityCourse,
    LedgerEntry,
    Membership,
    MirrorCourse,
    Organisation,
    ProgramRow,
    SessionRow,
    StandingRow,
    Team,
)
from records.queries.board import board
from tests.support.scenario import Expected, Member, Subject
from tests.support.scenario_house import ScenarioHouse

Said = dict[str, Any]
UNREMARKABLE = "kept"


def wanted(expected: Expected) -> Said:
    """What is expected, as `answered` would say it."""
    members = {
        f"{person} in {course}": _of_member(member)
        for course, people in expected.members.items()
        for person, member in people.items()
    }
    subjects = {name: _of_subject(subject) for name, subject in expected.subjects.items()}
    refused: Said = {course: {} for course in expected.refused or ()}
    return {"members": members, "subjects": subjects, "refused": refused}


def _of_member(member: Member) -> Said:
    said: Said = {"minutes": member.minutes}
    if member.status is not None:
        said |= {
            "over all": member.minutes if member.over_all is None else member.over_all,
            "components": member.components,
            "status": member.status,
            "missing": sorted(member.missing),
            "outcomes": member.outcomes,
            "notices": member.notices,
        }
    return said


def _of_subject(subject: Subject) -> Said:
    said: Said = {"outcomes": subject.outcomes, "notices": subject.notices}
    if subject.missing:
        said["missing"] = {name: sorted(codes) for name, codes in subject.missing.items()}
    for name in ("host", "timezone", "begins", "average"):
        value = getattr(subject, name)
        if value not in (None, {}):
            said[name] = value
    return said


def answered(house: ScenarioHouse, users: dict[str, int], expected: Expected) -> Said:
    """What the records say of everything that something is expected of. Members: everybody of these communities."""
    with Session(house.engine) as session:
        names = _names(session, users)
        found = _found(session, house)
        members = {
            name: _member(row, found.get(("participant", row.membership_id)))
            for name, row in _standings(session, names)
            if name.partition(" in ")[2] in expected.members
        }
        for name, said in members.items():
            person, _, course = name.partition(" in ")
            member = expected.members[course].get(person)
            if member and member.status is None:
                members[name] = {"minutes": said["minutes"]}
        by_name = {_name(session, subject, names): (subject[1], stood) for subject, stood in found.items()}
        subjects = {
            name: _subject(session, *by_name[name], _of_subject(subject))
            for name, subject in expected.subjects.items()
            if name in by_name
        }
        refused = [course.idnumber for course in board(session, CLI).refused if expected.refused is not None]
    return {"members": members, "subjects": subjects, "refused": {course: {} for course in refused}}


def _names(session: Session, users: dict[str, int]) -> dict[UUID, str]:
    """Communities by their first course, and memberships by person and that course."""
    by_id = {number: name for name, number in users.items()}
    courses = session.execute(
        select(CommunityCourse.community_id, MirrorCourse.idnumber)
        .join(
            MirrorCourse,
            (MirrorCourse.site_id == CommunityCourse.site_id) & (MirrorCourse.course_id == CommunityCourse.course_id),
        )
        .order_by(MirrorCourse.course_id.desc())
    )
    names = {community: str(idnumber) for community, idnumber in courses}
    members = session.execute(
        select(Membership.id, Membership.community_id, Account.moodle_user_id).join(
            Account, Account.person_id == Membership.person_id
        )
    )
    return names | {member: f"{by_id[user]} in {names[community]}" for member, community, user in members}


def _standings(session: Session, names: dict[UUID, str]) -> Iterator[tuple[str, StandingRow]]:
    for row in session.scalars(select(StandingRow)):
        yield names[row.membership_id], row


def _found(session: Session, house: ScenarioHouse) -> dict[tuple[str, UUID], Together]:
    """How every participant, team, organisation, community and program stands."""
    stood: list[together.Found] = []
    for program in session.scalars(select(ProgramRow.id)):
        communities = session.scalars(select(Community.id).where(Community.program_id == program)).all()
        stood += together.of_communities(session, communities, house.now)
        stood += together.of_program(session, program, house.now)
    return {found.subject: found.together for found in stood}


def _name(session: Session, subject: tuple[str, UUID], names: dict[UUID, str]) -> str:
    kind, number = subject
    if kind == "program":
        return kind
    if kind == "organisation":
        return f"{kind} {session.get_one(Organisation, number).code}"
    if kind == "team":
        team = session.get_one(Team, number)
        return f"{kind} {team.code} in {names[team.community_id]}"
    return f"{kind} {names[number]}"


def _deviations(stood: Together | None) -> dict[str, str]:
    noticed = stood.notices if stood else ()
    return {notice.notice: str(notice.status) for notice in noticed if notice.status != UNREMARKABLE}


def _member(row: StandingRow, stood: Together | None) -> Said:
    return {
        "minutes": row.minutes,
        "over all": row.all_minutes,
        "components": row.by_component,
        "status": row.status,
        "missing": sorted(str(lack["code"]) for lack in row.missing),
        "outcomes": {str(o["requirement"]): o["status"] for o in row.outcomes},
        "notices": _deviations(stood),
    }


def _subject(session: Session, number: UUID, stood: Together, asked: Said) -> Said:
    """What is asked about a subject."""
    said: Said = {
        "outcomes": {outcome.requirement: str(outcome.status) for outcome in stood.outcomes},
        "notices": _deviations(stood),
    }
    if "missing" in asked:
        said["missing"] = {
            outcome.requirement: sorted(str(lack.code) for lack in outcome.missing)
            for outcome in stood.outcomes
            if outcome.requirement in asked["missing"]
        }
    community = session.get(Community, number)
    if community is not None:
        host = session.get(Organisation, community.host_id) if community.host_id else None
        sessions = select(SessionRow.code, SessionRow.starts_at).where(SessionRow.community_id == number)
        begins = {code: at.astimezone(UTC).isoformat() for code, at in session.execute(sessions)}
        facts: Said = {"host": host.code if host else None, "timezone": community.timezone, "begins": begins}
        facts["average"] = next(line.average for line in board(session, CLI).communities if line.id == number)
        said |= {name: value for name, value in facts.items() if name in asked}
    return said


def unlike(there: Said, expected: Said) -> list[str]:
    """Where what is there isn't what is expected, a line each."""
    found = []
    for part in expected:
        for name in sorted(there[part].keys() | expected[part].keys()):
            here, there_to_be = there[part].get(name), expected[part].get(name)
            if here is None or there_to_be is None:
                found.append(f"{name}: {'nobody expects that' if there_to_be is None else 'missing'}")
                continue
            found += [
                f"{name}: {what} {here.get(what)}, expected {there_to_be.get(what)}"
                for what in here.keys() | there_to_be.keys()
                if here.get(what) != there_to_be.get(what)
            ]
    return found


def unexplained(house: ScenarioHouse) -> list[str]:
    """Where a membership's minutes are not the sum of the lines that explain them, or of its ledger entries."""
    with Session(house.engine) as session:
        ids = list(session.scalars(select(Membership.id).order_by(Membership.id)))
        totals = select(LedgerEntry.membership_id, func.sum(LedgerEntry.minutes)).group_by(LedgerEntry.membership_id)
        net = {member: int(minutes) for member, minutes in session.execute(totals)}
        said = {row.membership_id: row.all_minutes for row in session.scalars(select(StandingRow))}
        found = []
        for inputs in inputs_of(session, ids):
            member = inputs.membership.id
            result = answer(inputs, house.now)
            own = sum(line.credit.minutes for line in result.lines if line.credit)
            brought = sum(credit.minutes for credit in inputs.brought)
            if not (own == net.get(member, 0) and own + brought == said.get(member)):
                found.append(f"{member}: lines {own}, ledger {net.get(member, 0)}, all {said.get(member)}")
            found += [f"{member}: a line says nothing" for line in result.lines if not (line.credit or line.nothing)]
        return found
