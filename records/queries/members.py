"""The people of a community: summed up, and page by page with those who need help first."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, case, func, literal, select, tuple_
from sqlalchemy.orm import Session

from mappings.outcomes import DONE
from mappings.standing import REACHED, Status
from records.models import Account, Membership, StandingRow
from records.queries.community import names_of

PAGE = 100
"""So many people are shown at once."""
LISTED = 200
"""So many facilitators and others are named."""
AWAY = "away"
"""Of the filter: those who aren't active any more, or not yet."""
IN_NEED = (
    *(Status.CANNOT_REACH, Status.BEHIND, Status.NOT_STARTED, Status.IN_PROGRESS),
    *(Status.ON_PACE, Status.NO_COMMITMENT, Status.MET, Status.ABOVE),
)
"""Who needs help comes first."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a community. `name` is empty while Moodle hasn't told it."""

    membership_id: UUID
    person_id: UUID
    name: str
    account: int
    """Moodle's user id, for who has no name yet; negative for who was erased."""
    role: str
    status: str
    minutes: int
    by_component: dict[str, int]
    standing: Status
    band_min: int | None
    band_max: int | None
    on_their_way: int
    open: int
    """Requirements that are neither met nor waived."""
    dirty: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the people of a community. `before` and `after`: memberships from which the pages beside it go on."""

    members: list[Member]
    before: UUID | None = None
    after: UUID | None = None


@dataclass(slots=True)
class Sums:
    """The people of a community together; minutes are of the active participants."""

    participants: int = 0
    """Active ones."""
    away: int = 0
    """Participants who aren't active."""
    minutes: int = 0
    held: Counter[str] = field(default_factory=Counter)
    """Active participants by standing."""
    most: int = 0
    """The most minutes that a participant has."""
    bands: Counter[tuple[int, int]] = field(default_factory=Counter)
    """What is asked, of how many active participants."""

    @property
    def average(self) -> int:
        return round(self.minutes / self.participants) if self.participants else 0

    @property
    def met(self) -> int:
        return sum(self.held[status] for status in REACHED)

    @property
    def band(self) -> tuple[int, int] | None:
        """What is asked of most."""
        return self.bands.most_common(1)[0][0] if self.bands else None


def sums(session: Session, community_id: UUID) -> Sums:
    """Sum up the participants of a community, from stored standings."""
    m, s = Membership, StandingRow
    what = (m.status == "active", _standing(), s.band_min, s.band_max)
    minutes = func.coalesce(s.minutes, 0)
    rows = session.execute(
        select(*what, func.count(), func.sum(minutes), func.max(minutes))
        .select_from(m)
        .outerjoin(s, s.membership_id == m.id)
        .where(m.community_id == community_id, m.merged_into.is_(None), m.role == "participant")
        .group_by(*what)
    )
    found = Sums()
    for active, standing, low, high, count, total, most in rows:
        found.most = max(found.most, int(most))
        if not active:
            found.away += count
            continue
        found.participants += count
        found.minutes += int(total)
        found.held[standing] += count
        if low is not None and high is not None:
            found.bands[low, high] += count
    return found


def participants(
    session: Session,
    community_id: UUID,
    *,
    status: str = "",
    after: UUID | None = None,
    before: UUID | None = None,
    size: int = PAGE,
) -> Page | None:
    """A page of the participants: active people first, then by need, the furthest from the minimum first.

    `status`: a standing (of active people), AWAY, or empty for everybody. None where `after` or `before` is no
    participant of the community.
    """
    keys = _sort_keys()
    wanted = _of(community_id, {"participant"}).add_columns(*keys).where(*_who_stands(status))
    start = after or before
    if start:
        place = session.execute(_of(community_id, {"participant"}).add_columns(*keys).where(Membership.id == start))
        row = place.one_or_none()
        if row is None:
            return None
        here = tuple_(*(literal(value, key.type) for value, key in zip(tuple(row)[2:], keys, strict=True)))
        wanted = wanted.where(tuple_(*keys) > here if after else tuple_(*keys) < here)
    back = before is not None and after is None
    order: list[Any] = [key.desc() for key in keys] if back else list(keys)
    rows = session.execute(wanted.order_by(*order).limit(size + 1)).all()
    more, rows = len(rows) > size, rows[:size]
    members = _members(session, [(row[0], row[1]) for row in (rows[::-1] if back else rows)])
    if not members:
        return Page([])
    earlier, later = (more, True) if back else (after is not None, more)
    return Page(
        members,
        members[0].membership_id if earlier else None,
        members[-1].membership_id if later else None,
    )


def others(session: Session, community_id: UUID, *, facilitators: bool) -> list[Member]:
    """The facilitators, or whoever is neither facilitator nor participant; by name, at most LISTED."""
    roles = {"facilitator"} if facilitators else {"other", "unknown"}
    rows = session.execute(_of(community_id, roles).order_by(*_sort_keys()).limit(LISTED))
    return _members(session, [(m, s) for m, s in rows])


def everyone(session: Session, community_id: UUID, status: str, at_once: int) -> Iterator[list[Member]]:
    """All participants whom `participants` shows on its pages, in their order, so many at once; then, where no status
    is asked for, the facilitators and the others. The database holds the list of them meanwhile."""
    for roles in ({"participant"}, {"facilitator"}, {"other", "unknown"})[: 1 if status else None]:
        wanted = _of(community_id, roles).where(*_who_stands(status)).order_by(*_sort_keys())
        with session.execute(wanted.execution_options(yield_per=at_once)) as rows:
            for some in rows.partitions():
                yield _members(session, [(m, s) for m, s in some])


def _who_stands(status: str) -> list[ColumnElement[bool]]:
    if status == AWAY:
        return [Membership.status != "active"]
    return [Membership.status == "active", _standing() == status] if status else []


def _standing() -> ColumnElement[str]:
    return func.coalesce(StandingRow.status, str(Status.NO_COMMITMENT))


def _sort_keys() -> tuple[Any, ...]:
    m, a = Membership, Account
    need = case({str(status): place for place, status in enumerate(IN_NEED)}, value=_standing(), else_=len(IN_NEED))
    name = (
        select(func.lower(a.firstname + " " + a.lastname, type_=Text))
        .where(a.person_id == m.person_id)
        .order_by((a.firstname + a.lastname) == "", ~a.present, a.id)
        .limit(1)
        .correlate(m)
        .scalar_subquery()
    )
    return (m.status != "active", need, func.coalesce(StandingRow.minutes, 0), func.coalesce(name, ""), m.id)


def _of(community_id: UUID, roles: Collection[str]) -> Select[Membership, StandingRow]:
    m = Membership
    return (
        select(m, StandingRow)
        .outerjoin(StandingRow, StandingRow.membership_id == m.id)
        .where(m.community_id == community_id, m.merged_into.is_(None), m.role.in_(roles))
    )


def _members(session: Session, rows: Iterable[tuple[Membership, StandingRow | None]]) -> list[Member]:
    rows = list(rows)
    names = names_of(session, (m.person_id for m, _ in rows))
    return [_member(m, s, *names.get(m.person_id, ("", 0))) for m, s in rows]


def _member(m: Membership, s: StandingRow | None, name: str, account: int) -> Member:
    return Member(
        membership_id=m.id,
        person_id=m.person_id,
        name=name,
        account=account,
        role=m.role,
        status=m.status,
        minutes=s.minutes if s else 0,
        by_component=s.by_component if s else {},
        standing=Status(s.status) if s else Status.NO_COMMITMENT,
        band_min=s.band_min if s else None,
        band_max=s.band_max if s else None,
        on_their_way=s.on_their_way if s else 0,
        open=sum(outcome["status"] not in DONE for outcome in s.outcomes) if s else 0,
        dirty=m.dirty_at is not None,
    )
