"""Which activity of a copied course goes on with which one of the original: a proposal, to be reviewed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.facts import Activity
from records.adoptions import mirrored
from records.claims import CourseKey
from records.continuing import pairs
from records.models import MirrorModule
from records.module_forms import activity_of


class PairError(Exception):
    """A pair can't be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The activities of both courses by Moodle's ids, and which go together (new: old)."""

    new: Mapping[int, Activity]
    old: Mapping[int, Activity]
    pairs: Mapping[int, int] = field(default_factory=dict)

    @property
    def only_new(self) -> list[int]:
        return sorted(self.new.keys() - self.pairs.keys())

    @property
    def only_old(self) -> list[int]:
        return sorted(self.old.keys() - set(self.pairs.values()))

    def changed(self, put: Mapping[int, int], taken: frozenset[int]) -> "Pairs":
        """The pairs with these instead, and without those of `taken`. Raises PairError."""
        for new, old in put.items():
            if new in taken:
                raise PairError(f"The activity {new} can't be mapped and unmapped at once.")
            if old not in self.old:
                raise PairError(f"The original course has no activity {old}: `adoption show` lists them.")
        for new in {*put, *taken}:
            if new not in self.new:
                raise PairError(f"The copy has no activity {new}: `adoption show` lists them.")
        kept = {new: old for new, old in self.pairs.items() if new not in taken} | dict(put)
        return Pairs(self.new, self.old, dict(sorted(kept.items())))


def proposed_pairs(session: Session, course: CourseKey, original: CourseKey) -> Pairs:
    """Activities go together by an idnumber that is unique on both sides, else by kind, name and section, else by
    kind and name."""
    new, old = _activities(session, course), _activities(session, original)
    return Pairs(new, old, dict(sorted(pairs(new, old, (_idnumber, _place, _name)).items())))


def _idnumber(activity: Activity) -> object:
    return activity.idnumber or None


def _place(activity: Activity) -> object:
    return activity.kind, activity.name, activity.section


def _name(activity: Activity) -> object:
    return activity.kind, activity.name


def _activities(session: Session, course: CourseKey) -> dict[int, Activity]:
    """The activities of a course whose completion is tracked; of a course that is gone those that it had."""
    m = MirrorModule
    rows = session.scalars(
        select(m).where(m.site_id == course[0], m.course_id == course[1], m.tracking > 0).order_by(m.module_id)
    ).all()
    there = mirrored(session, course)
    gone = there is not None and not there.present
    return {row.module_id: activity_of(row) for row in rows if row.present or gone}
