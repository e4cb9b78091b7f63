"""What a community offers: the minutes that its activities and sessions can earn, and how much is left of them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from mappings.attending import component_at
from mappings.earning import AttendanceRule, named_group
from mappings.facts import Activity, Line, Meeting, Nothing, Offer
from mappings.matching import rule_for
from mappings.program import Program


def offers_of(
    program: Program, activities: Iterable[tuple[str, Activity, str | None]], meetings: Iterable[Meeting]
) -> tuple[Offer, ...]:
    """Everything that earns minutes by a program, each with the alternative group that it belongs to.

    `activities`: (item, form, occasion of the session that it stands for or None).
    """
    meetings = list(meetings)
    codes = {meeting.code: meeting.occasion for meeting in meetings}
    found = []
    for item, activity, stands_for in activities:
        rule = rule_for(program, activity)
        if rule is None:
            continue
        minutes = max(rule.minutes_for("complete") or 0, rule.minutes_for("passed") or 0)
        code = named_group(rule.idnumber, "session", activity.idnumber)
        group = stands_for
        if group is None and code:
            group = codes.get(code, f"session:{code}")
        elif group is None and rule.alternative:
            group = f"rule:{rule.alternative}"
        if minutes:
            found.append(Offer(item, minutes, rule.component, group))
    found += [offer for meeting in meetings if not meeting.cancelled and (offer := _of_meeting(program, meeting))]
    return tuple(found)


def _of_meeting(program: Program, meeting: Meeting) -> Offer | None:
    kind = program.kinds_by_name.get(meeting.kind)
    component = component_at(program, meeting.kind, meeting.mode)
    minutes = _worth((kind.attendance if kind else None) or program.attendance, meeting.planned_minutes or 0)
    if component is None or not minutes:
        return None
    until = meeting.starts_at + timedelta(minutes=meeting.planned_minutes or 0)
    return Offer(meeting.item, minutes, component, meeting.occasion, until)


def _worth(rule: AttendanceRule, planned: int) -> int:
    """What whoever is there from beginning to end earns."""
    if rule.earns == "fixed":
        return min(rule.minutes or 0, planned) if rule.at_most_planned and planned else rule.minutes or 0
    return planned * max(rule.weights.values()) // 100 if rule.earns == "weighted" else planned


def remaining(offers: Iterable[Offer], lines: Iterable[Line], now: datetime) -> tuple[int, int]:
    """(Minutes that can still be earned, minutes that the community offers in all); of alternatives the best, once.

    Where something was earned of alternatives, a better one can still add what it has more.
    """
    offers = list(offers)
    groups, earned, taken = _earned(offers, lines)
    left: dict[str, int] = {}
    whole: dict[str, int] = {}
    for offer in offers:
        group = groups[offer.item]
        whole[group] = max(whole.get(group, 0), offer.minutes)
        if offer.item not in taken and (offer.until is None or offer.until > now):
            left[group] = max(left.get(group, 0), offer.minutes - earned.get(group, 0))
    return sum(left.values()), sum(whole.values())


FINISHED = frozenset({Nothing.PROVISIONAL, Nothing.UNKNOWN_ACTIVITY, Nothing.LATE, Nothing.COUNTS_ELSEWHERE})
"""Why what was finished earned nothing (yet), and finishing it once more isn't asked."""


def still_open(offers: Iterable[Offer], lines: Iterable[Line], now: datetime) -> list[Offer]:
    """What a participant can still do, each with the minutes that it would add: what has a time first, in order."""
    offers, lines = list(offers), list(lines)
    groups, earned, taken = _earned(offers, lines)
    taken |= {line.fact.item for line in lines if line.fact and line.nothing in FINISHED}
    found = [
        replace(offer, minutes=more)
        for offer in offers
        if offer.item not in taken
        and (offer.until is None or offer.until > now)
        and (more := offer.minutes - earned.get(groups[offer.item], 0)) > 0
    ]
    return sorted(found, key=lambda offer: (offer.until is None, offer.until or now))


def _earned(offers: list[Offer], lines: Iterable[Line]) -> tuple[dict[str, str], dict[str, int], set[str]]:
    """(The group of each offer's item, the minutes earned of each group, the items that earned something)."""
    groups = {offer.item: offer.alternative or offer.item for offer in offers}
    earned: dict[str, int] = {}
    taken: set[str] = set()
    for line in lines:
        if line.fact and line.credit:
            taken.add(line.fact.item)
            group = line.fact.alternative or groups.get(line.fact.item, line.fact.item)
            earned[group] = max(earned.get(group, 0), line.credit.minutes)
    return groups, earned, taken
