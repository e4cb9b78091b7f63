"""The search over people: memberships that match a filter, page by page, those who need help first or by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, case, cast, func, literal, select, tuple_
from sqlalchemy.orm import Session

from mappings.outcomes import DONE
from mappings.standing import Status
from records.actor import Actor
from records.models import Account, Community, Membership, ProgramRow, StandingRow
from records.queries.community import names_of
from records.queries.filters import ALL_TIME, Figures, PeopleFilter
from records.queries.members import IN_NEED


class Order(StrEnum):
    """What comes first."""

    NEED = "need"
    """Who takes part, by need, the fewest minutes first."""
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Found:
    """A membership that matches. `name` is empty while Moodle hasn't told it."""

    membership_id: UUID
    person_id: UUID
    community_id: UUID
    program: str
    region: str
    topic: str
    name: str
    account: int
    """Moodle's user id, for who has no name yet; negative for who was erased."""
    role: str
    status: str
    minutes: int
    by_component: dict[str, int]
    """Of the present period; empty for another one."""
    standing: Status
    band_min: int | None
    band_max: int | None
    missing: int
    """Minutes to the minimum."""
    open: int
    """Requirements that are neither met nor waived; of the present period."""
    on_their_way: int
    dirty: bool


@dataclass(frozen=True, slots=True)
class Page:
    """`total`: memberships that match; `before` and `after`: whether there are more on that side."""

    people: list[Found]
    total: int
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after a membership, or, backwards, before one; neither: at the start."""

    after: UUID | None = None
    before: UUID | None = None


def people(session: Session, actor: Actor, asked: PeopleFilter, order: Order, place: Place, size: int) -> Page:
    """A page of what matches, within the actor's scope. A place that isn't there any more begins at the start."""
    total = session.scalar(select(func.count()).select_from(asked.found(actor).subquery())) or 0
    figures, backwards = Figures.of(asked), place.before is not None
    key = _key(order, figures)
    wanted = figures.joined(select(Membership.id, *key)).where(*asked.conditions(actor))
    begin = _key_of(session, figures, key, place.after or place.before)
    if begin is not None:
        bound = tuple_(*(cast(literal(value), column.type) for value, column in zip(begin, key, strict=True)))
        wanted = wanted.where(tuple_(*key) < bound if backwards else tuple_(*key) > bound)
    ordered = wanted.order_by(*(column.desc() if backwards else column for column in key))
    ids = [row[0] for row in session.execute(ordered.limit(size + 1))]
    more, ids = len(ids) > size, ids[:size]
    if backwards:
        return Page(_found(session, figures, asked, ids[::-1]), total, more, begin is not None)
    return Page(_found(session, figures, asked, ids), total, begin is not None, more)


def everybody(session: Session, actor: Actor, asked: PeopleFilter, order: Order, at_once: int) -> Iterator[list[Found]]:
    """All that matches, so many at once, in the order of the pages. The database holds the list of them meanwhile."""
    figures = Figures.of(asked)
    wanted = figures.joined(select(Membership.id)).where(*asked.conditions(actor)).order_by(*_key(order, figures))
    with session.scalars(wanted.execution_options(yield_per=at_once)) as ids:
        for some in ids.partitions():
            yield _found(session, figures, asked, list(some))


def _key(order: Order, figures: Figures) -> tuple[ColumnElement[Any], ...]:
    """What the memberships are ordered by, to the last tie."""
    m = Membership
    away = case((m.status == "active", 0), else_=1)
    if order is Order.NAME:
        a = Account
        name = func.lower(a.lastname + " " + a.firstname)
        first = select(name).where(a.person_id == m.person_id).order_by(name == " ", ~a.present, a.id).limit(1)
        return (func.coalesce(cast(first.scalar_subquery(), Text), ""), m.id.expression)
    no_commitment = IN_NEED.index(Status.NO_COMMITMENT)
    need = case({str(status): n for n, status in enumerate(IN_NEED)}, value=figures.status, else_=no_commitment)
    participant = case((m.role == "participant", 0), else_=1)
    return (away, participant, need, func.coalesce(figures.minutes, 0), m.id.expression)


def _key_of(
    session: Session, figures: Figures, key: tuple[ColumnElement[Any], ...], membership: UUID | None
) -> Sequence[Any] | None:
    """The place of a membership in the order. The address names the membership alone, and never a person."""
    if membership is None:
        return None
    row = session.execute(figures.joined(select(*key).select_from(Membership)).where(Membership.id == membership))
    return row.one_or_none()


def _found(session: Session, figures: Figures, asked: PeopleFilter, ids: list[UUID]) -> list[Found]:
    m, s = Membership, StandingRow
    wanted: Select[*tuple[Any, ...]] = (
        figures.joined(
            select(
                *(m, Community, ProgramRow.code, figures.minutes.label("minutes"), figures.status.label("standing")),
                *(cast(figures.band_min, s.band_min.type).label("low"), cast(figures.band_max, s.band_max.type)),
            ).select_from(m)
        )
        .join(Community, Community.id == m.community_id)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(m.id.in_(ids))
    )
    rows = {row[0].id: row for row in session.execute(wanted)}
    now = not asked.closing and asked.period != ALL_TIME
    standings = session.scalars(select(s).where(s.membership_id.in_(ids))) if now else ()
    by_id = {standing.membership_id: standing for standing in standings}
    names = names_of(session, (row[0].person_id for row in rows.values()))
    return [_one(rows[found], by_id.get(found), names) for found in ids if found in rows]


def _one(row: Any, standing: StandingRow | None, names: dict[UUID, tuple[str, int]]) -> Found:
    membership, community, program, minutes, status, low, high = row
    name, account = names.get(membership.person_id, ("", 0))
    return Found(
        membership_id=membership.id,
        person_id=membership.person_id,
        community_id=community.id,
        program=program,
        region=community.region,
        topic=community.topic,
        name=name,
        account=account,
        role=membership.role,
        status=membership.status,
        minutes=minutes or 0,
        by_component=standing.by_component if standing else {},
        standing=Status(status) if status else Status.NO_COMMITMENT,
        band_min=low,
        band_max=high,
        missing=max(0, (low or 0) - (minutes or 0)),
        open=sum(outcome["status"] not in DONE for outcome in standing.outcomes) if standing else 0,
        on_their_way=standing.on_their_way if standing else 0,
        dirty=membership.dirty_at is not None,
    )
