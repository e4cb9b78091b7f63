"""Mapping coverage: how much of the band a community's activities can give, and which of them earn nothing, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from records.queries.community import ActivityLine
from service import wording
from service.i18n import _, ngettext
from service.pages.bars import Bar, bar, scale_for


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the activities offer. Minutes are as the rules state them: caps and sessions that an activity stands for are
    not taken off."""

    earning: list[ActivityLine]
    nothing: list[ActivityLine]
    by_component: dict[str, int]
    total: int
    sentence: str
    bar: Bar
    unfinishable: int
    """Activities that would earn, if Moodle tracked their completion."""


def coverage(
    activities: Sequence[ActivityLine], drawn: Mapping[str, str], band: tuple[int, int] | None
) -> Coverage | None:
    """What activities offer, against the band; None without any activity."""
    if not activities:
        return None
    earning = [a for a in activities if a.earning and a.earning.minutes]
    by_component: Counter[str] = Counter()
    for activity in earning:
        # One that goes on with an activity of another course earns once, with it.
        if activity.earning and not activity.continues:
            by_component[activity.earning.component] += activity.earning.minutes
    ordered = {code: by_component[code] for code in (*drawn, *by_component) if by_component[code]}
    total = sum(ordered.values())
    return Coverage(
        earning,
        [a for a in activities if not (a.earning and a.earning.minutes)],
        ordered,
        total,
        _sentence(len(earning), len(activities), total, band),
        bar(ordered, drawn, scale_for([total], band[1] if band else None), band),
        sum(not a.tracked for a in earning),
    )


def _sentence(earning: int, count: int, total: int, band: tuple[int, int] | None) -> str:
    """8 of 11 activities earn hours: 7 h 30 min in all, 46% of the 16 h that are asked."""
    which = ngettext(
        "%(earning)s of %(n)s activity earns hours",
        "%(earning)s of %(n)s activities earn hours",
        count,
        earning=earning,
    )
    if not earning:
        return _("%(which)s.", which=which)
    amount = wording.hours(total)
    if not band or not band[0]:
        return _("%(which)s: %(amount)s in all.", which=which, amount=amount)
    least = wording.hours(band[0])
    if total >= band[0]:
        told = _("%(which)s: %(amount)s in all, enough for the %(least)s that are asked.")
    else:
        told = _(
            "%(which)s: %(amount)s in all, %(percent)s%% of the %(least)s that are asked. The rest comes from sessions."
        )
    return told % {"which": which, "amount": amount, "least": least, "percent": round(100 * total / band[0])}
