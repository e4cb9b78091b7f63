"""What the probes of capabilities gather: which are there, which are missing, and what shows it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.doctor.books import CourseBooks
from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import REFUSED, Look, told
from jobs.doctor.needs import USE_OF
from moodle_client import Course, MoodleError, Reason


class Shown(StrEnum):
    """What shows that a capability is missing."""

    REFUSED = "refused"
    """Moodle refuses the function."""
    FEWER_PEOPLE = "fewer_people"
    FIELDS = "fields"
    """A field is missing from other people's data, or from courses, activities or categories."""
    FEWER_ACTIVITIES = "fewer_activities"
    FEWER_SECTIONS = "fewer_sections"
    FEWER_COURSES = "fewer_courses"


@dataclass(slots=True)
class Evidence:
    """Of all courses that were looked at; of each capability the first sign is kept."""

    look: Look
    there: set[str] = field(default_factory=set)
    findings: dict[object, Finding] = field(default_factory=dict)

    def shows(self, *capabilities: str) -> None:
        """These are granted: an answer holds what it couldn't hold without."""
        self.there.update(capabilities)

    def lacks(self, capability: str, shown: Shown, function: str, course: int = 0, what: str = "") -> None:
        """This one isn't granted."""
        params = {"capability": capability, "shown": str(shown), "function": function, "course": course, "what": what}
        use = USE_OF.get(capability)
        if use is None:
            self.findings.setdefault(capability, Finding(Code.CAPABILITY_MISSING, params))
        elif use in self.look.uses:
            self.findings.setdefault(capability, Finding(Code.CAPABILITY_WANTED, params | {"use": str(use)}))

    def one_of(self, capabilities: Iterable[str], shown: Shown, function: str, course: int, what: str = "") -> None:
        """At least one of these isn't granted."""
        possible = tuple(dict.fromkeys(capabilities))
        params = {"capabilities": possible, "shown": str(shown), "function": function, "course": course, "what": what}
        self.findings.setdefault(possible, Finding(Code.CAPABILITY_ONE_OF, params))

    def concluded(self) -> list[Finding]:
        """The findings, once all was seen: what is shown to be granted, or to be missing, explains the rest."""
        for possible in [key for key in self.findings if isinstance(key, tuple)]:
            params = self.findings[possible].params
            if params.get("capabilities") != possible:
                continue
            left = [name for name in possible if name not in self.there]
            del self.findings[possible]
            if any(name in self.findings for name in possible) or not left:
                continue
            sign = Shown(params["shown"]), params["function"], params["course"], params["what"]
            if len(left) == 1:
                self.lacks(left[0], *sign)
            else:
                self.one_of(left, *sign)
        return [*self.findings.values(), *self._beyond()]

    def _beyond(self) -> Iterator[Finding]:
        """What is granted, lets its holder change things, and serves no program here."""
        for capability, use in USE_OF.items():
            if capability in self.there and use not in self.look.uses:
                yield Finding(Code.CAPABILITY_BEYOND, {"capability": capability, "use": str(use)})

    def refused(self, err: MoodleError, capability: str, course: int = 0) -> bool:
        """A call failed: for want of this capability, or for another reason. Returns whether it was refused.

        What the token's service doesn't hold is another check's.
        """
        if err.reason is Reason.NO_PERMISSION:
            self.lacks(capability, Shown.REFUSED, err.function, course)
        elif err.reason not in REFUSED:
            self.findings.setdefault((err.function, err.errorcode), told(err))
        return err.reason is Reason.NO_PERMISSION


@dataclass(slots=True)
class Place:
    """A course that is probed: as Moodle lists it, as the records know it."""

    id: int
    course: Course | None
    books: CourseBooks | None
    evidence: Evidence

    @property
    def look(self) -> Look:
        return self.evidence.look

    def lacks(self, capability: str, shown: Shown, function: str, what: str = "") -> None:
        self.evidence.lacks(capability, shown, function, self.id, what)
