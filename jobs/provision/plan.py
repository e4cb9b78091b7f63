"""What an application of a provision file would do: a tree of counts, and all that is in the way."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jobs.provision.differences import Difference


class Problem(StrEnum):
    """What is in the way; service.provision_words says what to do. With what `Obstacle.params` holds."""

    NO_PLUGIN = "no_plugin"
    OTHER_FILE = "other_file"
    """`code` is that of a file of another site, or of another term: `term`, else empty."""
    NO_SITE = "no_site"
    """There is no site `site`."""
    NO_PROGRAM = "no_program"
    """No program `program` was applied."""
    NO_TOKEN = "no_token"  # noqa: S105 - a code
    NOT_IN_SERVICE = "not_in_service"
    """`functions`: the token's service lacks them."""
    UNREACHABLE = "unreachable"
    """`reason`: of a MoodleError."""
    NO_COMPLETION = "no_completion"
    """The site tracks no completion at all."""
    NO_TEMPLATE = "no_template"
    """`template`."""
    TEMPLATES = "templates"
    """Several courses have the ID number `template`: `courses`."""
    TEMPLATE_CLOSED = "template_closed"
    """The plugin doesn't hand the course `template` over."""
    TEMPLATE_UNTRACKED = "template_untracked"
    """The course of `template` tracks no completion, or none of its activities does."""
    TEMPLATE_BARE = "template_bare"
    """`activities` of `template` have neither an ID number nor hours, and the program earns nothing for any."""
    TEMPLATE_ALIKE = "template_alike"
    """`activities` of `template` can't be told apart: they share ID number, or kind and name."""
    NOT_HANDED_OVER = "not_handed_over"
    """The plugin wouldn't hand the course over."""
    CATEGORIES = "categories"
    """Several categories have the ID number `category`."""
    COURSES = "courses"
    """Several courses have the ID number `idnumber`: `courses`."""
    SHORTNAME = "shortname"
    """Another course, `course`, has the short name."""
    TAKEN = "taken"
    """The course `course` has the ID number, and wasn't made by this file: adopt it."""
    GONE = "gone"
    """The course `course` that was made is gone."""
    BROKEN_COPY = "broken_copy"
    """The copy `course` broke off."""
    ROLE = "role"
    """There is no role `role`."""
    ROLE_NOT_OURS = "role_not_ours"
    """The token's account may not assign `role`."""
    COHORT = "cohort"
    """There is no cohort `cohort`."""
    COHORT_ELSEWHERE = "cohort_elsewhere"
    """`cohort` is enrolled otherwise."""
    FIELD = "field"
    """There is no course field `field`."""
    FIELD_VALUE = "field_value"
    """`field` can't be `value`."""
    AUTH = "auth"
    """The sign-in method `auth` isn't switched on."""
    NO_ACCOUNT = "no_account"
    """Nobody has the keys of `row`, and no accounts are to be made."""
    SEVERAL_ACCOUNTS = "several_accounts"
    """`row`: `users` have them: who is meant?"""
    KEYS_DISAGREE = "keys_disagree"
    """`row`: its keys belong to different `users`."""
    KEY_DIFFERS = "key_differs"
    """`row`: the account `user`, which one of its keys leads to, has others in `columns`."""
    LISTED_TWICE = "listed_twice"
    """`row` is the person of `other`, and says something else."""
    INCOMPLETE = "incomplete"
    """`row`: for a new account it lacks `columns`."""
    ACCOUNT_SUSPENDED = "account_suspended"
    """`row`: the account `user` is suspended or deleted."""
    ACTIVITY_GONE = "activity_gone"
    """`activity` isn't in the course any more."""
    LOCKED = "locked"
    """`activity`: its completion rules can't be set while somebody has completed it."""
    CONTENT = "content"
    """The copy doesn't hold what the template holds: `what`, `about`."""
    METHOD_OFF = "method_off"
    """The enrolment method `method` of the course is switched off."""
    GROUP_TAKEN = "group_taken"
    """Another group of the course has the name that `group` shall have: `name`."""
    SESSION = "session"
    """The session `code` can't be: `fault` of records.session_checks.Fault."""
    TOO_MANY = "too_many"
    """`changed` of `people` participants would change, more than `percent` per cent."""
    HIDING = "hiding"
    """`courses` that people take part in would be hidden."""
    NOT_READ_BACK = "not_read_back"
    """After all was done, the site still differs: `what`, `about`."""
    MOODLE = "moodle"
    """Moodle refused: `function`, `reason`, `errorcode`."""
    UNSURE = "unsure"
    """Moodle gave no answer: `function`."""
    FAULT = "fault"
    """CoP Bridge itself failed: `fault`, the class of the error."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in the way. Without a course it is in the way of all."""

    problem: Problem
    params: dict[str, Any] = field(default_factory=dict)
    """Ids, codes, ID numbers of courses and activities, rows of files; never who a person is."""


class InTheWay(Exception):
    """It can't go on with this course; the others can."""

    def __init__(self, problem: Problem, **params: Any) -> None:
        super().__init__(str(problem))
        self.obstacle = Obstacle(problem, params)


@dataclass(frozen=True, slots=True)
class CoursePlan:
    """What would be done about one course."""

    key: str
    course: int | None
    """Moodle's id; None: it is yet to be made."""
    shortname: str
    differences: tuple[Difference, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    people: int = 0
    """Who is there and shall be."""

    @property
    def to_do(self) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if one.to_do)

    @property
    def left(self) -> tuple[Difference, ...]:
        """What differs, and is left as it is."""
        return tuple(one for one in self.differences if not one.to_do)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an application would do."""

    code: str
    site: str
    categories: tuple[str, ...]
    """ID numbers of categories that would be made."""
    courses: tuple[CoursePlan, ...]
    obstacles: tuple[Obstacle, ...] = ()
    """In the way of all."""
    unlisted: tuple[tuple[str, int], ...] = ()
    """Courses that the file made, key and Moodle's id, and doesn't name any more: they are left."""

    @property
    def blocked(self) -> bool:
        """Whether anything is in the way."""
        return bool(self.obstacles) or any(course.obstacles for course in self.courses)

    @property
    def empty(self) -> bool:
        """Whether an application would write nothing."""
        return not self.categories and not any(course.to_do for course in self.courses)

    def counts(self) -> Counter[str]:
        """How many things would be created, changed, and left though they differ; how many are in the way."""
        found = Counter(created=len(self.categories), blocked=len(self.obstacles))
        for course in self.courses:
            found["blocked"] += len(course.obstacles)
            found["left"] += len(course.left)
            for one in course.to_do:
                found["created" if one.creates else "changed"] += 1
        return found
