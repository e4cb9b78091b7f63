"""The answer for a membership: how far it is, against what."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mappings.facts import Credit, Line, Nothing
from mappings.program import Band


class Status(StrEnum):
    NO_COMMITMENT = "no_commitment"
    BELOW = "below"
    IN_BAND = "in_band"
    ABOVE = "above"


MET = frozenset({Status.IN_BAND, Status.ABOVE})
"""Met = the minimum is reached; above the maximum informs, and never caps."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whole minutes in all and by component; `on_their_way`: facts that wait for Moodle's confirmation."""

    minutes: int
    by_component: dict[str, int]
    status: Status
    band_min: int | None
    band_max: int | None
    on_their_way: int


def evaluate(earned: Iterable[Credit], lines: Iterable[Line], band: Band | None) -> Standing:
    by_component: Counter[str] = Counter()
    for item in earned:
        by_component[item.component] += item.minutes
    total = sum(by_component.values())
    if band is None:
        status = Status.NO_COMMITMENT
    elif total < band.min_minutes:
        status = Status.BELOW
    else:
        status = Status.ABOVE if total > band.max_minutes else Status.IN_BAND
    waiting = sum(line.nothing in (Nothing.PROVISIONAL, Nothing.UNKNOWN_ACTIVITY) for line in lines)
    return Standing(
        total,
        {component: minutes for component, minutes in sorted(by_component.items()) if minutes},
        status,
        band.min_minutes if band else None,
        band.max_minutes if band else None,
        waiting,
    )
