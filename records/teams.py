"""Teams: groups in the course of a community that the program file takes for teams."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from mappings.matching import team_of
from mappings.program import Program
from records.affiliations import organisations_named
from records.claims import CourseKey, GroupKey, GroupSeen, claimants
from records.keys import among
from records.memberships import mark_dirty
from records.mirror import PairKey
from records.models import (
    Account,
    Community,
    CommunityCourse,
    Membership,
    MilestoneRow,
    MirrorGroup,
    MirrorGroupMember,
    Team,
    uuid7,
)
from records.people import AccountKey


def place_teams(session: Session, groups: Iterable[GroupSeen]) -> set[GroupKey]:
    """Make teams of groups, as they were read, that the program of their course's community takes for teams. A group
    that once was one stays one. Returns the groups that became teams.

    Teams are looked for where the whole course is a community: elsewhere nobody could say whose team a group is.
    """
    seen = list(groups)
    programs = dict(claimants(session)) if seen else {}
    if not any(program.teams for program in programs.values()):
        return set()
    places = _places(session, {group.course for group in seen})
    wanted: dict[GroupKey, UUID] = {}
    for group in seen:
        place = places.get(group.course)
        if place and team_of(programs[place[1]], group.idnumber, group.groupings):
            wanted[group.key] = place[0]
    held = set(_held(session, wanted))
    rows = [
        {"id": uuid7(), "community_id": wanted[key], "site_id": key[0], "group_id": key[1], "code": ""}
        for key in sorted(wanted, key=str)
        if key not in held
    ]
    if rows:
        session.execute(insert(Team).on_conflict_do_nothing(), rows)
        new = {row["community_id"] for row in rows}
        mark_dirty(session, select(Membership.id).where(among(Membership.community_id, new)))
    return set(wanted) - held


def refresh_teams(session: Session, groups: Iterable[GroupKey] | None = None) -> None:
    """Bring the codes and organisations of teams (of these groups; left out: of all) in line with the groups as they
    are known now, the program and the organisations. Marks the members where an organisation changed."""
    g = MirrorGroup
    only = None if groups is None else set(groups)
    if only is not None and not only:
        return
    rows = (
        select(Team, Community.program_id, g.idnumber, g.name, g.groupings)
        .join(Community, Community.id == Team.community_id)
        .join(g, tuple_(g.site_id, g.group_id) == tuple_(Team.site_id, Team.group_id))
        .order_by(Team.id)
        .execution_options(populate_existing=True)
    )
    if only is not None:
        rows = rows.where(among((Team.site_id, Team.group_id), only))
    found = session.execute(rows).all()
    programs = dict(claimants(session)) if found else {}
    named = {
        team.id: _organisation(programs[program], idnumber, groupings)
        for team, program, idnumber, _, groupings in found
    }
    known = organisations_named(session, {code for code in named.values() if code})
    moved = set()
    for team, _, idnumber, name, _ in found:
        organisation = known.get(named[team.id] or "")
        if organisation != team.organisation_id:
            moved.add(team.id)
        team.code, team.organisation_id = idnumber or name, organisation
    session.flush()
    if moved:
        mark_dirty(session, _members(select(Team.id).where(among(Team.id, moved))))


def _organisation(program: Program, idnumber: str, groupings: Sequence[str]) -> str | None:
    form = team_of(program, idnumber, tuple(groupings))
    return form.organisation if form else None


def members_of(session: Session, team_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """The memberships of each team's present members in the team's community, by id; a team of nobody has none."""
    ids = list(team_ids)
    found: dict[UUID, list[UUID]] = {team: [] for team in ids}
    rows = session.execute(_team_members().where(among(Team.id, ids)).distinct().order_by(Team.id, Membership.id))
    for team, membership in rows:
        found[team].append(membership)
    return found


def _team_members() -> Select[UUID, UUID]:
    """(team, membership) of everybody who is in a team now."""
    g = MirrorGroupMember
    return (
        select(Team.id, Membership.id)
        .join(g, (g.site_id == Team.site_id) & (g.group_id == Team.group_id))
        .join(Account, (Account.site_id == g.site_id) & (Account.moodle_user_id == g.moodle_user_id))
        .join(Membership, (Membership.person_id == Account.person_id) & (Membership.community_id == Team.community_id))
        .where(g.present)
    )


def _members(teams: Select[UUID]) -> Select[UUID]:
    """The memberships of who is in teams now, given as a SELECT of their ids."""
    return _team_members().where(Team.id.in_(teams)).with_only_columns(Membership.id)


def mates(users: Iterable[AccountKey]) -> Select[UUID]:
    """The memberships of who is in a team that one of these Moodle users is or was in: what a team achieves counts
    for those who are in it."""
    g, t = aliased(MirrorGroupMember), aliased(Team)
    joined = (
        select(t.id)
        .join(g, (g.site_id == t.site_id) & (g.group_id == t.group_id))
        .where(among((g.site_id, g.moodle_user_id), set(users)))
    )
    return _members(joined)


def mark_mates(session: Session, pairs: Iterable[PairKey]) -> None:
    """Mark the memberships in the teams of users about whom something changed in a course."""
    users = {(site, user) for site, _, user in pairs}
    if users:
        mark_dirty(session, mates(users))


def take_along(session: Session, course: CourseKey, community: UUID) -> None:
    """Have the teams of a course that is another community from now on be teams there."""
    session.execute(
        update(Team).where(tuple_(Team.site_id, Team.group_id).in_(_groups(course))).values(community_id=community),
        execution_options={"synchronize_session": False},
    )


def forget_teams(session: Session, course: CourseKey) -> None:
    """Have the groups of a course that is another program's from now on be no teams, but for those that achieved
    something. The other program says anew which are."""
    achieved = select(MilestoneRow.subject_id).where(MilestoneRow.subject_kind == "team")
    session.execute(
        delete(Team).where(tuple_(Team.site_id, Team.group_id).in_(_groups(course)), Team.id.not_in(achieved)),
        execution_options={"synchronize_session": False},
    )


def _groups(course: CourseKey) -> Select[UUID, int]:
    g = MirrorGroup
    return select(g.site_id, g.group_id).where(g.site_id == course[0], g.course_id == course[1])


def _held(session: Session, groups: Iterable[GroupKey]) -> list[GroupKey]:
    found = session.execute(
        select(Team.site_id, Team.group_id).where(among((Team.site_id, Team.group_id), list(groups)))
    )
    return [(site, group) for site, group in found]


def _places(session: Session, courses: set[CourseKey]) -> dict[CourseKey, tuple[UUID, UUID]]:
    """The community that each course is, and its program."""
    c = CommunityCourse
    rows = session.execute(
        select(c.site_id, c.course_id, c.community_id, Community.program_id)
        .join(Community, Community.id == c.community_id)
        .where(among((c.site_id, c.course_id), courses), c.group_id == 0)
    )
    return {(site, course): (community, program) for site, course, community, program in rows}
