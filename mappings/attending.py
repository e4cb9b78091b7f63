"""What being at a session is worth, and which of several reports of it stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mappings.earning import AttendanceRule
from mappings.facts import Nothing, Session
from mappings.program import Program


class Way(StrEnum):
    """How it was recorded who was there. Of ways that say the same the first one here stands."""

    DECIDED = "decided"
    """Somebody decided, with a reason: nothing else counts beside it."""
    ROSTER = "roster"
    """The facilitator's list."""
    PAPER = "paper"
    """The sign-in sheet."""
    FILE = "file"
    """A table with one line a person."""
    MOD_ATTENDANCE = "mod_attendance"
    """Moodle's attendance activity."""
    CHECK_IN = "check_in"
    """The code on the screen."""
    ZOOM = "zoom"
    TEAMS = "teams"
    MEET = "meet"
    BIGBLUEBUTTON = "bigbluebutton"
    """Moodle's meetings."""


WAYS = tuple(Way)


@dataclass(frozen=True, slots=True)
class Said:
    """What one way says of one person at one session. `minutes` whole; None: it doesn't say."""

    way: Way
    minutes: int | None
    status: str | None = None
    mode: str | None = None
    """Given: how this person was there, whatever the session's mode is."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands. `disputed`: the ways disagree on what the person earns, and nobody has decided: the least stands."""

    stands: Said
    disputed: bool = False


def rule_of(program: Program, kind: str) -> AttendanceRule:
    """What a session of this kind goes by."""
    known = program.kinds_by_name.get(kind)
    return (known.attendance if known else None) or program.attendance


def component_at(program: Program, kind: str, mode: str) -> str | None:
    """The component that a minute at a session of this kind and mode counts in; None: it earns nothing."""
    known = program.kinds_by_name.get(kind)
    return (known.component if known else None) or program.attendance.components.get(mode)  # type: ignore[call-overload]


def present_status(rule: AttendanceRule) -> str | None:
    """The status that counts most, for who is known to have been there; None where the program weighs none."""
    return max(rule.weights, key=lambda status: rule.weights[status]) if rule.weights else None


def whole(rule: AttendanceRule, planned: int | None) -> int | None:
    """The minutes of whoever was there all the time; None where nobody said how long it is."""
    return planned if planned is not None else rule.minutes


def worth(rule: AttendanceRule, minutes: int | None, status: str | None, planned: int | None) -> int | Nothing:
    """The minutes that an attendance is worth, or why it is worth none."""
    there = max(0, minutes or 0)
    planned = planned if planned is None else max(0, planned)
    if there < rule.at_least and (rule.earns != "weighted" or minutes is not None):
        return Nothing.NOT_LONG_ENOUGH
    if rule.earns == "weighted":
        if status not in rule.weights:
            return Nothing.STATUS_WITHOUT_WEIGHT
        if planned is None:
            return Nothing.LENGTH_UNKNOWN
        return planned * rule.weights[status] // 100
    if rule.earns == "fixed":
        there = (rule.minutes or 0) if there else 0
    return min(there, planned) if rule.at_most_planned and planned is not None else there


def judge(said: Sequence[Said], earned: Callable[[Said], tuple[int, str]]) -> Verdict | None:
    """Which report stands; None without any. `earned` gives (minutes, component).

    What was decided stands. Else ways that would earn the same agree, whatever they say; and where they don't, the
    one that earns least stands until somebody decides. The order of the reports doesn't matter.
    """
    ranked = sorted(said, key=lambda one: WAYS.index(one.way))
    if not ranked:
        return None
    if ranked[0].way is Way.DECIDED:
        return Verdict(ranked[0])
    worths = [earned(one) for one in ranked]
    if len(set(worths)) == 1:
        return Verdict(ranked[0])
    return Verdict(ranked[worths.index(min(worths))], disputed=True)


def earned_at(program: Program, session: Session) -> Callable[[Said], tuple[int, str]]:
    """What reports of a session would earn by a program: (minutes, component), for `judge`."""
    rule, rounding = rule_of(program, session.kind), program.rounding

    def earned(said: Said) -> tuple[int, str]:
        minutes = worth(rule, said.minutes, said.status, session.planned_minutes)
        if isinstance(minutes, Nothing):
            return 0, ""
        if rounding and rounding.per == "activity":
            minutes = rounding.apply(minutes)
        component = component_at(program, session.kind, said.mode or session.mode)
        return (minutes, component) if minutes and component else (0, "")

    return earned
