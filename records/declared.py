"""Hours that activities' forms in Moodle declare: what the latest reading that tells of them says.

Many readings can't tell: what they leave out stays as it was. So the hours carry a time of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mappings.facts import Hours, hours_of
from records.keys import among
from records.models import MirrorModule

ModuleKey = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class HoursTold:
    """What a reading tells of an activity's form. `hours` None: it declares none."""

    key: ModuleKey
    course_id: int
    hours: Hours | None
    as_of: datetime

    @property
    def order(self) -> tuple[datetime, int, str]:
        """The greater stands."""
        return (self.as_of, *_values(self.hours))


def _values(hours: Hours | None) -> tuple[int, str]:
    return (hours.minutes, hours.component) if hours else (-1, "")


def is_news(session: Session, told: Sequence[HoursTold]) -> bool:
    """Whether any of them says something else than the mirror does, be it earlier or later."""
    held = _held(session, {one.key for one in told}, lock=False) if told else {}
    return any(one.hours != (held[one.key].hours if one.key in held else None) for one in told)


def keep(session: Session, told: Iterable[HoursTold]) -> dict[ModuleKey, int]:
    """Write down the latest of each activity; the mirror has the activities already. Returns the course of each whose
    hours are others now."""
    best: dict[ModuleKey, HoursTold] = {}
    for one in told:
        if one.key not in best or best[one.key].order < one.order:
            best[one.key] = one
    if not best:
        return {}
    held = _held(session, set(best), lock=True)
    later = [one for key, one in best.items() if key not in held or held[key].order < one.order]
    if later:
        session.execute(
            update(MirrorModule),
            [
                {
                    "site_id": one.key[0],
                    "module_id": one.key[1],
                    "minutes": one.hours.minutes if one.hours else None,
                    "component": one.hours.component if one.hours else "",
                    "hours_as_of": one.as_of,
                }
                for one in sorted(later, key=lambda one: str(one.key))
            ],
        )
    return {one.key: one.course_id for one in later if one.hours != (held[one.key].hours if one.key in held else None)}


def _held(session: Session, keys: set[ModuleKey], *, lock: bool) -> dict[ModuleKey, HoursTold]:
    """What the mirror says of the activities whose hours somebody has told."""
    m = MirrorModule
    statement = (
        select(m.site_id, m.module_id, m.course_id, m.minutes, m.component, m.hours_as_of)
        .where(among((m.site_id, m.module_id), keys))
        .order_by(m.site_id, m.module_id)
    )
    rows = session.execute(statement.with_for_update(key_share=True) if lock else statement)
    return {
        (site, module): HoursTold((site, module), course, hours_of(minutes, component), as_of)
        for site, module, course, minutes, component, as_of in rows
        if as_of is not None
    }
