"""The filters of the board and of everything about people: read from the address, offered, and told in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import request

from mappings.standing import Status
from records.queries.filter_choices import Choices, Facilitator
from records.queries.filters import ALL_TIME, EVERYBODY, PRESENT, PeopleFilter
from service import wording
from service.i18n import N_, _
from service.pages.titles import program_title, region_title, topic_title

LABELS = {
    "program": N_("Program"),
    "region": N_("Region"),
    "topic": N_("Topic"),
    "status": N_("Where they stand"),
    "period": N_("Period"),
    "host": N_("Host"),
    "facilitator": N_("Facilitator"),
    "who": N_("Who is shown"),
}
SEVERAL = ("status", "period", "host", "facilitator", "who")
"""Filters where one option is a choice already: not every community has it."""
ALL = N_("All")
NONE = {"period": N_("The present one"), "who": N_("Active participants")}
OF_COMMUNITIES = (Status.MET, Status.BEHIND, Status.CANNOT_REACH)
OF_PEOPLE = (
    *(Status.CANNOT_REACH, Status.BEHIND, Status.NOT_STARTED, Status.IN_PROGRESS, Status.ON_PACE, Status.MET),
    Status.ABOVE,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter: its options as (value, title), what choosing none reads as, and the one in the address."""

    name: str
    label: str
    none: str
    options: list[tuple[str, str]]
    chosen: str


def asked() -> PeopleFilter:
    """The filter that stands in the address."""
    return PeopleFilter.of(request.args, request.args.getlist("membership"))


def offered(found: Choices, chosen: PeopleFilter, statuses: Iterable[Status]) -> list[Choice]:
    """What can be chosen; a filter with one option is none. What the address has and nobody knows is named, too."""
    choices = []
    for name, options in _options(found, statuses).items():
        value = getattr(chosen, name)
        if value and value not in dict(options):
            options.append((value, value if name in ("program", "region", "topic", "host") else _("Unknown")))
        if value or len(options) > (0 if name in SEVERAL else 1):
            choices.append(Choice(name, _(LABELS[name]), _(NONE.get(name, ALL)), options, value))
    return choices


def told(choices: Iterable[Choice]) -> list[str]:
    """What was chosen, in words, such as `Region: Bay Area`."""
    pairs = ((choice.label, dict(choice.options)[choice.chosen]) for choice in choices if choice.chosen)
    return [_("%(filter)s: %(chosen)s", filter=label, chosen=title) for label, title in pairs]


def _options(found: Choices, statuses: Iterable[Status]) -> dict[str, list[tuple[str, str]]]:
    programs = found.programs
    regions = {(r, region_title(programs[p], r)) for p, r, _topic in found.places}
    topics = {(t, topic_title(programs[p], t)) for p, _region, t in found.places}
    everybody = [(EVERYBODY, _("Everybody, with facilitators and those who left"))] if statuses == OF_PEOPLE else []
    closings = [(str(closing), _closing(found, program, label)) for closing, program, label in found.closings]
    return {
        "program": _sorted((code, program_title(program)) for code, program in programs.items()),
        "region": _sorted(regions),
        "topic": _sorted(topics),
        "status": [(str(status), wording.standing(status)) for status in statuses],
        "period": [(ALL_TIME, _("All time")), *closings],
        "host": _sorted((code, name or code) for code, name in found.hosts),
        "facilitator": [(str(one.person_id), _name(one)) for one in found.facilitators],
    } | ({"who": everybody} if everybody else {})


def _sorted(options: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(dict(options).items(), key=lambda option: (option[1].casefold(), option[0]))


def _closing(found: Choices, program: str, label: str) -> str:
    if len(found.programs) == 1:
        return label
    return _("%(period)s, %(program)s", period=label, program=program_title(found.programs[program]))


def _name(one: Facilitator) -> str:
    return one.name or _("Moodle user %(id)s", id=one.account)


def period_note(chosen: PeopleFilter) -> str:
    """What the figures of another period than the present one mean; empty for the present one."""
    if chosen.period == PRESENT:
        return ""
    if chosen.period == ALL_TIME:
        return _("Hours are those of all time. Where people stand is told of the present period.")
    return _(
        "This is the period as it was closed: what came later isn't in it. Who takes part in nothing now counts "
        "where there are hours."
    )
