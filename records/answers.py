"""The inputs of memberships, and what they amount to: the one way from the records through the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from mappings.credit import credit, credits_of
from mappings.facts import Credit, Decisions, Fact, Line, Member
from mappings.program import ProgramVersion, next_version_at, version_at
from mappings.standing import Standing, Whose, evaluate
from records import decisions
from records.counted import NOW, AsOf, counted
from records.keys import among
from records.members import members_of
from records.memberships import Participation, participations, role_in, status_at
from records.models import Community, Membership
from records.programs import newest, versions_by_program
from records.reached import milestones_of
from records.surroundings import Surroundings, surroundings

AT_ONCE = 1_000
"""How many memberships are read at once, where nobody waits for a lock meanwhile."""
Place = tuple[UUID, UUID]
"""(community, membership)."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that decides about one membership."""

    membership: Membership
    community: Community
    versions: tuple[ProgramVersion, ...]
    participation: Participation
    facts: list[Fact]
    correlations: dict[str, str]
    """Of each fact and decision, by its id."""
    decisions: Decisions
    member: Member
    surroundings: Surroundings
    brought: tuple[Credit, ...] = ()
    """Credits of the memberships that this one continues."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the inputs amount to at a moment."""

    role: str
    status: str
    lines: list[Line]
    standing: Standing
    valid_until: datetime | None


def page(session: Session, members: Select[Any], after: Place | None = None) -> list[Place]:
    """The next of the memberships that a SELECT finds, community by community: what those of one community share,
    its courses, modules and sessions, is read once a page."""
    place = (Membership.community_id, Membership.id)
    wanted = members.with_only_columns(*place).order_by(*place).limit(AT_ONCE)
    rows = session.execute(wanted.where(tuple_(*place) > after) if after else wanted)
    return [(community, membership) for community, membership in rows]


def inputs_of(session: Session, membership_ids: Sequence[UUID], as_of: AsOf = NOW) -> list[Inputs]:
    """The inputs of memberships, in the order of their ids.

    With `as_of`, only the facts, decisions and program versions that were known, or had happened, until
    then. Roles, names and bindings are always the present ones: of those no history is kept.
    """
    found = _inputs(session, membership_ids, as_of)
    continues = {item.membership.id: before for item, before in found if before}
    brought = _brought(session, continues, as_of) if continues else {}
    return [replace(item, brought=brought.get(item.membership.id, ())) for item, _ in found]


def _inputs(session: Session, membership_ids: Sequence[UUID], as_of: AsOf) -> list[tuple[Inputs, list[UUID]]]:
    """Inputs without what transfers bring along, and the memberships that would bring it."""
    versions = versions_by_program(session, as_of.known_on)
    rows = session.execute(
        select(Membership, Community)
        .join(Community)
        .where(among(Membership.id, membership_ids), Community.program_id.in_(list(versions)))
        .order_by(Membership.id)
        .execution_options(populate_existing=True)
    ).all()
    ids = [row.Membership.id for row in rows]
    programs = {row.Membership.id: row.Community.program_id for row in rows}
    of = decisions.decided(session, ids, as_of)
    found = counted(session, ids, versions, as_of)
    for membership, fact, correlation in milestones_of(session, ids, as_of):
        found[membership].append((fact, str(correlation)))
    seen = participations(session, ids)
    about = decisions.of_programs(session, set(programs.values()), as_of)
    closings = decisions.closed(session, programs, about, of)
    members = members_of(session, rows, versions)
    around = surroundings(session, {row.Community.id for row in rows})
    return [
        (
            Inputs(
                m,
                c,
                versions[c.program_id],
                seen[m.id],
                [fact for fact, _ in found[m.id]],
                {**of[m.id].correlations, **{fact.id: correlation for fact, correlation in found[m.id]}},
                decisions.as_decided(of[m.id], about[c.program_id], closings[m.id]),
                members[m.id],
                around[c.id],
            ),
            of[m.id].continues,
        )
        for m, c in rows
    ]


def _brought(session: Session, continues: dict[UUID, list[UUID]], as_of: AsOf) -> dict[UUID, tuple[Credit, ...]]:
    """The credits that transfers bring along, those of earlier transfers included; a circle ends where it began."""
    chains: dict[UUID, set[UUID]] = {}
    front = {membership: set(before) for membership, before in continues.items()}
    while any(front.values()):
        for membership, before in front.items():
            chains[membership] = chains.get(membership, set()) | before
        earlier = decisions.decided(session, sorted({m for before in front.values() for m in before}), as_of)
        front = {
            membership: {m for b in before for m in earlier[b].continues} - chains[membership] - {membership}
            for membership, before in front.items()
        }
    wanted = sorted({m for chain in chains.values() for m in chain})
    earned = {item.membership.id: credits_of(lines_of(item)) for item, _ in _inputs(session, wanted, as_of)}
    return {
        membership: tuple(c for before in sorted(chain) for c in earned.get(before, ()))
        for membership, chain in chains.items()
    }


def lines_of(inputs: Inputs) -> list[Line]:
    """The lines of a membership: they don't depend on when one looks."""
    return _lines(inputs, role_in(newest(inputs.versions), inputs.participation))


def _lines(inputs: Inputs, role: str) -> list[Line]:
    around = inputs.surroundings.by(inputs.versions[-1])
    return credit(inputs.facts, inputs.decisions, inputs.versions, participant=role == "participant", community=around)


def answer(inputs: Inputs, now: datetime) -> Answer:
    """What the inputs amount to at `now`: lines, standing, and the next instant at which time alone changes it."""
    role = role_in(newest(inputs.versions), inputs.participation)
    status, changes_at = status_at(inputs.participation, now)
    lines = _lines(inputs, role)
    # The commitment is that of the version in force now: earlier versions only decide what was credited.
    version = version_at(inputs.versions, now)
    whose = Whose(inputs.member, inputs.surroundings.by(version), inputs.decisions.waived, inputs.brought)
    standing = evaluate(lines, version.program, whose, now)
    moments = (changes_at, next_version_at(inputs.versions, now), standing.valid_until)
    return Answer(role, status, lines, standing, min((moment for moment in moments if moment), default=None))
