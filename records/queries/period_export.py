"""A closed period's snapshot as it goes into files: who had how much, and for what; never computed again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records.models import ClosedMember, Community, Membership
from records.queries.community import names_of


@dataclass(frozen=True, slots=True)
class Snapshotted:
    """A membership in the snapshot. `credits` are mappings.facts.Credit, times as ISO 8601; minutes are whole."""

    membership_id: UUID
    name: str
    account: int
    """Moodle's user id, for who has no name; negative for who was erased."""
    region: str
    topic: str
    minutes: int
    status: str
    credits: Sequence[Mapping[str, Any]]

    def by_component(self) -> dict[str, int]:
        """Minutes by what they were earned in."""
        found: dict[str, int] = {}
        for credit in self.credits:
            found[credit["component"]] = found.get(credit["component"], 0) + int(credit["minutes"])
        return found


def snapshotted(
    session: Session, closing_id: UUID, at_once: int, *, with_credits: bool = False
) -> Iterator[Snapshotted]:
    """Everybody in the snapshot of a closed period, which the caller has checked, by communities; or only who was
    credited anything."""
    c, m = ClosedMember, Membership
    wanted = (
        select(c.membership_id, m.person_id, Community.region, Community.topic, c.minutes, c.status, c.credits)
        .join(m, m.id == c.membership_id)
        .join(Community, Community.id == m.community_id)
        .where(c.closing_id == closing_id)
        .order_by(Community.region, Community.topic, Community.id, m.id)
    )
    if with_credits:
        wanted = wanted.where(func.jsonb_array_length(c.credits) > 0)
    with session.execute(wanted.execution_options(yield_per=at_once)) as rows:
        for some in rows.partitions():
            names = names_of(session, (row.person_id for row in some))
            for row in some:
                name, account = names.get(row.person_id, ("", 0))
                about = (row.region, row.topic, row.minutes, row.status, row.credits)
                yield Snapshotted(row.membership_id, name, account, *about)


def earned_at(credit: Mapping[str, Any]) -> datetime:
    """When a credit of a snapshot was earned."""
    return datetime.fromisoformat(str(credit["happened_at"]))
