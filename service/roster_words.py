"""What the roster and the sign-in sheet say of people, in words; and what the roster's script is given of them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mappings.attending import Way, rule_of, whole
from records.models import SessionRow
from records.presences import Held
from records.roster import RosterPerson, Shut, Told
from records.roster_saving import Refused, What
from records.sheet import Spec, Wrong
from records.sheet_entry import Entry, ends
from service.i18n import N_, _
from service.wording import hours, mode, plain, time_words, way_words

SHUT = {
    Shut.CANCELLED: N_("This session was cancelled: nobody's attendance can be recorded."),
    Shut.TOO_EARLY: N_("Attendance can be recorded from the session's day on."),
}

REFUSED = {
    Refused.CANCELLED: SHUT[Shut.CANCELLED],
    Refused.TOO_EARLY: SHUT[Shut.TOO_EARLY],
    Refused.NO_REASON: N_("This is a correction: give a reason, and send it again."),
    Refused.NOBODY: N_("This person isn't on the roster any more: load the page again."),
    Refused.LENGTH_UNKNOWN: N_("Nobody said how long the session is: give the minutes."),
    Refused.NO_SUCH_STATUS: N_("The program has no such status: load the page again."),
    Refused.NO_SUCH_MINUTES: N_("Give whole minutes, from 0 to 1440."),
    Refused.NOT_CLEARED: N_("By now it can't be taken back, only corrected: say what is right."),
    Refused.NOT_DECIDED: N_("This correction can't be taken: ask program staff to look at it."),
    Refused.USED: N_("This change can't be told from another one: make it again."),
    Refused.NOTED: N_("This person is noted already."),
}

WRONG = {
    Wrong.NOBODY: N_("Nobody on the roster has this code or name."),
    Wrong.SEVERAL: N_("More than one person could be meant: write the whole name."),
    Wrong.TWICE: N_("An earlier line says something else about the same person."),
    Wrong.LENGTH_UNKNOWN: N_("Nobody said how long the session is: give minutes, or times."),
    Wrong.NO_TIME: N_("There is no such time of day."),
    Wrong.TOO_LONG: N_("That is more than one session can last."),
    Wrong.VALUE: N_("“%(value)s” can't be read: write minutes, times or nothing behind the name."),
    Wrong.ENDS_BEFORE: N_("It ends before it begins. The session: %(times)s."),
    Wrong.OTHER_TIME: N_("That can't be at this session: %(times)s. Times are by a clock of 24 hours."),
    Wrong.HALF_DAY: N_("Times are by a clock of 24 hours: write %(instead)s if you mean the afternoon."),
    Wrong.LONGER: N_("That is longer than the session."),
    Wrong.NO_STATUS: N_("The program counts statuses here: give one of them."),
}


def script_texts() -> dict[str, str]:
    """What the roster's script says by itself; `{n}`, `{of}` and the like are filled in there."""
    return {
        "present": _("Present"),
        "absent": _("Absent"),
        "late": _("late by {n} min"),
        "left": _("left {n} min early"),
        "minutes": _("{n} min"),
        "recorded": _("{n} of {of} recorded"),
        "saved": _("Saved"),
        "saving": _("Saving"),
        "offline": _("Waiting for the connection. Changes kept on this device: {n}"),
        "signed_out": _("You are signed out. Changes kept on this device: {n}. Sign in again to send them."),
        "stale": _("They couldn't be sent. Changes kept on this device: {n}. Load the page again to send them."),
        "reason": _("Corrections that wait for your reason: {n}"),
        "clash": _("Recorded differently by somebody else: {n}. Choose at the names."),
        "refused": _("Not taken: {n}. See the names."),
        "full": _("This device can't keep changes: stay on this page until everything is saved."),
        "theirs": _("Somebody else recorded: {theirs}. You: {yours}."),
        "nothing": _("nothing"),
        "cut": _("There is no connection: try again when it is back."),
    }


def clock(when: datetime, timezone: str) -> str:
    """A time of day in a zone: 4:03 PM."""
    return time_words(when.astimezone(ZoneInfo(timezone)))


def full_length(meeting: Held) -> int | None:
    """The minutes of whoever was there all the time, as far as somebody said so."""
    return whole(rule_of(meeting.program, meeting.row.kind), meeting.row.planned_minutes)


def likely_length(meeting: Held) -> int | None:
    """What the session's times amount to, to be offered where nobody said how long it is."""
    row = meeting.row
    minutes = int((row.ends_at - row.starts_at) / timedelta(minutes=1)) if row.ends_at else 0
    return minutes if minutes > 0 else None


def told(person: RosterPerson, meeting: Held) -> dict[str, Any]:
    """A person as the roster's page and its script need it."""
    said = person.by_hand
    return {
        "account": str(person.account_id),
        "version": str(person.version) if person.version else None,
        **_choice(said, meeting),
        "others": [other_way(one, meeting.row.timezone) for one in person.others],
        "recorded": person.recorded,
        "disputed": person.disputed,
        "decided": said is not None and said.said.way is Way.DECIDED,
        "stands": by_values(person.stands.minutes, person.stands.status) if person.stands else "",
    }


def _choice(said: Told | None, meeting: Held) -> dict[str, Any]:
    """What was recorded by hand, as the choice that says it on the page."""
    made: dict[str, Any] = {
        "what": "",
        "minutes": None,
        "late": 0,
        "left": 0,
        "status": None,
        "mode": None,
        "label": "",
    }
    if said is None:
        return made
    minutes, status, how = said.values
    made |= {"minutes": minutes, "status": status, "mode": how}
    if status:
        made |= {"what": str(What.STATUS)}
    elif minutes == 0:
        made |= {"what": str(What.ABSENT)}
    elif late_left := _late_left(said, meeting):
        made |= {"what": str(What.PART), "late": late_left[0], "left": late_left[1]}
    else:
        made |= {"what": str(What.PRESENT if minutes == full_length(meeting) else What.MINUTES)}
    made["label"] = label(made)
    return made


def _late_left(said: Told, meeting: Held) -> tuple[int, int] | None:
    """Minutes late and gone early, where that was said, and still fits the session's beginning."""
    full, minutes = full_length(meeting), said.said.minutes
    if full is None or minutes is None or len(said.seen) != 1:
        return None
    late = int((said.seen[0].since - meeting.row.starts_at) / timedelta(minutes=1))
    left = full - late - minutes
    return (late, left) if late >= 0 and left >= 0 and late + left else None


def label(choice: dict[str, Any]) -> str:
    """A choice in words; the roster's script makes the same of what it hasn't sent yet."""
    texts = script_texts()
    what, minutes = choice["what"], choice["minutes"]
    if what == What.PART:
        parts = [texts[name].format(n=choice[name]) for name in ("late", "left") if choice[name]]
        words = ", ".join(parts)
    elif what == What.STATUS:
        words = plain(choice["status"])
    elif what == What.MINUTES:
        words = texts["minutes"].format(n=minutes)
    else:
        words = texts[what]
    return f"{words} · {mode(choice['mode'])}" if choice["mode"] else words


def by_values(minutes: int | None, status: str | None) -> str:
    """What somebody's attendance amounts to."""
    if status and minutes is None:
        return plain(status)
    return hours(minutes) if minutes else _("absent")


def other_way(one: Told, timezone: str) -> str:
    """What another way of recording says: Check-in: since 4:03 PM."""
    first = one.seen[0] if one.seen else None
    if one.held:
        words = _("waits for program staff")
    elif one.open and first:
        words = _("since %(time)s", time=clock(first.since, timezone))
    elif first and first.until and len(one.seen) == 1:
        words = _("%(since)s to %(until)s", since=clock(first.since, timezone), until=clock(first.until, timezone))
    elif one.said.minutes is None and one.said.status is None:
        words = _("was there")
    else:
        words = by_values(one.said.minutes, one.said.status)
    return _("%(way)s: %(what)s", way=way_words(str(one.said.way)), what=words)


def session_times(row: SessionRow) -> str:
    """When a session is: 1:00 PM to 2:30 PM."""
    until = ends(row)
    if until is None:
        return _("from %(since)s on", since=clock(row.starts_at, row.timezone))
    return _("%(since)s to %(until)s", since=clock(row.starts_at, row.timezone), until=clock(until, row.timezone))


def entry_words(entry: Entry, row: SessionRow) -> str:
    """What a line of the sheet of a session is taken for, or what is wrong with it."""
    timezone = row.timezone
    if entry.wrong or entry.meant is None:
        value = entry.line.spec.unread if entry.line else ""
        return _(WRONG[entry.wrong or Wrong.NOBODY], value=value, instead=entry.instead, times=session_times(row))
    words = by_values(entry.minutes, entry.meant.status)
    spec = entry.line.spec if entry.line else Spec()
    if spec.clocks and entry.meant.intervals:
        (there,) = entry.meant.intervals
        times = _(
            "%(since)s to %(until)s",
            since=clock(there.since, timezone),
            until=clock(there.until or there.since, timezone),
        )
        words = f"{times}, {words}"
    return _("%(words)s (known already)", words=words) if entry.known else words
