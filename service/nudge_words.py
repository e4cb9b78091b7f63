"""Words about messages to participants: the ready-made texts, what fills them in, and what became of each message."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from jobs.letters import Letter
from mappings.base import words
from records.nudge_recipients import Channel, Recipient, Why
from records.nudges import NudgeFault, Template, Text
from service import wording
from service.i18n import N_, _, ngettext, speaking
from service.sentences import Teller

PLACEHOLDER = re.compile(r"\{([^{}\n]{0,40})\}")
SUBJECT_LENGTH, BODY_LENGTH = 150, 2_000
"""Characters. With what fills it in a text has to stay below the 4,096 bytes that Moodle takes."""

TITLES = {
    Template.BEHIND: N_("Behind the pace"),
    Template.CANNOT_REACH: N_("Cannot reach it any more"),
    Template.NOT_STARTED: N_("Not started yet"),
    Template.HOURS: N_("Hours so far"),
    Template.UPCOMING: N_("The next session"),
    Template.FINISHED: N_("Finished: thank you"),
    Template.OWN: N_("A text of your own"),
}
SUBJECTS = {
    Template.BEHIND: N_("Your hours in {community}"),
    Template.CANNOT_REACH: N_("Your hours in {community}: let's talk"),
    Template.NOT_STARTED: N_("{community} has begun"),
    Template.HOURS: N_("Your hours in {community}"),
    Template.UPCOMING: N_("{community}: the next session"),
    Template.FINISHED: N_("{community}: you have done it"),
    Template.OWN: "",
}
BODIES = {
    Template.BEHIND: N_(
        "Hello {first_name},\n\n"
        "You have {hours} so far in {community}; {band} are asked for, and {missing} are still missing. There is time"
        " to catch up.\n\n"
        "What you have done and what is next: {link}\n\n"
        "Is something in your way? Write to {contact}."
    ),
    Template.CANNOT_REACH: N_(
        "Hello {first_name},\n\n"
        "You have {hours} so far in {community}; {band} are asked for. With what is still planned, {missing} can't be"
        " made up by itself any more. Let's find out together what is possible: write to {contact}.\n\n"
        "Your hours, line by line: {link}"
    ),
    Template.NOT_STARTED: N_(
        "Hello {first_name},\n\n"
        "{community} has begun, and we have seen nothing of you yet. Everything starts here: {link}\n\n"
        "If you don't want to take part, or something doesn't work, write to {contact}."
    ),
    Template.HOURS: N_(
        "Hello {first_name},\n\n"
        "You have {hours} so far in {community}. What you have done and what is next: {link}\n\n"
        "Questions? Write to {contact}."
    ),
    Template.UPCOMING: N_(
        "Hello {first_name},\n\n"
        "The next session of {community} is {next_session}.\n\n"
        "You have {hours} so far. Your hours: {link}\n\n"
        "Questions? Write to {contact}."
    ),
    Template.FINISHED: N_(
        "Hello {first_name},\n\n"
        "You have {hours} in {community}: all that was asked for. Thank you for your work!\n\n"
        "Your hours, line by line: {link}"
    ),
    Template.OWN: "",
}
CHANNELS = {Channel.MOODLE: N_("Message in Moodle"), Channel.MAIL: N_("E-mail")}
PLACEHOLDERS = {
    "first_name": N_("First name"),
    "name": N_("Whole name"),
    "community": N_("Topic and region of the community"),
    "hours": N_("Hours so far"),
    "band": N_("Hours that are asked for"),
    "missing": N_("Hours that are missing to the minimum"),
    "missing_list": N_("All that is missing, requirements included"),
    "next_session": N_("Next session: title, time and place"),
    "contact": N_("Your name and e-mail address"),
    "link": N_("“My CoP hours” in Moodle, or the course"),
}

WHYS = {
    Why.NOT_THERE: N_("Not there, or outside of what your account covers"),
    Why.ERASED: N_("Was erased"),
    Why.LEFT: N_("Has left the community"),
    Why.SUSPENDED: N_("Enrolment is suspended"),
    Why.NOT_PARTICIPANT: N_("Isn't a participant"),
    Why.OPTED_OUT: N_("Wants no messages"),
    Why.NO_ADDRESS: N_("Has no address that it could go to"),
    Why.RECENTLY: N_("Was written to a short while ago"),
    Why.MET: N_("Has met it meanwhile"),
    Why.NO_SESSION: N_("No session is planned"),
    Why.CALLED_OFF: N_("Was called off"),
}
FAILURES = {
    "no_address": N_("The account isn't in Moodle any more."),
    "too_long": N_("Filled in, the text is longer than Moodle takes: shorten it."),
    "moodle_refused": N_(
        "Moodle didn't let it through: the person is gone, has blocked the account of this service, or takes messages"
        " of known people alone."
    ),
    "moodle_disabled": N_("Messages are switched off on the Moodle site: ask IT, or send e-mail."),
    "moodle_not_allowed": N_("The account of this service may not send messages in Moodle: ask IT, or send e-mail."),
    "moodle_no_token": N_("The Moodle site has no token here: ask IT to add one, or send e-mail."),
    "moodle_no_function": N_(
        "The token lacks the function core_message_send_instant_messages: ask IT to add it, or send e-mail."
    ),
    "moodle_unreachable": N_("Moodle couldn't be reached, several times."),
    "moodle_failed": N_("Moodle answered with an error."),
    "mail_no_way": N_("No mail server is set up: ask IT."),
    "mail_bad_address": N_("The e-mail address isn't one that mail can go to."),
    "mail_address_refused": N_("The mail server refused the address."),
    "mail_mail_refused": N_("The mail server refused the message."),
    "mail_unreachable": N_("The mail server couldn't be reached, several times."),
}
OTHER_FAILURE = N_("Sending failed: ask IT to look at the mail settings.")
STATES = {
    "waiting": N_("Waits"),
    "sending": N_("On its way"),
    "sent": N_("Sent"),
    "failed": N_("Failed"),
    "unknown": N_("Unknown whether it went out"),
    "skipped": N_("Left out"),
}
FAULTS = {
    NudgeFault.NOBODY: N_("Nobody would get this message: everybody is left out, or nobody matches."),
    NudgeFault.TOO_MANY: N_("That is more people than one message may go to: narrow the choice to %(most)s at most."),
    NudgeFault.MORE: N_("More people than you were shown would get it by now: look again, and send it then."),
    NudgeFault.NOT_THERE: N_("This form was used by somebody else: write the message anew."),
    NudgeFault.OVER: N_("There was nothing left to do: everything was sent already, or called off."),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A ready-made text in a language."""

    subject: str
    body: str


def draft(template: Template, language: str) -> Draft:
    """A ready-made text; English where it isn't translated yet."""
    with speaking(language):
        subject, body = SUBJECTS[template], BODIES[template]
        return Draft(_(subject) if subject else "", _(body) if body else "")


def unknown_placeholders(text: str) -> list[str]:
    """What stands in braces and fills in nothing."""
    return list(dict.fromkeys(found for found in PLACEHOLDER.findall(text) if found not in PLACEHOLDERS))


def write(to: Recipient, text: Text, contact: str, stop: str) -> Letter:
    """Fill a text in for somebody, with the line on how to get no more."""
    with speaking(text.language):
        values = _Values(to, text.language, contact)

        def filled(words: str) -> str:
            return PLACEHOLDER.sub(lambda found: values.of(found[1]) if found[1] in PLACEHOLDERS else found[0], words)

        end = _("If you want no more such messages: %(address)s", address=stop)
        subject = " ".join(filled(text.subject).split())
        return Letter(subject, f"{filled(text.body).rstrip()}\n\n--\n{end}")


class _Values:
    """What placeholders stand for, each computed when it is asked for."""

    def __init__(self, to: Recipient, language: str, contact: str) -> None:
        self._to, self._language, self._whom = to, language, contact

    def of(self, name: str) -> str:
        found: Callable[[], str] = getattr(self, f"_{name}")
        # Somebody's own text has no line break to begin a line of ours with.
        return found() if name == "missing_list" else " ".join(found().split())

    def _first_name(self) -> str:
        return self._to.first_name or self._name()

    def _name(self) -> str:
        return self._to.name or _("participant")

    def _community(self) -> str:
        program = self._to.program
        topic, region = program.topic(self._to.topic), program.region(self._to.region)
        titles = (
            words(topic.title, self._language) if topic else self._to.topic,
            words(region.title, self._language) if region else self._to.region,
        )
        return _("%(first)s, %(next)s", first=titles[0], next=titles[1])

    def _hours(self) -> str:
        return wording.hours(self._to.minutes)

    def _band(self) -> str:
        low, high = self._to.band_min, self._to.band_max
        return wording.band(low, high) if low is not None and high is not None else _("no fixed number of hours")

    def _missing(self) -> str:
        return wording.hours(max(0, (self._to.band_min or 0) - self._to.minutes))

    def _missing_list(self) -> str:
        teller = Teller(self._to.program, self._to.timezone, self._language)
        return "\n".join(f"- {teller.missing(lack)}" for lack in self._to.missing) or _("nothing")

    def _next_session(self) -> str:
        found = self._to.next_session
        if found is None:
            return _("not planned yet")
        when = wording.moment(found.starts_at, found.timezone)
        if not found.place:
            return _("“%(title)s” on %(when)s", title=found.title, when=when)
        return _("“%(title)s” on %(when)s (%(place)s)", title=found.title, when=when, place=found.place)

    def _contact(self) -> str:
        return self._whom or _("your program office")

    def _link(self) -> str:
        return self._to.link


def why(code: str) -> str:
    """Why a message was left out or failed."""
    if code in set(Why):
        return _(WHYS[Why(code)])
    if not code:
        return ""
    return _(FAILURES.get(code, OTHER_FAILURE))


def state(code: str, filed: bool = False) -> str:
    """What became of a message; `filed`: it goes to a file, for no mail server is set."""
    return _("Written to a file") if filed and code == "sent" else _(STATES[code])


def channel(code: Channel) -> str:
    """How a message goes."""
    return _(CHANNELS[code])


def heading(subject: str, template: Template, communities: int, community: str) -> str:
    """What a message is called where it is listed: by its subject, with the community that all of its recipients share;
    else, where that isn't the same for all, by the ready-made text's name and how many communities there are."""
    with_it = subject.replace("{community}", community) if communities == 1 else subject
    if not any(found in PLACEHOLDERS for found in PLACEHOLDER.findall(with_it)):
        return with_it
    many = ngettext("%(n)s community", "%(n)s communities", communities)
    return _("%(first)s, %(next)s", first=title(template), next=many)


def title(template: Template) -> str:
    """The name of a ready-made text."""
    return _(TITLES[template])
