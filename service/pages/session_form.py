"""The form of a session: what it shows, and what was typed into it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from mappings.base import timezones
from records.attendance_file import MODES, clock
from records.csv_file import Wrong
from records.models import SessionRow
from records.queries.session_choices import Choices
from records.session_checks import Draft, Fault, Module, SessionError, check_length, moment, with_length
from service import session_words, wording
from service.i18n import language_now
from service.pages.titles import region_title, topic_title

MOST_DIGITS = 6
FURTHER_DATES = 7
"""So many inputs for the further dates of a series."""
SPELT = ("posix", "right/", "Etc/", "SystemV/", "localtime", "Factory")
"""Names of time zones that nobody is asked to choose from."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A form that was understood. `dates` are all of them; more than one: a series."""

    draft: Draft
    dates: tuple[date, ...]
    reason: str


def values_of(draft: Draft | None, choices: Choices) -> dict[str, Any]:
    """What the form's fields hold: of a session, or of a new one."""
    if draft is None:
        return {"timezone": choices.community.timezone, "mode": "face_to_face", "shared_with": (), "further": ()}
    return local_times(draft) | {
        "title": draft.title,
        "code": draft.code,
        "timezone": draft.timezone,
        "mode": draft.mode,
        "kind": draft.kind,
        "planned_minutes": "" if draft.planned_minutes is None else draft.planned_minutes,
        "place": draft.place,
        "link": draft.link,
        "capacity": "" if draft.capacity is None else draft.capacity,
        "required": draft.required,
        "series": draft.series,
        "makes_up": str(draft.makes_up or ""),
        "module": f"{draft.module[0]}:{draft.module[1]}" if draft.module else "",
        "shared_with": tuple(map(str, draft.shared_with)),
        "further": (),
    }


def local_times(draft: Draft) -> dict[str, str]:
    """When a session begins and ends by the clock of its zone, as inputs hold days and times."""
    zone = ZoneInfo(draft.timezone)
    begins = draft.starts_at.astimezone(zone)
    ends = draft.ends_at.astimezone(zone) if draft.ends_at else None
    return {
        "day": begins.date().isoformat(),
        "start": f"{begins:%H:%M}",
        "end": f"{ends:%H:%M}" if ends else "",
        "end_day": ends.date().isoformat() if ends and ends.date() != begins.date() else "",
    }


def values_typed(form: MultiDict[str, str]) -> dict[str, Any]:
    """The fields as they were typed, to be shown again."""
    return form.to_dict() | {
        "required": "required" in form,
        "shared_with": tuple(form.getlist("shared_with")),
        "further": tuple(each for each in form.getlist("further") if each),
    }


def typed(form: MultiDict[str, str], choices: Choices, before: Draft | None = None) -> Typed:
    """What a form says. Raises SessionError. What the session has and the form can't offer stays."""
    timezone = form.get("timezone", "").strip() or choices.community.timezone
    day = _day(form.get("day", ""))
    starts_at = moment(day, _clock(form.get("start", "")), timezone)
    offered = {each.id for each in choices.communities}
    kept = (before.shared_with if before else frozenset()) - offered
    draft = Draft(
        title=form.get("title", ""),
        code=form.get("code", ""),
        starts_at=starts_at,
        ends_at=_ends(form, day, timezone),
        timezone=timezone,
        mode=form.get("mode", ""),
        kind=form.get("kind", ""),
        planned_minutes=_number(form.get("planned_minutes", "")),
        place=form.get("place", ""),
        link=form.get("link", "").strip(),
        capacity=_number(form.get("capacity", "")),
        required="required" in form,
        series=form.get("series", ""),
        makes_up=_id(form.get("makes_up", ""), Fault.MAKES_UP),
        module=_module(form.get("module", "")),
        shared_with=frozenset(each for text in form.getlist("shared_with") if (each := _id(text, Fault.SHARED))) | kept,
    )
    further = tuple(_day(text) for text in form.getlist("further") if text.strip())
    return Typed(with_length(draft), (day, *further), form.get("reason", ""))


def moved_to(form: Mapping[str, str], row: SessionRow) -> tuple[datetime, datetime | None]:
    """When a session is moved to begin and end. Raises SessionError."""
    day = _day(form.get("day", ""))
    ends_at = _ends(form, day, row.timezone)
    check_length(ends_at, row.planned_minutes)
    return moment(day, _clock(form.get("start", "")), row.timezone), ends_at


def revision_of(form: Mapping[str, str]) -> int:
    """Which state of a session a form was made of; -1, which none has, where it doesn't say."""
    text = form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else -1


def _ends(form: Mapping[str, str], day: date, timezone: str) -> datetime | None:
    """When it ends, on the same day unless another one is named; None: nobody says. Raises SessionError."""
    text = form.get("end", "").strip()
    last = form.get("end_day", "").strip()
    return moment(_day(last) if last else day, _clock(text), timezone) if text else None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as err:
        raise SessionError(Fault.WHEN) from err


def _clock(text: str) -> time:
    try:
        return clock(text.strip())
    except Wrong as err:
        raise SessionError(Fault.WHEN) from err


def _number(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    # What is no number at all is refused as one that is too small: the sentence says what is right.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else -1


def _id(text: str, fault: Fault) -> UUID | None:
    try:
        return UUID(text) if text.strip() else None
    except ValueError as err:
        raise SessionError(fault) from err


def _module(text: str) -> Module | None:
    if not text.strip():
        return None
    site, _colon, module = text.partition(":")
    site_id = _id(site, Fault.MODULE)
    if site_id is None or not (module.isascii() and module.isdigit() and len(module) <= 18):
        raise SessionError(Fault.MODULE)
    return site_id, int(module)


Options = list[tuple[str, str]]
"""(Value, words) of each choice."""


def options(choices: Choices) -> dict[str, Any]:
    """What there is to choose from, in words."""
    language, program = language_now(), choices.program
    zone = choices.community.timezone
    near = list(dict.fromkeys((zone, program.timezone)))
    others = sorted(name for name in timezones() if "/" in name and not name.startswith(SPELT) and name not in near)
    return {
        "modes": [(code, wording.mode(code)) for code in MODES],
        "kinds": [(code, session_words.kind(program, code, language)) for code in program.kinds_by_name],
        "near": near,
        "zones": others,
        "sessions": [
            (str(row.id), f"{row.title} ({row.code}), {wording.day(row.starts_at, row.timezone)}")
            for row in choices.sessions
        ],
        "activities": [(f"{site}:{module}", name) for (site, module), name in choices.activities],
        "communities": [
            (str(row.id), f"{topic_title(program, row.topic)}, {region_title(program, row.region)}")
            for row in choices.communities
        ],
    }
