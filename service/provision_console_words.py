"""Words for provisioning in the console: how far a course is, what is in the way and what to press, what was done."""

from collections.abc import Mapping
from typing import Any

from flask import url_for

from jobs.provision.differences import UNMENDABLE, Difference, Kind, Weight
from jobs.provision.plan import Obstacle, Problem
from records.models import LongJob
from service import provision_words
from service.i18n import N_, _, ngettext

STAGES = {
    "copying": N_("being copied"),
    "copied": N_("copied, not verified yet"),
    "verified": N_("verified, not finished yet"),
    "ready": N_("ready"),
    "closed": N_("closed"),
    "stopped": N_("stopped"),
}
"""How far a course is; as in records.models.ProvisionedCourse."""
IN_CONSOLE: Mapping[Problem, str] = {
    Problem.TOO_MANY: N_(
        "%(changed)s of %(people)s participants would change, more than %(percent)s per cent: is it the right file of"
        " people? If it is, say so when you apply."
    ),
    Problem.HIDING: N_(
        "%(courses)s more courses that people take part in would be hidden than was said: make a plan, which says how"
        " many there are."
    ),
    Problem.NO_SITE: N_("There is no site “%(site)s” any more."),
    Problem.NO_PROGRAM: N_("There is no program “%(program)s” any more."),
}
"""What is said otherwise than at a terminal."""
TITLES = {
    "plan": N_("What an application would do"),
    "drift": N_("What was changed since"),
    "apply": N_("What became of the application"),
    "close": N_("The term is closed"),
}
FATES = {
    Weight.HARMLESS: N_("Harmless: left as they are"),
    Weight.ADOPT: N_("To be adopted into the file, or undone in Moodle"),
    Weight.MEND: N_("Put right by the next application"),
}
BY_SOMEBODY = N_("To be put right by somebody, in Moodle")
ASKED = {
    "provision": N_("The file's own code, for good"),
    "site": N_("Site"),
    "term": N_("Code of the term"),
    "starts": N_("First day"),
    "ends": N_("Last day, included"),
    "template": N_("ID number of the course to copy"),
    "naming.fullname": N_("Name"),
    "naming.shortname": N_("Short name"),
    "naming.idnumber": N_("ID number"),
    "category": N_("Category"),
    "matrix.topics": N_("Topics"),
    "matrix.regions": N_("Regions"),
    "people": N_("Files of people, one name a line"),
    "welcome": N_("Message to everybody who is enrolled, once"),
}
"""What the form calls the places of the file."""
DONE = {
    "saved": N_("The file is kept. Nothing was changed in Moodle: look at the plan."),
    "same": N_("The file is as it was: nothing was kept."),
    "people": N_("The file of people is kept, encrypted."),
    "changed": N_("Nothing was applied: the file was changed since that plan. Make a plan of what it says now."),
}
"""What was done, by the word in the address."""
FAULTS: Mapping[str, str] = {
    "file": N_("The file doesn't fit the program that is in force now. Edit it: what is wrong stands beside its line."),
    "people": N_("A file of people can't be used. Upload it again: what is wrong is said with its row."),
    "no_people": N_("A file of people that the provision file names isn't there: upload it."),
    "sealed": N_("The files of people, or the site's token, were encrypted with another ENCRYPTION_KEY."),
    "busy": N_("Somebody is provisioning this site right now. Wait until that is done, then try again."),
    "other_number": N_("There are more or fewer courses by now than was said: look again."),
}
"""Why the work failed, by the code that it failed with."""


def too_long(most: int) -> str:
    """Of a text."""
    return _("The file has more than %(most)s characters.", most=most)


def other_code(code: str) -> str:
    """Of an edited file."""
    return _("provision: this is the file “%(code)s”, for good. A new file is made by cloning it.", code=code)


def no_site(slug: str) -> str:
    """Of a file."""
    return _("site: there is no site “%(site)s”.", site=slug)


def other_site(code: str) -> str:
    """Of a file."""
    return _("site: the file “%(code)s” is another site's: give this one another code.", code=code)


def no_program(code: str) -> str:
    """Of a file."""
    return _("program: no program “%(program)s” was applied yet.", program=code)


def by(name: str) -> str:
    """Who did it, by the name that the queries give."""
    return _("The command line") if name == "cli" else name


def stage(code: str) -> str:
    """How far a course is."""
    return _(STAGES[code])


def obstacle(data: Mapping[str, Any]) -> str:
    """What is in the way, and what to do about it; as it was kept by a job or with a course."""
    problem, params = Problem(data["problem"]), dict(data["params"])
    if text := IN_CONSOLE.get(problem):
        return _(text, **params)
    return provision_words.obstacle_text(Obstacle(problem, params))


def stopped(fault: str, params: Mapping[str, Any]) -> str:
    """Why an application stopped at a course."""
    return obstacle({"problem": fault, "params": params})


def kinds(counted: Mapping[str, int]) -> list[tuple[int, str]]:
    """How many of what, the most first."""
    named = provision_words.KINDS
    return [(n, _(named[Kind(kind)])) for kind, n in sorted(counted.items(), key=lambda one: -one[1])]


def difference(data: Mapping[str, Any]) -> Difference:
    """As it was kept by a job."""
    return Difference(Kind(data["kind"]), data["about"], data["wanted"], data["found"], 0, data["by_hand"])


UNSAID = frozenset({Kind.PERSON, Kind.PERSON_NEW, Kind.ACCOUNT, Kind.WELCOME}) | provision_words.HASHED
"""Of these there is no more to say than what they are."""


def changed(one: Difference) -> str:
    """What is, and what shall be; of people nothing but where they stand in their file."""
    text = provision_words.kind_text(one)
    if one.creates or one.kind in UNSAID:
        return text
    if one.by_hand and not one.to_do:
        return _("%(what)s: it was “%(wanted)s”, now it is “%(found)s”", what=text, **_values(one))
    return _("%(what)s: “%(found)s” becomes “%(wanted)s”", what=text, **_values(one))


def _values(one: Difference) -> dict[str, str]:
    return {name: provision_words.value_text(one.kind, getattr(one, name)) for name in ("found", "wanted")}


def fate(one: Difference) -> str:
    """What becomes of a change that was made by hand."""
    return _(BY_SOMEBODY) if one.kind in UNMENDABLE else _(FATES[one.kind.weight])


def fate_key(one: Difference) -> str:
    """By what differences of a course are put together: what is to be put right first."""
    order = (Weight.MEND, Weight.ADOPT, Weight.HARMLESS)
    return "0" if one.kind in UNMENDABLE else str(1 + order.index(one.kind.weight))


def asked(place: str) -> str:
    """What the form calls a place of the file; the place itself where it has no field of its own."""
    known = next((place[:n] for n in range(len(place), 0, -1) if place[:n] in ASKED), "")
    label = ASKED.get(known)
    return _(label) if label else place


def what(job: LongJob) -> str:
    """What a job's page shows: plan, drift, apply, close."""
    return str(job.asked.get("show", "plan")) if job.kind == "provision_plan" else job.kind.removeprefix("provision_")


def title(job: LongJob) -> str:
    """Of a job's page."""
    return _(TITLES[what(job)])


def page(job: LongJob) -> str:
    """The address of a job's page."""
    return url_for("provision_work.show", code=job.asked["code"], job_id=job.id)


def so_far(job: LongJob) -> str:
    """What was done where it ended in the middle."""
    courses = job.result.get("courses", [])
    ready = sum("obstacle" not in course for course in courses) if isinstance(courses, list) else 0
    return ngettext(
        "%(n)s course is ready, and stays so. Apply the file again for the others.",
        "%(n)s courses are ready, and stay so. Apply the file again for the others.",
        ready,
    )
