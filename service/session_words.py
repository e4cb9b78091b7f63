"""Words about sessions: what is wrong with one, what was changed of it, what its fields hold."""

from collections.abc import Mapping
from datetime import date, datetime

from mappings.base import words
from mappings.program import Program
from records.session_checks import Fault, SessionError
from service import wording
from service.i18n import N_, _, ngettext

FAULTS = {
    Fault.COMMUNITY: N_("There is no such session or community, or it lies outside of what your account covers."),
    Fault.TITLE: N_("Give the session a title of at most %(most)s characters."),
    Fault.CODE: N_("Give the session a code of at most %(most)s characters, such as S1: files name it by that."),
    Fault.CODE_TAKEN: N_("Another session of the community has the code “%(code)s” already: choose another one."),
    Fault.WHEN: N_("Choose the day, and the time at which the session begins."),
    Fault.DAY: N_("Choose a day from %(first)s to %(last)s."),
    Fault.TIMEZONE: N_("“%(timezone)s” is no time zone: choose one of the list, such as America/Los_Angeles."),
    Fault.NO_SUCH_TIME: N_(
        "%(clock)s doesn't exist on %(day)s in %(timezone)s: the clocks go forward then. Choose another time."
    ),
    Fault.ENDS: N_("The session ends before it begins: choose a later end."),
    Fault.MODE: N_("Choose how the session is held."),
    Fault.KIND: N_("The program has no kind of session “%(kind)s”: choose one of the list, or none."),
    Fault.PLANNED: N_("Planned minutes are a whole number from 0 to %(most)s, or nothing."),
    Fault.LENGTH: N_("Say when it ends, or how many minutes are planned."),
    Fault.CAPACITY: N_("The number of places is a whole number from 1 to %(most)s, or nothing."),
    Fault.PLACE: N_("Describe the place in at most %(most)s characters."),
    Fault.LINK: N_("The link has to begin with https:// and hold no blank."),
    Fault.SERIES: N_("Name the series in at most %(most)s characters."),
    Fault.MAKES_UP: N_("What it makes up has to be another session of the same community."),
    Fault.MAKES_UP_ITSELF: N_("A session can't make itself up: choose another one, or none."),
    Fault.CHAIN: N_("One of the two makes up a session, or is made up by one, already: choose the original session."),
    Fault.MODULE: N_("Moodle tracks no such activity in the community's course: choose one of the list, or none."),
    Fault.MODULE_TAKEN: N_(
        "The activity stands for the session “%(code)s” already, and can stand for one only: choose another, or none."
    ),
    Fault.SHARED: N_("Choose communities of the list, and not the session's own."),
    Fault.DATES: N_("Name at least one date, none of them twice, and at most %(most)s."),
    Fault.REASON: N_("Say why: it is kept in the session's history."),
    Fault.CLOSED: N_("It lies in the closed period “%(label)s”: say why it changes."),
    Fault.CANCELLED: N_("The session is cancelled already."),
    Fault.NOT_CANCELLED: N_("The session isn't cancelled."),
    Fault.MEANWHILE: N_(
        "Somebody changed the session meanwhile, so nothing of yours was recorded. Here it is as it is now: look at it,"
        " and change what is still to be changed."
    ),
}

ACTS = {
    "made": N_("Planned"),
    "moved": N_("Moved"),
    "cancelled": N_("Cancelled"),
    "restored": N_("Held after all"),
    "changed": N_("Changed"),
}

FIELDS = {
    "title": N_("Title"),
    "code": N_("Code"),
    "starts_at": N_("Begins"),
    "ends_at": N_("Ends"),
    "timezone": N_("Time zone"),
    "mode": N_("Held"),
    "kind": N_("Kind"),
    "planned_minutes": N_("Planned length"),
    "place": N_("Place"),
    "link": N_("Link"),
    "capacity": N_("Number of places"),
    "required": N_("Required"),
    "series": N_("Series"),
    "makes_up": N_("Makes up"),
    "module": N_("Moodle activity"),
    "shared_with": N_("Shared with"),
}

BY = {"cli": N_("The command line"), "system": N_("CoP Bridge itself")}


def fault(err: SessionError) -> str:
    """What is wrong, and what to do about it."""
    if err.fault is Fault.ATTENDED:
        return ngettext(
            "%(n)s person was there and has hours for it. Strike that attendance first; then the session can be"
            " cancelled.",
            "%(n)s people were there and have hours for it. Strike their attendance first; then the session can be"
            " cancelled.",
            int(str(err.params["people"])),
        )
    params = {name: _param(value) for name, value in err.params.items()}
    return _(FAULTS[err.fault], **params) if params else _(FAULTS[err.fault])


def _param(value: object) -> object:
    return wording.date_words(value) if isinstance(value, date) else value


def act(what: str) -> str:
    """What was done to a session."""
    return _(ACTS[what])


def by(name: str) -> str:
    """Who did it."""
    return _(BY[name]) if name in BY else name


def kind(program: Program, code: str, language: str) -> str:
    """A kind of session by the program's own title."""
    known = program.kinds_by_name.get(code)
    return (words(known.title, language) if known else "") or wording.plain(code)


def changed(
    before: Mapping[str, object], after: Mapping[str, object], timezone: str, named: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """(Field, as it was, as it is then) of everything that changed; empty texts: nothing was stated.

    `named`: what ids stand for.
    """
    return [
        (_(title), _value(name, before.get(name), timezone, named), _value(name, after.get(name), timezone, named))
        for name, title in FIELDS.items()
        if name in before or name in after
    ]


def _value(name: str, value: object, timezone: str, named: Mapping[str, str]) -> str:
    if value in (None, "", False) or value == []:
        return ""
    if name in ("starts_at", "ends_at"):
        return wording.moment(datetime.fromisoformat(str(value)), timezone)
    if isinstance(value, list):
        return ", ".join(named.get(str(each), _("another community")) for each in value)
    if name in ("makes_up", "module"):
        return named.get(str(value), str(value))
    if name == "mode":
        return wording.mode(str(value))
    if name == "planned_minutes":
        return wording.hours(int(str(value)))
    return _("yes") if value is True else str(value)
