"""What became of courses and groups: communities, their people and teams, in Moodle's ids."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records import inbox
from records.memberships import belonging
from records.models import (
    Account,
    Community,
    CommunityCourse,
    InboxItem,
    LedgerEntry,
    Membership,
    Organisation,
    ProgramRow,
    Site,
    Team,
    uuid7,
)
from records.teams import members_of
from tests.support.house import House
from tests.support.readings import READ_AT, Reading, enrolment

PLACES = (Path(__file__).parents[1] / "fixtures" / "programs" / "places.yaml").read_text(encoding="utf-8")
OTHER = "other"
"""The short name of the second site."""


def second_site(session: Session) -> UUID:
    """The site `other`, made where it isn't there yet."""
    held = session.scalar(select(Site.id).where(Site.slug == OTHER))
    if held is None:
        site = Site(slug=OTHER, name="The other site", wwwroot="https://other.example.org")
        session.add(site)
        session.flush()
        held = site.id
    return held


def add_organisations(session: Session, *codes: str) -> None:
    session.add_all(Organisation(code=code, name=code, kind="district") for code in codes)
    session.flush()


def person(user: int, at: float, **profile: str) -> Reading:
    """An account with custom profile fields."""
    return {"kind": "account", "read_at": at, "user": user, "present": True, "profile": profile}


def pair(user: int, in_course: int, at: float, *groups: dict[str, Any]) -> Reading:
    """A student of a course, in groups."""
    return enrolment(user, in_course, groups=groups) | {"read_at": at}


def moved(user: int, in_course: int, group: int, at: int, *, member: bool) -> dict[str, Any]:
    """The event that somebody came into a group or left it."""
    name = "group_member_added" if member else "group_member_removed"
    return {
        "eventname": rf"\core\event\{name}",
        "courseid": in_course,
        "timecreated": at,
        "objectid": group,
        "contextlevel": 50,
        "contextinstanceid": in_course,
        "relateduserid": user,
    }


def put_in(house: House, items: Iterable[dict[str, Any]], site: UUID | None = None) -> list[int]:
    """Have events and readings in the inbox as one batch. Returns the inbox ids that are due."""
    batch = uuid7()
    rows = [
        inbox.NewItem(
            site or house.site_id,
            "wire",
            batch,
            f"reading.{item['kind']}" if "kind" in item else "event",
            json.dumps(item).encode(),
        )
        for item in items
    ]
    with house.engine.begin() as connection:
        inbox.store(connection, rows)
    with Session(house.engine) as session:
        waits = InboxItem.status == "pending"
        return list(session.scalars(select(InboxItem.id).where(waits).order_by(InboxItem.id)))


def take_in(house: House, *items: dict[str, Any], site: UUID | None = None) -> None:
    put_in(house, items, site)
    house.work()


def snapshot(house: House) -> dict[str, Any]:
    """All that is derived of places. A membership that nothing is behind any more, and whose net is nothing, may
    be left from what was believed for a while."""
    with Session(house.engine) as session:
        names = _names(session)
        return {
            "communities": _communities(session, names),
            "members": _members(session, names),
            "teams": _teams(session, names),
        }


def _names(session: Session) -> dict[UUID, str]:
    """Communities by what they consist of: `site/course/group` of each place."""
    c = CommunityCourse
    rows = session.execute(
        select(c.community_id, Site.slug, c.course_id, c.group_id)
        .join(Site, Site.id == c.site_id)
        .order_by(Site.slug, c.course_id, c.group_id)
    )
    found: dict[UUID, list[str]] = {}
    for community, slug, course, group in rows:
        found.setdefault(community, []).append(f"{slug}/{course}" + (f"/{group}" if group else ""))
    return {community: " ".join(places) for community, places in found.items()}


def _communities(session: Session, names: dict[UUID, str]) -> dict[str, Sequence[object]]:
    rows = session.execute(
        select(Community, ProgramRow.code, Organisation.code)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .outerjoin(Organisation, Organisation.id == Community.host_id)
    )
    dates = session.execute(
        select(CommunityCourse.community_id, func.array_agg(CommunityCourse.basis_as_of)).group_by(
            CommunityCourse.community_id
        )
    )
    since = {
        community: sorted(moment.timestamp() - READ_AT.timestamp() for moment in found) for community, found in dates
    }
    return {
        names[c.id]: (code, c.topic, c.region, c.key, c.timezone, host, since[c.id])
        for c, code, host in sorted(rows, key=lambda row: names.get(row[0].id, ""))
        if c.id in names
    }


def _members(session: Session, names: dict[UUID, str]) -> dict[str, Sequence[object]]:
    inside = belonging().subquery()
    a, m = Account, Membership
    there = (
        select(m.id)
        .join(a, a.person_id == m.person_id)
        .join(
            inside,
            (inside.c.community_id == m.community_id)
            & (inside.c.site_id == a.site_id)
            & (inside.c.moodle_user_id == a.moodle_user_id),
        )
    )
    nets = select(LedgerEntry.membership_id, func.sum(LedgerEntry.minutes)).group_by(LedgerEntry.membership_id)
    net = {membership: int(minutes) for membership, minutes in session.execute(nets)}
    belong = set(session.scalars(there))
    rows = session.execute(
        select(m, a.moodle_user_id, Organisation.code)
        .join(a, a.person_id == m.person_id)
        .outerjoin(Organisation, Organisation.id == m.organisation_id)
    )
    return {
        f"{names.get(member.community_id, 'nowhere')} {user}": (member.role, member.status, net.get(member.id, 0), code)
        for member, user, code in rows
        if member.id in belong or net.get(member.id)
    }


def _teams(session: Session, names: dict[UUID, str]) -> dict[int, Sequence[object]]:
    owners = select(Membership.id, Account.moodle_user_id).join(Account, Account.person_id == Membership.person_id)
    users = {row.id: row.moodle_user_id for row in session.execute(owners)}
    teams = session.execute(
        select(Team, Organisation.code).outerjoin(Organisation, Organisation.id == Team.organisation_id)
    ).all()
    members = members_of(session, [team.id for team, _ in teams])
    return {
        team.group_id: (names[team.community_id], team.code, code, sorted(users[m] for m in members[team.id]))
        for team, code in teams
    }
