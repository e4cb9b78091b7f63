"""Words for provisioning: what is in the way and what to do about it, what differs, what becomes of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jobs.provision.differences import Difference, Kind, Value, Weight
from jobs.provision.plan import Obstacle, Problem
from service.i18n import N_, _

PROBLEMS: Mapping[Problem, str] = {
    Problem.OTHER_FILE: N_(
        "By the code “%(code)s” courses of another site, or of another term (%(term)s), were made: give this file a"
        " code of its own (provision)."
    ),
    Problem.NO_SITE: N_("There is no site “%(site)s”: `copbridge site list` shows those there are."),
    Problem.NO_PROGRAM: N_("No program “%(program)s” was applied yet: `copbridge program apply FILE` does that."),
    Problem.NO_TOKEN: N_(
        "The site “%(site)s” has no token for provisioning. Make one in Moodle (docs/provisioning.md), and give it with"
        " `copbridge site secret add %(site)s --purpose provisioning --from-stdin`."
    ),
    Problem.NO_PLUGIN: N_(
        "The site's companion plugin isn't there, or the token isn't of its service “CoP Bridge provisioning”. Without"
        " the plugin completion rules and ID numbers can be neither read nor set, so that nothing could be verified"
        " before people are enrolled: install it (`copbridge plugin build`), and make the token as"
        " docs/provisioning.md says."
    ),
    Problem.NOT_IN_SERVICE: N_(
        "The token's service lacks %(functions)s: update the companion plugin, and use its service “CoP Bridge"
        " provisioning” as it is."
    ),
    Problem.UNREACHABLE: N_("The site can't be asked: %(reason)s. `copbridge doctor` says more."),
    Problem.NO_COMPLETION: N_(
        "The site doesn't track completion: switch it on in Moodle (Site administration, Advanced features)."
    ),
    Problem.NO_TEMPLATE: N_(
        "No course has the ID number “%(template)s”: give it to the template in Moodle, or make one with"
        " `copbridge provision template`."
    ),
    Problem.TEMPLATES: N_(
        "Several courses have the ID number “%(template)s” (%(courses)s): which one is the template?"
    ),
    Problem.TEMPLATE_CLOSED: N_(
        "The companion plugin doesn't hand over the template “%(template)s” (course %(course)s): add it to the chosen"
        " courses in the plugin's settings."
    ),
    Problem.TEMPLATE_UNTRACKED: N_(
        "The template “%(template)s” tracks no completion: switch it on in the course's settings, and give at least one"
        " activity a completion rule."
    ),
    Problem.TEMPLATE_BARE: N_(
        "None of the %(activities)s tracked activities of the template “%(template)s” would earn anything: give them"
        " the ID numbers that the program's rules go by, or hours."
    ),
    Problem.TEMPLATE_ALIKE: N_(
        "Activities of the template “%(template)s” can't be told apart: %(activities)s. Give each an ID number of its"
        " own."
    ),
    Problem.NOT_HANDED_OVER: N_(
        "The companion plugin wouldn't hand the course over, so that nothing in it would count: add its category to the"
        " chosen ones in the plugin's settings."
    ),
    Problem.CATEGORIES: N_("Several categories have the ID number “%(category)s”: leave it to one of them."),
    Problem.COURSES: N_("Several courses have the ID number “%(idnumber)s” (%(courses)s): leave it to one of them."),
    Problem.SHORTNAME: N_(
        "Another course, %(course)s, has the short name “%(shortname)s”: rename it, or change the file's naming."
    ),
    Problem.TAKEN: N_(
        "The course %(course)s has the ID number “%(idnumber)s” and wasn't made by this file:"
        " `copbridge provision adopt` takes it over."
    ),
    Problem.GONE: N_(
        "The course %(course)s, which was made for it, is gone from Moodle. Restore it there, or take the community out"
        " of the file."
    ),
    Problem.BROKEN_COPY: N_(
        "Moodle broke off when it made the course %(course)s (“%(shortname)s”): delete that course in Moodle, then"
        " apply the file again."
    ),
    Problem.ROLE: N_("The site has no role “%(role)s”."),
    Problem.ROLE_NOT_OURS: N_(
        "The token's account may not assign the role “%(role)s”: allow it in Moodle (Define roles, Allow role"
        " assignments)."
    ),
    Problem.COHORT: N_("No cohort that the account sees has the ID number “%(cohort)s”."),
    Problem.COHORT_ELSEWHERE: N_(
        "The cohort “%(cohort)s” is enrolled with another group, or switched off: put that right in Moodle."
    ),
    Problem.FIELD: N_("The site has no course field “%(field)s”; there are: %(known)s."),
    Problem.FIELD_VALUE: N_("The course field “%(field)s” can't be “%(value)s”; it can be: %(options)s."),
    Problem.AUTH: N_("The way to sign in “%(auth)s” isn't switched on at the site."),
    Problem.NO_ACCOUNT: N_(
        "%(row)s: nobody at the site has these keys. Make the account in Moodle, or let the file say"
        " `create_users: true`."
    ),
    Problem.SEVERAL_ACCOUNTS: N_("%(row)s: several accounts have the key (%(users)s): say which by its Moodle id."),
    Problem.KEYS_DISAGREE: N_("%(row)s: its keys belong to different accounts (%(users)s): leave out the wrong one."),
    Problem.KEY_DIFFERS: N_(
        "%(row)s: the account %(user)s, which one of its keys leads to, has something else as %(columns)s: correct it,"
        " or leave it out."
    ),
    Problem.LISTED_TWICE: N_("%(row)s is the person of %(other)s, and says something else: leave one of them."),
    Problem.INCOMPLETE: N_("%(row)s: to make the account it needs %(columns)s, too."),
    Problem.ACCOUNT_SUSPENDED: N_("%(row)s: the account %(user)s is suspended or deleted in Moodle."),
    Problem.ACTIVITY_GONE: N_("The course has no activity with the ID number “%(activity)s”."),
    Problem.LOCKED: N_(
        "The completion rules of “%(activity)s” can't be put right while somebody has completed it: decide in Moodle,"
        " in the activity's settings."
    ),
    Problem.CONTENT: N_(
        "The copy doesn't hold what its template holds (%(what)s: %(about)s), so nobody was enrolled. Put it right in"
        " Moodle, or delete the copy, and apply the file again."
    ),
    Problem.METHOD_OFF: N_("The enrolment method “%(method)s” of the course is switched off in Moodle."),
    Problem.GROUP_TAKEN: N_(
        "Another group of the course, or of its template, is called “%(name)s”: give it the ID number “%(group)s” in"
        " Moodle, or choose another name."
    ),
    Problem.SESSION: N_("The session %(code)s can't be planned: %(fault)s."),
    Problem.TOO_MANY: N_(
        "%(changed)s of %(people)s participants would change, more than %(percent)s per cent: is it the right file of"
        " people? `--many` says so."
    ),
    Problem.HIDING: N_(
        "%(courses)s courses that people take part in would be hidden: `--hide %(courses)s` says that it is meant."
    ),
    Problem.NOT_READ_BACK: N_(
        "After all was done, the site still differs (%(what)s: %(about)s). Apply the file again; if it stays, look at"
        " it in Moodle."
    ),
    Problem.MOODLE: N_("Moodle refused %(function)s (%(reason)s %(errorcode)s). `copbridge doctor` says more."),
    Problem.UNSURE: N_("Moodle gave no answer to %(function)s: apply the file again, it looks for what was done."),
    Problem.FAULT: N_(
        "CoP Bridge itself failed there (%(fault)s): apply the file again; if it stays, tell those who look after it."
    ),
}
"""What is in the way, and what to do."""

KINDS: Mapping[Kind, str] = {
    Kind.COURSE: N_("course"),
    Kind.FULLNAME: N_("the course's name"),
    Kind.SHORTNAME: N_("the short name"),
    Kind.IDNUMBER: N_("the course's ID number"),
    Kind.CATEGORY: N_("the category"),
    Kind.STARTS: N_("the first day"),
    Kind.ENDS: N_("the last day"),
    Kind.VISIBLE: N_("whether participants see the course"),
    Kind.TRACKING: N_("completion tracking of the course"),
    Kind.FIELD: N_("course field"),
    Kind.SECTION_GONE: N_("section that is missing"),
    Kind.SECTION_NAME: N_("name of section"),
    Kind.SECTION_VISIBLE: N_("visibility of section"),
    Kind.SECTION_TEXT: N_("text of section"),
    Kind.SECTION_NEW: N_("new section"),
    Kind.ACTIVITY_GONE: N_("activity that is missing"),
    Kind.ACTIVITY_IDNUMBER: N_("ID number of activity"),
    Kind.ACTIVITY_NAME: N_("name of activity"),
    Kind.ACTIVITY_SECTION: N_("section of activity"),
    Kind.ACTIVITY_VISIBLE: N_("visibility of activity"),
    Kind.ACTIVITY_RULES: N_("completion rules of activity"),
    Kind.ACTIVITY_FURTHER: N_("further completion rules of activity"),
    Kind.ACTIVITY_EXPECTED: N_("day by which activity is expected"),
    Kind.ACTIVITY_MINUTES: N_("hours of activity"),
    Kind.ACTIVITY_COMPONENT: N_("component of activity"),
    Kind.ACTIVITY_RESTRICTED: N_("restrictions of activity"),
    Kind.ACTIVITY_NEW: N_("new activity"),
    Kind.ACTIVITY_NEW_HOURS: N_("new activity with hours or an ID number"),
    Kind.GROUP: N_("group"),
    Kind.GROUP_NAME: N_("name of group"),
    Kind.GROUP_NEW: N_("new group"),
    Kind.COHORT: N_("enrolment of cohort"),
    Kind.COHORT_OFF: N_("enrolment of cohort, switched off"),
    Kind.MANUAL_OFF: N_("manual enrolment, switched off"),
    Kind.METHOD_NEW: N_("new way to be enrolled"),
    Kind.ACCOUNT: N_("account"),
    Kind.PERSON: N_("person to enrol"),
    Kind.PERSON_SUSPENDED: N_("person whose enrolment is suspended"),
    Kind.PERSON_ROLE: N_("role of person"),
    Kind.PERSON_ROLE_MORE: N_("further role of person"),
    Kind.PERSON_GROUP: N_("group of person"),
    Kind.PERSON_GROUP_MORE: N_("further group of person"),
    Kind.PERSON_NEW: N_("person whom the file doesn't know"),
    Kind.WELCOME: N_("welcome message"),
    Kind.SESSION: N_("session"),
    Kind.SESSION_CHANGED: N_("session that was changed"),
    Kind.EVENT: N_("session in the course's calendar"),
    Kind.EVENT_ELSEWHERE: N_("session at another time in the course's calendar"),
    Kind.COMMUNITY: N_("community of its own"),
}
"""What differs."""

WEIGHTS: Mapping[Weight, str] = {
    Weight.HARMLESS: N_("harmless"),
    Weight.ADOPT: N_("to be adopted into the file, or undone in Moodle"),
    Weight.MEND: N_("put right by the next application"),
}
BY_SOMEBODY = N_("to be put right by somebody, in Moodle")

HASHED = frozenset({Kind.SECTION_TEXT, Kind.ACTIVITY_RESTRICTED})
"""What is compared by a hash, which says nothing to people."""
SECONDS = frozenset({Kind.STARTS, Kind.ENDS, Kind.ACTIVITY_EXPECTED})


def obstacle_text(obstacle: Obstacle) -> str:
    """What is in the way, and what to do about it."""
    return _(PROBLEMS[obstacle.problem], **{name: _said(value) for name, value in obstacle.params.items()})


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def kind_text(difference: Difference) -> str:
    """What differs, with which one."""
    return f"{_(KINDS[difference.kind])} {difference.about}".strip()


def value_text(kind: Kind, value: Value) -> str:
    """A value of a difference as people read it: Unix seconds as a moment, nothing as a word."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value in (None, ""):
        return _("nothing")
    if kind in SECONDS and isinstance(value, int):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M} UTC" if value else _("nothing")
    return str(value)
