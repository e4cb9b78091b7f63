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
from records.keys import among
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
    figures, backwards = Figures.of(asked), place.before is not None
    key = _key(order, figures)
    named = [column.label(f"key_{n}") for n, column in enumerate(key)]
    # What matches is found once, to be counted and to be put in order: that is what costs.
    matching = figures.joined(select(*named).select_from(Membership)).where(*asked.conditions(actor)).cte("matching")
    total = select(func.count()).select_from(matching).scalar_subquery()
    *_rest, membership_id = columns = tuple(matching.c)
    wanted = select(membership_id, total)
    begin = _key_of(session, figures, key, place.after or place.before)
    if begin is not None:
        bound = tuple_(*(cast(literal(value), column.type) for value, column in zip(begin, key, strict=True)))
        wanted = wanted.where(tuple_(*columns) < bound if backwards else tuple_(*columns) > bound)
    ordered = wanted.order_by(*(column.desc() if backwards else column for column in columns))
    rows = session.execute(ordered.limit(size + 1)).all()
    # A page behind all others has no row that tells it.
    counted = rows[0][1] if rows else (session.scalar(select(total)) or 0) if begin is not None else 0
    more, ids = len(rows) > size, [row[0] for row in rows[:size]]
    if backwards:
        return Page(_found(session, figures, asked, ids[::-1]), counted, more, begin is not None)
    return Page(_found(session, figures, asked, ids), counted, begin is not None, more)


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
    # Columns, not objects: a file has a hundred thousand of them.
    wanted: Select[*tuple[Any, ...]] = (
        figures.joined(
            select(
                *(m.id, m.person_id, m.community_id, m.role, m.status, m.dirty_at, Community.region, Community.topic),
                *(ProgramRow.code, figures.minutes.label("minutes"), figures.status.label("standing")),
                cast(figures.band_min, s.band_min.type).label("low"),
                cast(figures.band_max, s.band_max.type).label("high"),
            ).select_from(m)
        )
        .join(Community, Community.id == m.community_id)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(among(m.id, ids))
    )
    now = not asked.closing and asked.period != ALL_TIME
    # What only the present period has stands in the table that its figures are from.
    wanted = wanted.add_columns(s.by_component, s.outcomes, s.on_their_way) if now else wanted
    rows = {row.id: row for row in session.execute(wanted)}
    names = names_of(session, (row.person_id for row in rows.values()))
    return [_one(rows[found], names, now=now) for found in ids if found in rows]


def _one(row: Any, names: dict[UUID, tuple[str, int]], *, now: bool) -> Found:
    name, account = names.get(row.person_id, ("", 0))
    minutes = row.minutes or 0
    return Found(
        membership_id=row.id,
        person_id=row.person_id,
        community_id=row.community_id,
        program=row.code,
        region=row.region,
        topic=row.topic,
        name=name,
        account=account,
        role=row.role,
        status=row.status,
        minutes=minutes,
        by_component=(row.by_component or {}) if now else {},
        standing=Status(row.standing) if row.standing else Status.NO_COMMITMENT,
        band_min=row.low,
        band_max=row.high,
        missing=max(0, (row.low or 0) - minutes),
        open=sum(outcome["status"] not in DONE for outcome in row.outcomes or ()) if now else 0,
        on_their_way=(row.on_their_way or 0) if now else 0,
        dirty=row.dirty_at is not None,
    )
