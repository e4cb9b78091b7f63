"""The words of `copbridge doctor`: what each finding means, and how to mend it. docs/doctor.md repeats them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jobs.doctor.evidence import Shown
from jobs.doctor.findings import Code, Finding
from jobs.doctor.needs import BY_USE, Needs, Use
from service.cli.doctor_fixes import ADMIN, FIXES
from service.cli.doctor_outcomes import outcome_of
from service.cli.output import clean


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words: what is the matter, and what to do."""

    says: str
    fix: tuple[str, ...]


CHECKS = MappingProxyType(
    {
        "secrets": "Token and secrets",
        "tls": "Encryption",
        "answers": "Address and token",
        "address": "Moodle's own address",
        "version": "Moodle's version",
        "account": "Account of the token",
        "functions": "Functions",
        "clock": "Clocks",
        "courses": "Courses to look at",
        "capabilities": "Capabilities",
        "attendance": "Attendance activities",
        "messages": "Messages to participants",
        "completion": "Completion tracking",
        "cron": "Moodle's cron",
        "plugin": "Companion plugin",
        "events": "Events",
        "inbox": "Inbox",
        "sweeps": "Sweeps",
        "idnumbers": "ID numbers",
        "mapping": "Activities and rules",
        "sign_in": "Sign-in by districts",
    }
)
SAYS: MappingProxyType[Code, str] = MappingProxyType(
    {
        Code.TOKEN_ABSENT: "No token of the site's web services is kept here, so nothing can be read from Moodle.",
        Code.WIRE_SECRET_ABSENT: "The site has no active secret to sign its events with: none can be taken.",
        Code.SECRETS_UNREADABLE: "The site's secrets can't be read. {why}",
        Code.TLS_ABSENT: "{wwwroot} isn't encrypted: the token and people's data can be read on the way.",
        Code.CERTIFICATE_UNTRUSTED: "The certificate of {host} isn't trusted: {why}.",
        Code.CERTIFICATE_EXPIRES: "The certificate of {host} expires on {on}, in {days} days.",
        Code.UNREACHABLE: "{wwwroot} doesn't answer ({detail}).",
        Code.REDIRECTED: "{wwwroot} sends elsewhere ({detail}). The token isn't sent on there.",
        Code.NOT_MOODLE: "What answers at {wwwroot} isn't Moodle's web services ({detail}).",
        Code.WEB_SERVICES_OFF: "Web services, or the protocol REST, are switched off in Moodle.",
        Code.MAINTENANCE: "The site is in maintenance mode ({detail}).",
        Code.SERVER_FAILED: "The site fails, or has too much to do ({detail}).",
        Code.TOKEN_INVALID: "Moodle doesn't know the token: it was deleted, has expired, or is another site's.",
        Code.TOKEN_REFUSED: "Moodle knows the token and refuses it ({detail}).",
        Code.CALL_FAILED: "{function} failed ({reason}{errorcode}).",
        Code.OTHER_ADDRESS: "Moodle calls itself {siteurl}, and the site is {wwwroot} here: what it sends is refused.",
        Code.VERSION_UNTRIED: "Moodle {release} is none of those that this was tried with: 4.5 to 5.x.",
        Code.TOKEN_OF_ADMIN: "The token belongs to a site administrator (user {user}): who gets hold of it may do all.",
        Code.FUNCTION_MISSING: "The external service lacks the function {function}.",
        Code.FUNCTIONS_BEYOND: "The external service offers {count} functions that aren't called: {functions}.",
        Code.PLUGIN_FUNCTIONS_MISSING: "Nothing can be read by the plugin: the external service lacks {functions}.",
        Code.PLUGIN_FUNCTIONS_FEWER: "The external service lacks functions of the plugin: {functions}.",
        Code.CLOCK_OFF: "Moodle's clock is {seconds} seconds {direction} ours.",
        Code.CLOCK_FAR_OFF: "Moodle's clock is {seconds} seconds {direction} ours: signed batches are refused.",
        Code.NO_COURSE: "There is no course to look at, so nobody can tell which capabilities are missing.",
        Code.COURSE_GONE: "Moodle doesn't list the course {course} ({name}) any more, which is a community.",
        Code.COURSES_NOT_CHOSEN: "The plugin doesn't hand over {count} communities: {courses}. What happens there is"
        " neither sent nor found by sweeps.",
        Code.NOTHING_CHOSEN: "The plugin hands over no course: none is chosen in its settings.",
        Code.CAPABILITY_MISSING: "The account lacks {capability}: {shown}.",
        Code.CAPABILITY_ONE_OF: "The account lacks one of {capabilities}: {shown}.",
        Code.CAPABILITY_WANTED: "The account lacks {capability}, which a program here needs: {use}; {shown}.",
        Code.CAPABILITY_BEYOND: "The account has {capability}, and no program here needs it ({use}).",
        Code.PEOPLE_UNCOUNTED: "In course {course} nothing tells how many are enrolled, so nobody knows whether all"
        " are told.",
        Code.ATTENDANCE_UNREADABLE: "Who was at the sessions of {count} attendance activities ({activities}) can't be"
        " read: the external service lacks {functions}.",
        Code.ATTENDANCE_REFUSED: "Moodle doesn't tell who was at the sessions of the attendance activity {activity}"
        " (course module {module}, {reason}).",
        Code.MESSAGES_UNSENDABLE: "Messages to participants can't go by Moodle: the external service lacks"
        " {functions}.",
        Code.MESSAGES_REFUSED: "Moodle refused {count} messages to participants within the last week.",
        Code.COMPLETION_OFF: "Completion tracking is switched off for the whole site: nothing is ever completed.",
        Code.COMPLETION_OFF_IN_COURSE: "Completion tracking is switched off in {count} communities: {courses}.",
        Code.CRON_UNKNOWN: "Whether Moodle's cron runs can't be seen from outside.",
        Code.CRON_NEVER: "Moodle's cron has never run.",
        Code.CRON_LATE: "Moodle's cron ran {minutes} minutes ago; it should run each minute.",
        Code.PLUGIN_ABSENT: "The plugin local_copbridge isn't installed, or its functions aren't in the service:"
        " completions come with the next sweep, not at once, and a sweep takes a call for each person.",
        Code.PLUGIN_FAILED: "The plugin doesn't tell how it is ({why}).",
        Code.PLUGIN_OLDER: "The plugin in Moodle ({release}, version {version}) is older than the one of this release"
        " ({shipped}).",
        Code.PLUGIN_NEWER: "The plugin in Moodle ({release}, version {version}) is newer than the one of this release"
        " ({shipped}).",
        Code.PLUGIN_UNCONFIRMED: "The plugin sends nothing: {wwwroot} isn't the address that it was set up under, so it"
        " may be a copy.",
        Code.PLUGIN_OTHER_EPOCH: "The plugin in Moodle (epoch {epoch}) isn't the sender that is known here (epoch"
        " {known}): what it sends is refused.",
        Code.PLUGIN_REFUSED: "The plugin's last try to deliver failed: {outcome}. Its last success: {last}.",
        Code.PLUGIN_SILENT: "The plugin has delivered nothing since {at}, and it should every ten minutes.",
        Code.PLUGIN_WAITING: "{count} events wait in Moodle to be sent, since {since}.",
        Code.PLUGIN_GAVE_UP: "The plugin gave up {count} events: they were looked at here, and not taken.",
        Code.PLUGIN_DROPPED: "The plugin dropped {count} events that nobody took for 30 days.",
        Code.PLUGIN_UNWRITTEN: "The plugin couldn't keep {count} events.",
        Code.EVENTS_NEVER: "No event has ever come from the site.",
        Code.EVENTS_SILENT: "Nothing has come from the site since {at}, for {hours} hours.",
        Code.COPY_REFUSED: "A sender that calls itself {wwwroot} was refused at {at}: it is a copy of the site, or the"
        " site itself after a move or a restored backup.",
        Code.PING_FAILED: "The plugin was asked to send an event, and it failed: {outcome} ({status}).",
        Code.ROUND_TRIP_FAILED: "The plugin sent an event and somebody took it, but nothing came here within {seconds}"
        " seconds.",
        Code.INBOX_DEAD: "{count} items failed too often ({reasons}).",
        Code.INBOX_QUARANTINED: "{count} items can't be used as they are ({reasons}).",
        Code.INBOX_WAITING: "{count} items wait for a course or an activity that isn't known ({reasons}).",
        Code.INBOX_BEHIND: "Items have waited to be worked on for {minutes} minutes.",
        Code.SWEEP_NEVER: "{count} communities have never been swept: {courses}.",
        Code.SWEEP_LATE: "{count} communities were last swept more than {hours} hours ago: {courses}.",
        Code.SWEEP_FAILED: "The sweep of {course} failed ({error}).",
        Code.COMMUNITIES_NONE: "No course of the site is a community ({programs} programs are loaded).",
        Code.COURSE_IDNUMBERS_MISSING: "{count} communities' courses have no ID number: {courses}.",
        Code.COURSE_IDNUMBERS_DOUBLED: "Several courses have one ID number: {idnumbers}.",
        Code.MODULE_IDNUMBERS_MISSING: "{count} tracked activities have no ID number and earn nothing; rules here go by"
        " ID numbers.",
        Code.MODULE_IDNUMBERS_DOUBLED: "In {course} several activities have one ID number: {idnumbers}.",
        Code.ACTIVITIES_UNRULED: "In {course} {count} of {of} tracked activities earn nothing: {activities}.",
        Code.ACTIVITIES_UNTRACKED: "In {course} {count} activities would earn and aren't tracked: {activities}.",
        Code.RULES_UNMATCHED: "{count} rules of {program} meet no activity: {rules}.",
        Code.PROVIDER_NAMES_ANYBODY: "The sign-in of {providers} may name anybody, administrators here among them.",
    }
)
USES: MappingProxyType[Use, str] = MappingProxyType(
    {
        Use.CATEGORY_IDNUMBERS: "the ID numbers of categories, by which courses may be told to be communities",
        Use.MODULE_IDNUMBERS: "the ID numbers of activities; without them rules go by id, name and section",
    }
)
SHOWN: MappingProxyType[Shown, str] = MappingProxyType(
    {
        Shown.REFUSED: "{function} is refused",
        Shown.FEWER_PEOPLE: "{function} tells of fewer people than there are ({what})",
        Shown.FIELDS: "{function} leaves out {what}",
        Shown.FEWER_ACTIVITIES: "{function} leaves out activities ({what})",
        Shown.FEWER_SECTIONS: "{function} leaves out sections",
        Shown.FEWER_COURSES: "{function} shows that courses are left out ({what})",
    }
)
MANY = ("functions", "capabilities", "courses", "activities", "rules", "idnumbers", "reasons")


def words(finding: Finding) -> Told:
    """A finding as people read it. Foreign text in it holds nothing that a terminal would obey."""
    params = {name: _text(name, value, finding.params) for name, value in finding.params.items()}
    if "outcome" in finding.params:
        outcome = outcome_of(str(finding.params["outcome"]))
        params |= {"outcome": outcome.says.format(**params), "remedy": outcome.remedy.format(admin=ADMIN, **params)}
    fixes = tuple(line.format(admin=ADMIN, **params) for line in FIXES[finding.code])
    return Told(SAYS[finding.code].format(**params), fixes)


def _text(name: str, value: Any, params: Mapping[str, Any]) -> str:
    if name in MANY and isinstance(value, list | tuple):
        listed = ", ".join(clean(one) for one in value)
        return f"{listed}, …" if len(value) < int(params.get("count", 0)) and name != "reasons" else listed or "-"
    if name == "use":
        return USES[Use(value)]
    if name == "shown":
        told = SHOWN[Shown(value)].format(function=params["function"], what=clean(params["what"]) or "-")
        return f"{told}, course {params['course']}" if params.get("course") else told
    if name == "status":
        return f"HTTP {value}" if value else "without an HTTP answer"
    if name == "errorcode":
        return f", {clean(value)}" if value else ""
    return clean(value)


def lines_of(asked: Needs) -> list[str]:
    """The lists for people, so that they can be pasted: with the plugin, and without it."""
    lines = [
        "With the plugin local_copbridge its own service and its own role, both named CoP Bridge, hold all that is"
    ]
    lines += ["needed. A service and a role that you make yourself need this:"]
    lines += _listed(asked.plugin_functions, asked.plugin_capabilities)
    return [*lines, "", "Without the plugin:", *lines_without(asked)]


def lines_without(asked: Needs) -> list[str]:
    """The lists where there is no plugin."""
    lines = _listed(asked.functions, asked.capabilities)
    if asked.of_plugins:
        lines += ["", "And those of these that your Moodle has (activities of plugins):"]
        lines += [f"  {name}" for name in asked.of_plugins]
    if asked.optional:
        lines += ["", "Not needed by the programs here; each lets its holder change things, too:"]
        lines += [f"  {BY_USE[use]}  ({USES[use]})" for use in asked.optional]
    return lines


def _listed(functions: Sequence[str], capabilities: Sequence[str]) -> list[str]:
    lines = ["", "Functions of the external service:", *(f"  {name}" for name in functions)]
    return [*lines, "", "Capabilities of the role:", *(f"  {name}" for name in capabilities)]
