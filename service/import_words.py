"""Words of the pages about files of attendance."""

from records.attendance_columns import FIRST, LAST
from records.attendance_file import MODES
from service import wording
from service.i18n import N_, _

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


def to_do(action: str) -> str:
    """What somebody can do about a row; nothing where there is nothing to do."""
    return _(TO_DO[action]) if action in TO_DO else ""


def held_as() -> dict[str, str]:
    """The modes of sessions, with their words."""
    return {mode: wording.mode(mode) for mode in MODES}
