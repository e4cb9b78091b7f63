"""What was decided, page by page, the latest first: who, when, why, about whom, and what it moved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, cast, false, or_, select, true
from sqlalchemy.orm import Session

from mappings.program import Program
from records.actor import Actor, Scope, in_scope
from records.decisions import Kind
from records.effects import MOVED
from records.keys import among
from records.models import AuditEntry, Community, Decision, Membership, ProgramRow, Team
from records.programs import newest, versions_by_program
from records.queries import approvals, deciders
from records.queries.community import names_of
from records.queries.milestones import names_of as names_of_subjects

Figures = tuple[int, str]
"""Minutes and standing."""
STANDS, UNDONE, REFUSED, WAITS = "stands", "undone", "refused", "waits"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; an empty text asks for nothing, what isn't known finds nothing."""

    kind: str = ""
    program: str = ""
    """A program's code."""
    by: str = ""
    """Who decided: a user's id, or `cli`."""
    batch: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Asked":
        """Out of an address."""
        return cls(**{field.name: values.get(field.name, "")[:80] for field in fields(cls)})

    def values(self) -> dict[str, str]:
        """What asks for something, by name."""
        return {field.name: text for field in fields(self) if (text := getattr(self, field.name))}


@dataclass(frozen=True, slots=True)
class About:
    """Whom a decision is about: a person in a community, or another subject by its kind and code."""

    membership_id: UUID | None = None
    person_id: UUID | None = None
    name: str = ""
    account: int = 0
    program: Program | None = None
    topic: str = ""
    region: str = ""
    subject_kind: str = ""
    subject_id: UUID | None = None
    code: str = ""
    """A team's, organisation's or program's."""


@dataclass(frozen=True, slots=True)
class Line:
    """A decision as it is listed."""

    row: Decision
    state: str
    by: str
    """The name of the user; else the actor as it was written down."""
    about: About
    before: Figures | None
    """Minutes and standing before it, where they are known and it moved them."""
    after: Figures | None
    timezone: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some decisions; `after`: what the next page begins behind, if there is one."""

    lines: list[Line]
    after: UUID | None


def page(session: Session, actor: Actor, asked: Asked, *, limit: int, after: UUID | None = None) -> Page:
    """A page of the decisions in the actor's scope, the latest first."""
    wanted = _wanted().where(_within(actor), *_conditions(asked)).order_by(Decision.id.desc()).limit(limit + 1)
    if after:
        wanted = wanted.where(Decision.id < after)
    rows = session.execute(wanted).all()
    return Page(_lines(session, rows[:limit]), rows[limit - 1].Decision.id if len(rows) > limit else None)


def of_memberships(session: Session, membership_ids: Iterable[UUID], limit: int) -> list[Line]:
    """The latest decisions about memberships that the caller has checked."""
    wanted = _wanted().where(among(Decision.membership_id, membership_ids)).order_by(Decision.id.desc()).limit(limit)
    return _lines(session, session.execute(wanted).all())


def of_subject(session: Session, kind: str, subject_id: UUID, program_id: UUID, limit: int) -> list[Line]:
    """The latest decisions about a community, team, organisation or program that the caller has checked."""
    wanted = _wanted().where(
        Decision.program_id == program_id,
        Decision.data["subject_kind"].as_string() == kind,
        Decision.data["subject_id"].as_string() == str(subject_id),
    )
    return _lines(session, session.execute(wanted.order_by(Decision.id.desc()).limit(limit)).all())


def who_decided(session: Session, actor: Actor) -> dict[str, str]:
    """Those who decided something in scope, by name, for a choice among them."""
    found = _wanted().where(_within(actor)).with_only_columns(Decision.actor).distinct()
    actors = list(session.scalars(found))
    names = deciders.names_of(session, actors)
    return dict(sorted(((one, names.get(one, one)) for one in actors), key=lambda pair: pair[1].casefold()))


def programs(session: Session, actor: Actor) -> list[Program]:
    """The programs with communities in scope, as loaded last."""
    found = set(session.scalars(select(Community.program_id).where(in_scope(actor)).distinct()))
    return [newest(versions) for program_id, versions in versions_by_program(session).items() if program_id in found]


def reaches_program(actor: Actor, code: str) -> bool:
    """Whether a whole program lies in scope."""
    return any(g.scope_kind is Scope.ALL or (g.scope_kind, g.scope) == (Scope.PROGRAM, code) for g in actor.grants)


def _wanted() -> Select[Decision, Membership, Community]:
    return (
        select(Decision, Membership, Community)
        .outerjoin(Membership, Membership.id == Decision.membership_id)
        .outerjoin(Community, Community.id == Membership.community_id)
    )


def _within(actor: Actor) -> ColumnElement[bool]:
    """The scope of decisions: about memberships, communities and teams that of the community; of whole programs, for
    whoever reaches all of the program; the rest for whoever reaches everything."""
    if actor.unlimited:
        return true()
    places = select(Community.id).where(in_scope(actor)).correlate(None)
    members = select(Membership.id).where(Membership.community_id.in_(places)).correlate(None)
    teams = select(Team.id).where(Team.community_id.in_(places)).correlate(None)
    kind, subject = Decision.data["subject_kind"].as_string(), cast(Decision.data["subject_id"].as_string(), Uuid)
    whole = [grant.scope for grant in actor.grants if grant.scope_kind is Scope.PROGRAM]
    programs = select(ProgramRow.id).where(ProgramRow.code.in_(whole)).correlate(None)
    return or_(
        Decision.membership_id.in_(members),
        and_(kind == "community", subject.in_(places)),
        and_(kind == "team", subject.in_(teams)),
        Decision.program_id.in_(programs) if whole else false(),
    )


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if asked.kind:
        wanted.append(Decision.kind == asked.kind)
    if asked.by:
        wanted.append(Decision.actor == asked.by)
    if asked.batch:
        wanted.append(Decision.data["batch"].as_string() == asked.batch)
    if asked.program:
        owner = select(ProgramRow.id).where(ProgramRow.code == asked.program).scalar_subquery()
        wanted.append(or_(Decision.program_id == owner, Community.program_id == owner))
    return wanted


def _lines(session: Session, rows: Sequence[Any]) -> list[Line]:
    ids = [row.Decision.id for row in rows]
    undoing = select(Decision.undoes, Decision.data).where(among(Decision.undoes, ids))
    undone = {of: bool(data.get("refused")) for of, data in session.execute(undoing)}
    waits = approvals.still_wait(session, {row.Membership.id for row in rows if row.Membership})
    names = deciders.names_of(session, (row.Decision.actor for row in rows))
    moved = _moved(session, ids)
    about = _about(session, rows)
    found = []
    for decision, _membership, community in rows:
        state = STANDS
        if decision.id in undone:
            state = REFUSED if undone[decision.id] else UNDONE
        elif decision.id in waits:
            state = WAITS
        before, after = moved.get(decision.id, {}).get(str(decision.membership_id), (None, None))
        whose = about[decision.id]
        timezone = community.timezone if community else whose.program.timezone if whose.program else "UTC"
        by = names.get(decision.actor, decision.actor)
        found.append(Line(decision, state, by, whose, before, after, timezone))
    return found


def _moved(session: Session, ids: Iterable[UUID]) -> dict[UUID, dict[str, tuple[Figures, Figures]]]:
    """By decision and membership: before and after."""
    a = AuditEntry
    rows = session.execute(
        select(a.subject, a.before, a.after).where(a.action == MOVED, among(a.subject, list(map(str, ids))))
    )
    return {UUID(subject): _pairs(before or {}, after or {}) for subject, before, after in rows}


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Figures, Figures]]:
    return {one: ((was[0], was[1]), (after[one][0], after[one][1])) for one, was in before.items()}


def _about(session: Session, rows: Sequence[Any]) -> dict[UUID, About]:
    people = names_of(session, {row.Membership.person_id for row in rows if row.Membership})
    subjects = {row.Decision.id: _subject(row.Decision) for row in rows}
    codes = names_of_subjects(session, {subject for subject in subjects.values() if subject})
    versions = versions_by_program(session)
    communities = [of[1] for of in subjects.values() if of and of[0] == "community"]
    places = {c.id: c for c in session.scalars(select(Community).where(among(Community.id, communities)))}
    found = {}
    for decision, membership, community in rows:
        subject = subjects[decision.id]
        if membership:
            who = (membership.id, membership.person_id, *people.get(membership.person_id, ("", 0)))
            found[decision.id] = About(*who, newest(versions[community.program_id]), community.topic, community.region)
        elif subject:
            place = places.get(subject[1])
            program_id = decision.program_id or (place.program_id if place else None)
            program = newest(versions[program_id]) if program_id in versions else None
            at = (place.topic, place.region) if place else ("", "")
            found[decision.id] = About(None, None, "", 0, program, *at, *subject, codes.get(subject, ""))
        else:
            found[decision.id] = About()
    return found


def _subject(row: Decision) -> tuple[str, UUID] | None:
    if "subject_id" in row.data:
        return str(row.data["subject_kind"]), UUID(str(row.data["subject_id"]))
    if row.kind != Kind.MERGE and row.program_id and not row.membership_id:
        return "program", row.program_id
    return None
