"""A program file held against the courses that are there: what its rules leave out, and what the courses add up to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mappings.earning import ActivityRule, named_group
from mappings.facts import Activity
from mappings.findings import Finding, Place
from mappings.matching import HoursRefused, Placement, Refusal, fits, hours_refused, rule_for
from mappings.program import Program
from mappings.source import Source

SHOWN = 5
REFUSALS = {
    Refusal.UNKNOWN_TOPIC: (("topics",), "there is no topic '{topic}'"),
    Refusal.UNKNOWN_REGION: (("regions",), "there is no region '{region}'"),
    Refusal.COMMITMENT_NOT_SET: (("topics",), "the hour band of the topic '{topic}' is yet to be set"),
}


@dataclass(frozen=True, slots=True)
class CourseActivity:
    """An activity of a course. `session`: the code of the session that it was recorded to stand for."""

    course: str
    activity: Activity
    tracked: bool
    session: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """A session of a community. `minutes` is how long it is planned to last."""

    code: str
    mode: str
    kind: str = ""
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class CommunityForm:
    """A community, or what the file would make one: its courses by ID number, with all that could earn."""

    courses: tuple[str, ...]
    topic: str
    region: str
    activities: tuple[CourseActivity, ...] = ()
    sessions: tuple[PlannedSession, ...] = ()


def course_findings(
    program: Program, source: Source, communities: Sequence[CommunityForm], refused: Sequence[tuple[str, Placement]]
) -> list[Finding]:
    """Warnings about the courses of a program, in the order of the file's lines, then of the courses."""
    activities = list(dict.fromkeys(one for community in communities for one in community.activities))
    remarks = [
        *_refused(refused),
        *_unruled(program, activities),
        *_twice(program, activities),
        *_untracked(program, activities),
        *_refused_hours(program, activities),
        *_hours(program, communities),
    ]
    if communities:
        remarks += _nowhere(program, activities)
    else:
        remarks.append((("communities",), "no course is a community of this program"))
    found = [source.finding(place, text, "warning") for place, text in remarks]
    return sorted(found, key=lambda finding: finding.line)


Remark = tuple[Place, str]


def _refused(refused: Sequence[tuple[str, Placement]]) -> Iterator[Remark]:
    for course, placement in sorted(refused, key=lambda one: one[0]):
        if placement.refusal:
            place, why = REFUSALS[placement.refusal]
            text = why.format(topic=placement.topic, region=placement.region)
            yield place, f"the course {course} is refused: {text}"


def _shown(activity: Activity) -> str:
    idnumber = f", {activity.idnumber}" if activity.idnumber else ""
    return f"'{activity.name}' ({activity.kind}{idnumber})"


def _unruled(program: Program, activities: Sequence[CourseActivity]) -> Iterator[Remark]:
    for one in activities:
        if one.tracked and rule_for(program, one.activity) is None:
            text = f"no rule matches {_shown(one.activity)} in the course {one.course}, whose completion is tracked"
            yield ("activities",), text


def _refused_hours(program: Program, activities: Sequence[CourseActivity]) -> Iterator[Remark]:
    """Hours in Moodle that the file never takes."""
    if program.hours_from_moodle.take == "ignore":
        return
    for one in activities:
        hours = one.activity.declared
        why = hours_refused(program, one.activity, hours) if hours else None
        if hours and why:
            told = f"{_hours_of(program, hours.minutes)} hours of {_shown(one.activity)} in the course {one.course}"
            text = f"{told} are stated in Moodle and never taken: {_why(program, why, hours.component)}"
            yield ("hours_from_moodle",), text


def _why(program: Program, why: HoursRefused, component: str) -> str:
    bounds = program.hours_from_moodle
    return {
        HoursRefused.TOO_FEW: f"the least is {bounds.min_hours:g}",
        HoursRefused.TOO_MANY: f"the most is {bounds.max_hours:g}",
        HoursRefused.UNKNOWN_COMPONENT: f"there is no component '{component}'",
        HoursRefused.NO_COMPONENT: "they name no component, and no rule matches",
    }[why]


def _twice(program: Program, activities: Sequence[CourseActivity]) -> Iterator[Remark]:
    """Activities that several rules match and that would earn otherwise by a later one."""
    found: dict[tuple[int, str, str], list[str]] = {}
    for one in activities:
        matching = [(n, rule) for n, rule in enumerate(program.activities) if fits(rule, one.activity)]
        for number, rule in matching[1:] if one.tracked else ():
            if _earns(rule) != _earns(matching[0][1]):
                found.setdefault((number, matching[0][1].rule, one.course), []).append(_shown(one.activity))
    for (number, first, course), shown in found.items():
        text = f"in the course {course} '{first}' takes {_listed(shown)} from '{program.activities[number].rule}'"
        yield ("activities", number), f"{text}: the first rule counts"


def _earns(rule: ActivityRule) -> tuple[object, ...]:
    return rule.minutes, rule.component, rule.earns, rule.alternative, rule.phase


def _listed(shown: list[str]) -> str:
    rest = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + rest


def _untracked(program: Program, activities: Sequence[CourseActivity]) -> Iterator[Remark]:
    """Rules that find nothing in a course but activities that can never earn."""
    for number, rule in enumerate(program.activities):
        by_course: dict[str, list[CourseActivity]] = {}
        for one in activities:
            if fits(rule, one.activity):
                by_course.setdefault(one.course, []).append(one)
        for course, matched in by_course.items():
            if not any(one.tracked for one in matched):
                text = f"in the course {course} '{rule.rule}' matches {_listed([_shown(m.activity) for m in matched])}"
                yield ("activities", number), f"{text} alone, whose completion isn't tracked"


def _nowhere(program: Program, activities: Sequence[CourseActivity]) -> Iterator[Remark]:
    for number, rule in enumerate(program.activities):
        if not any(fits(rule, one.activity) for one in activities):
            yield ("activities", number), f"'{rule.rule}' matches nothing in any course"


def _hours(program: Program, communities: Sequence[CommunityForm]) -> Iterator[Remark]:
    for community in communities:
        # What the patterns of `particulars` look at are ID numbers alone.
        particulars = program.of_community(community.topic, community.region, community.courses)
        band = program.band(community.topic, particulars)
        if band is None:
            continue
        minutes = mapped_minutes(program, community)
        if not band.min_minutes <= minutes <= band.max_minutes:
            where = "below" if minutes < band.min_minutes else "above"
            least, most = (_hours_of(program, bound) for bound in (band.min_minutes, band.max_minutes))
            text = (
                f"{', '.join(community.courses)}: activities and planned sessions add up to"
                f" {_hours_of(program, minutes)} hours, {where} the {least} to {most} of the community"
            )
            yield _place_of_band(program, community), text


def _hours_of(program: Program, minutes: int) -> str:
    return f"{minutes / program.hour_minutes:.2f}".rstrip("0").rstrip(".")


def _place_of_band(program: Program, community: CommunityForm) -> Place:
    """Where the file states a community's hours."""
    fitting = program.of_community(community.topic, community.region, community.courses)
    for part in reversed(fitting):
        if part.commitment:
            return "particulars", program.particulars.index(part), "commitment"
    number = next((n for n, topic in enumerate(program.topics) if topic.code == community.topic), None)
    if number is not None and program.topics[number].commitment:
        return "topics", number, "commitment"
    return ("commitment",)


def mapped_minutes(program: Program, community: CommunityForm) -> int:
    """What somebody earns who does everything and is at every session, before caps and rounding.

    Of what stands for one thing the best counts, once.
    """
    best: dict[str, int] = {}
    for number, one in enumerate(community.activities):
        rule = rule_for(program, one.activity)
        if rule is None or not one.tracked:
            continue
        most = max(rule.minutes_for("complete") or 0, rule.minutes_for("passed") or 0)
        thing = _thing(rule, one) or f"activity:{number}"
        best[thing] = max(best.get(thing, 0), most)
    for planned in community.sessions:
        thing = f"session:{planned.code}"
        best[thing] = max(best.get(thing, 0), _at(program, planned))
    return sum(best.values())


def _thing(rule: ActivityRule, one: CourseActivity) -> str | None:
    """What an activity stands for, beside others. None: itself."""
    code = one.session or named_group(rule.idnumber, "session", one.activity.idnumber)
    if code:
        return f"session:{code}"
    return f"rule:{rule.alternative}" if rule.alternative else None


def _at(program: Program, planned: PlannedSession) -> int:
    """The most that being at a session earns."""
    kind = program.kinds_by_name.get(planned.kind)
    components: dict[str, str] = {str(mode): code for mode, code in program.attendance.components.items()}
    if not (kind and kind.component) and planned.mode not in components:
        return 0
    rule = (kind.attendance if kind else None) or program.attendance
    if rule.earns == "fixed":
        return rule.minutes or 0
    minutes = planned.minutes or 0
    if rule.earns == "weighted":
        return minutes * max(rule.weights.values()) // 100
    return minutes if minutes >= rule.at_least else 0
