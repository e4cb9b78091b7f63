"""Which course or group is which community, which group is a team, and which rule an activity falls under."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mappings.earning import MOODLE_HOURS, ActivityRule, FromActivity
from mappings.facts import Activity, Hours
from mappings.places import CommunityMatch
from mappings.program import Program


class Refusal(StrEnum):
    """Why a course that looks like a community is not one."""

    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_REGION = "unknown_region"
    COMMITMENT_NOT_SET = "commitment_not_set"


@dataclass(frozen=True, slots=True)
class CourseForm:
    """What the file's patterns look at. `site` is the site's short name."""

    idnumber: str
    shortname: str = ""
    category_idnumber: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    site: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """A course's or group's place among a program's communities; refused when `refusal` is given.

    `key` is what several courses or groups of one community share; empty where it is a community of its own.
    """

    topic: str
    region: str
    refusal: Refusal | None = None
    key: str = ""
    host: str | None = None


def place_course(program: Program, course: CourseForm, group_idnumber: str | None = None) -> Placement | None:
    """The community that a course is, or the group of that ID number in it; None when it is none of this program's."""
    for match in program.communities:
        if (match.group_idnumber is None) != (group_idnumber is None) or match.site not in (None, course.site):
            continue
        parts = _parts(match, course, group_idnumber)
        if parts is not None:
            return _placed(program, match, parts, course.idnumber)
    return None


def has_groups(program: Program, course: CourseForm) -> bool:
    """Whether groups of a course may be communities of a program."""
    matches = (match for match in program.communities if match.group_idnumber)
    return any(match.site in (None, course.site) and _parts(match, course, None) is not None for match in matches)


def _parts(match: CommunityMatch, course: CourseForm, group_idnumber: str | None) -> dict[str, str] | None:
    """The named parts of all patterns; None where one doesn't match."""
    looks_at = [
        (match.course_idnumber, course.idnumber),
        (match.course_shortname, course.shortname),
        (match.category_idnumber, course.category_idnumber),
        *((pattern, course.fields.get(name, "")) for name, pattern in match.field.items()),
    ]
    if group_idnumber is not None:
        looks_at.append((match.group_idnumber, group_idnumber))
    parts: dict[str, str] = {}
    for pattern, text in looks_at:
        if pattern is None:
            continue
        found = re.fullmatch(pattern, text) if text else None
        if found is None:
            return None
        parts |= {name: value for name, value in found.groupdict().items() if value is not None}
    return parts


def _placed(program: Program, match: CommunityMatch, parts: dict[str, str], idnumber: str) -> Placement:
    topic, region = match.topic or parts.get("topic", ""), match.region or parts.get("region", "")
    known = program.topic(topic)
    refusal = None
    if known is None:
        refusal = Refusal.UNKNOWN_TOPIC
    elif program.region(region) is None:
        refusal = Refusal.UNKNOWN_REGION
    elif known.commitment == "to_be_set" and not program.band(topic, program.of_community(topic, region, (idnumber,))):
        refusal = Refusal.COMMITMENT_NOT_SET
    key = f"{topic}/{region}/{parts['community']}" if "community" in parts else ""
    return Placement(topic, region, refusal, key, parts.get("host"))


@dataclass(frozen=True, slots=True)
class TeamForm:
    """A group that is a team. `organisation` is the code of its organisation, where the file's pattern names it."""

    organisation: str | None


def team_of(program: Program, idnumber: str, groupings: tuple[str, ...]) -> TeamForm | None:
    """Whether a group is a team of the program."""
    if program.teams is None:
        return None
    found = re.fullmatch(program.teams.group_idnumber, idnumber) if program.teams.group_idnumber and idnumber else None
    if program.teams.group_idnumber and not found:
        return None
    grouping = program.teams.grouping
    if grouping and not any(re.fullmatch(grouping, name) for name in groupings):
        return None
    return TeamForm(found.groupdict().get("organisation") if found else None)


class HoursRefused(StrEnum):
    """Why hours that are declared in Moodle are never taken."""

    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    UNKNOWN_COMPONENT = "unknown_component"
    NO_COMPONENT = "no_component"
    """They name none, and no rule says what the activity counts in."""


def rule_for(program: Program, activity: Activity) -> ActivityRule | None:
    """What an activity earns: the first rule all of whose conditions hold for it, with the hours that Moodle's form
    states where the program takes them."""
    # Thousands complete the same few activities.
    try:
        return program.rules_found[activity]
    except KeyError:
        return program.rules_found.setdefault(activity, _with_hours(program, activity))


def _with_hours(program: Program, activity: Activity) -> ActivityRule | None:
    rule = first_rule(program, activity)
    hours = hours_taken(program, activity)
    if hours is None:
        return rule
    if rule is None:
        return ActivityRule.model_construct(rule=MOODLE_HOURS, minutes=hours.minutes, component=hours.component)
    return rule.model_copy(update={"minutes": hours.minutes, "component": hours.component or rule.component})


def first_rule(program: Program, activity: Activity) -> ActivityRule | None:
    """The first rule of the file all of whose conditions hold, whatever Moodle's form states."""
    return next((rule for rule in program.activities if fits(rule, activity)), None)


def hours_taken(program: Program, activity: Activity) -> Hours | None:
    """The hours of an activity's form in Moodle, where they count instead of the rule's."""
    if activity.hours is None and activity.declared is None:
        return None
    take = program.hours_from_moodle.take
    hours = {"propose": activity.hours, "accept": activity.declared}.get(take)
    return hours if hours and hours_refused(program, activity, hours) is None else None


def hours_refused(program: Program, activity: Activity, hours: Hours) -> HoursRefused | None:
    """Why an activity can't be given these hours. None: it can."""
    bounds = program.hours_from_moodle
    if hours.minutes < program.minutes(bounds.min_hours):
        return HoursRefused.TOO_FEW
    if hours.minutes > program.minutes(bounds.max_hours):
        return HoursRefused.TOO_MANY
    if hours.component:
        return None if hours.component in program.components else HoursRefused.UNKNOWN_COMPONENT
    return None if first_rule(program, activity) else HoursRefused.NO_COMPONENT


def fits(rule: ActivityRule | FromActivity, activity: Activity) -> bool:
    """Whether all conditions that are given hold for an activity."""
    if rule.kind and activity.kind not in rule.kind:
        return False
    conditions = ((rule.idnumber, activity.idnumber), (rule.section, activity.section), (rule.name, activity.name))
    return all(pattern is None or re.fullmatch(pattern, text) for pattern, text in conditions)
