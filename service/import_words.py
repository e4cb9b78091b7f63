"""Words of the pages about files of attendance."""

from zoneinfo import ZoneInfo

from mappings.intervals import Interval
from records.attendance_columns import FIRST, LAST
from records.attendance_file import ATTENDED_AS, MODES
from records.models import SessionRow
from service import wording
from service.i18n import N_, _
from service.roster_words import clock

COLUMNS = {
    "site": N_("Moodle site"),
    "community": N_("Community"),
    "session": N_("Session (its code)"),
    "date": N_("Date"),
    "start": N_("Start time"),
    "mode": N_("Held as"),
    "minutes": N_("Minutes"),
    "title": N_("Title of the session"),
    "timezone": N_("Time zone"),
    "planned_minutes": N_("Planned minutes"),
    "activity": N_("Moodle activity (ID number)"),
    "kind": N_("Kind of session"),
    "shared_with": N_("Shared with"),
    "user": N_("Moodle user id"),
    "idnumber": N_("ID number"),
    "email": N_("E-mail"),
    "name": N_("Name"),
    FIRST: N_("First name"),
    LAST: N_("Last name"),
    "status": N_("Status"),
    "attended_as": N_("Was there (of a hybrid session)"),
}
FORMATS = {
    "table": N_("a table"),
    "zoom": N_("a Zoom report"),
    "teams": N_("a Teams report"),
    "meet": N_("a Google Meet report"),
}
STATUSES = {
    "uploaded": N_("Not taken in yet"),
    "due": N_("Waiting"),
    "running": N_("Being worked on"),
    "done": N_("Taken in"),
    "failed": N_("Stopped"),
    "undone": N_("Undone"),
}
ACTIONS = {
    "wrong": N_("Wrong"),
    "note": N_("Note"),
    "new": N_("New"),
    "changed": N_("Changed"),
    "unchanged": N_("As it is"),
    "unmatched": N_("Who is it?"),
}
SAID_ONCE = N_("This was said once for all rows: change it under “How the file is read”, and look again.")
TO_DO = {
    "wrong": N_("Mend this row in the file and upload it again; the other rows are taken in without it."),
    "unmatched": N_("It goes to the review queue, where staff say who this is. The minutes count from then on."),
    "note": N_("Look whether that is right."),
}


def column_words(column: str) -> str:
    """A column of ours."""
    return _(COLUMNS[column])


def format_words(kind: str) -> str:
    """What kind of file it is."""
    return _(FORMATS[kind])


def status_words(status: str) -> str:
    """How far a report is."""
    return _(STATUSES[status])


def action_words(action: str) -> str:
    """What a row amounts to."""
    return _(ACTIONS[action])


def to_do(action: str, said_once: bool = False) -> str:
    """What somebody can do about a row; nothing where there is nothing to do. `said_once`: it isn't the row's own."""
    if said_once:
        return _(SAID_ONCE)
    return _(TO_DO[action]) if action in TO_DO else ""


def other_name() -> str:
    """Of a row whose name is another one than that of the account."""
    return _("The name in the file is another one: look whether this is the right person.")


def outside() -> str:
    """Of a meeting that was at another time than its session."""
    return _(
        "The meeting's times don't lie in the session: look whether it is the right session and the right time zone."
    )


def session_words(row: SessionRow) -> str:
    """A session to be chosen: title, code, when."""
    when = wording.moment(row.starts_at, row.timezone)
    return " · ".join(dict.fromkeys((row.title, row.code, when)))


def together(meets: Interval | None, row: SessionRow) -> str:
    """Which meeting and which session are put together."""
    return _(
        "Meeting: %(meeting)s · Session: %(title)s, %(when)s",
        meeting=_span(meets, row.timezone) if meets else _("the report doesn't say when it was"),
        title=row.title,
        when=wording.moment(row.starts_at, row.timezone),
    )


def _span(meets: Interval, timezone: str) -> str:
    since, until = meets.since, meets.until or meets.since
    if wording.day(since, timezone) != wording.day(until, timezone):
        return _("%(since)s to %(until)s", since=wording.moment(since, timezone), until=wording.moment(until, timezone))
    if since == until:
        return wording.moment(since, timezone)
    return _(
        "%(day)s, %(since)s to %(until)s %(zone)s",
        day=wording.day(since, timezone),
        since=clock(since, timezone),
        until=clock(until, timezone),
        zone=until.astimezone(ZoneInfo(timezone)).tzname() or "",
    )


def there_words(text: str) -> str:
    """What a row says of somebody, as records.attendance_tally.there gives it."""
    return " ".join(wording.mode(part) if part in ATTENDED_AS else part for part in text.split(" "))


def held_as() -> dict[str, str]:
    """The modes of sessions, with their words."""
    return {mode: wording.mode(mode) for mode in MODES}
