"""Which course is which community, and which rule an activity falls under."""

import re
from dataclasses import dataclass
from enum import StrEnum

from mappings.facts import Activity
from mappings.program import ActivityRule, Program


class Refusal(StrEnum):
    """Why a course that looks like a community is not one."""

    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_REGION = "unknown_region"
    COMMITMENT_NOT_SET = "commitment_not_set"


@dataclass(frozen=True, slots=True)
class Placement:
    """A course's place among a program's communities; refused when `refusal` is given."""

    topic: str
    region: str
    refusal: Refusal | None = None


def place_course(program: Program, idnumber: str) -> Placement | None:
    """The community that a course is, by its idnumber; None when it is none of this program's."""
    if not idnumber:
        return None
    for match in program.communities:
        found = re.fullmatch(match.course_idnumber, idnumber)
        if not found:
            continue
        topic, region = found["topic"], found["region"]
        known = program.topic(topic)
        if known is None:
            return Placement(topic, region, Refusal.UNKNOWN_TOPIC)
        if program.region(region) is None:
            return Placement(topic, region, Refusal.UNKNOWN_REGION)
        if known.commitment == "to_be_set":
            return Placement(topic, region, Refusal.COMMITMENT_NOT_SET)
        return Placement(topic, region)
    return None


def rule_for(program: Program, activity: Activity) -> ActivityRule | None:
    """The first rule all of whose conditions hold for the activity."""
    for rule in program.activities:
        if rule.kind and activity.kind not in rule.kind:
            continue
        conditions = ((rule.idnumber, activity.idnumber), (rule.section, activity.section), (rule.name, activity.name))
        if all(pattern is None or re.fullmatch(pattern, text) for pattern, text in conditions):
            return rule
    return None
