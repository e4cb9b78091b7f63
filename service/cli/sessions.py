"""`copbridge session`: plan sessions, move, cancel and restore them, list them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date as date_type
from datetime import time
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from jobs.queues import QueueName
from records import sessions
from records.actor import CLI
from records.attendance_file import clock
from records.csv_file import Wrong, day
from records.models import SessionRow
from records.queries import sessions as queries
from records.queries.sessions import Change, Line, SessionPage
from records.session_checks import Draft, SessionError, check_length, moment, with_length
from service import session_words
from service.cli.errors import UserError
from service.cli.opening import Opened, records
from service.cli.output import clean, counted, local, minute, say, say_json, table
from service.cli.subjects import find_community

UNKNOWN = "There is no session of that id: see `copbridge session list`."
group = typer.Typer(help="Sessions: plan, move, cancel and restore them.", no_args_is_help=True)

CommunityName = Annotated[
    str, typer.Argument(help="A course's idnumber, SITE:IDNUMBER, or the community's id.", metavar="COMMUNITY")
]
SessionId = Annotated[UUID, typer.Argument(help="Its id: see `session list`.", metavar="ID")]
Day = Annotated[str, typer.Option(help="The day, as YYYY-MM-DD.")]
Start = Annotated[str, typer.Option(help="When it begins, as HH:MM.")]
End = Annotated[str, typer.Option(help="When it ends on that day, as HH:MM.")]
Reason = Annotated[str, typer.Option(help="Why: it is kept in the session's history.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="session")


@group.command("list")
def list_sessions(community: CommunityName, as_json: AsJson = False) -> None:
    """List the sessions of a community, those that others share with it among them."""
    with records() as opened, opened.transaction() as session:
        found = queries.listed(session, CLI, find_community(session, community).id, opened.now())
    lines = found.lines if found else []
    if as_json:
        say_json([_as_data(line.row) | {"present": line.present, "missed": line.missed} for line in lines])
        return
    if not lines:
        say("There is no session yet.")
        return
    rows = [(each.row.id, each.row.code, each.row.title, *_when(each), _state(each)) for each in lines]
    columns = ("id", "code", "title", "begins", "time zone", "present", "missed", "")
    table(counted(len(lines), "session"), columns, rows, right=("present", "missed"))


def _when(line: Line) -> tuple[object, ...]:
    missed = "" if line.missed is None else line.missed
    return local(line.row.starts_at, line.row.timezone), line.row.timezone, line.present, missed


def _state(line: Line) -> str:
    states = {"cancelled": line.row.cancelled_at, "required": line.row.required, "makes up another": line.row.makes_up}
    return ", ".join(name for name, is_so in states.items() if is_so)


@group.command()
def show(meeting: SessionId, as_json: AsJson = False) -> None:
    """Show a session with its history; who was there is counted, and nobody named."""
    with records() as opened, opened.transaction() as session:
        found = queries.one(session, CLI, meeting, opened.now())
    if found is None:
        raise UserError(UNKNOWN)
    if as_json:
        more = {"people": len(found.people), "history": [_change(each) for each in found.history]}
        say_json(_as_data(found.row) | more)
        return
    row = found.row
    say(clean(f"{row.code}: {row.title}, {local(row.starts_at, row.timezone)} {row.timezone}"))
    if row.cancelled_at:
        say(f"Cancelled {minute(row.cancelled_at)}.")
    say(f"{counted(len(found.people), 'person', 'people')} recorded.")
    _say_history(found)


def _say_history(found: SessionPage) -> None:
    rows = [
        (minute(each.at), each.what, each.by, ", ".join(sorted({*each.before, *each.after})), each.reason)
        for each in found.history
    ]
    if rows:
        table("", ("when", "what", "who", "of it", "why"), rows)


@group.command()
def add(
    community: CommunityName,
    code: Annotated[str, typer.Option(help="What files name it by; unique in the community.")],
    date: Day,
    start: Start,
    mode: Annotated[str, typer.Option(help="face_to_face, virtual or hybrid.")],
    title: Annotated[str, typer.Option(help="Its title; without one its code.")] = "",
    end: End = "",
    timezone: Annotated[str, typer.Option(help="Such as America/Los_Angeles; without one the community's.")] = "",
    kind: Annotated[str, typer.Option(help="One of the program's kinds of sessions.")] = "",
    minutes: Annotated[
        int | None, typer.Option(help="How many are planned; without it those from the start to the end.")
    ] = None,
    place: Annotated[str, typer.Option(help="Where it is held.")] = "",
    link: Annotated[str, typer.Option(help="Where one joins it.")] = "",
    capacity: Annotated[int | None, typer.Option(help="How many places there are.")] = None,
    required: Annotated[bool, typer.Option("--required", help="Staff see who missed it.")] = False,
    makes_up: Annotated[UUID | None, typer.Option(help="The session that it is held again for.")] = None,
    also: Annotated[list[str] | None, typer.Option(help="A further date of a series; may be repeated.")] = None,
    reason: Reason = "",
) -> None:
    """Plan a session, or with --also a series of them, whose codes end with -1, -2 and so on."""
    with _acting() as (session, opened):
        at = find_community(session, community)
        zone = timezone or at.timezone
        first = _day(date)
        draft = Draft(
            title=title or code,
            code=code,
            starts_at=moment(first, _clock(start), zone),
            ends_at=moment(first, _clock(end), zone) if end else None,
            timezone=zone,
            mode=mode,
            kind=kind,
            planned_minutes=minutes,
            place=place,
            link=link,
            capacity=capacity,
            required=required,
            makes_up=makes_up,
        )
        about = (session, at.id, with_length(draft))
        if also:
            made = sessions.make_series(*about, [first, *map(_day, also)], CLI, opened.now(), reason=reason)
        else:
            made = [sessions.make(*about, CLI, opened.now(), reason=reason)]
    for each in made:
        say(str(each))


@group.command()
def move(meeting: SessionId, date: Day, start: Start, end: End = "", reason: Reason = "") -> None:
    """Have a session begin at another moment. Who was there keeps the hours, at that moment."""
    with _acting() as (session, opened):
        row = _held(session, meeting)
        zone, first = row.timezone, _day(date)
        ends_at = moment(first, _clock(end), zone) if end else None
        check_length(ends_at, row.planned_minutes)
        done = sessions.move(
            session, meeting, moment(first, _clock(start), zone), ends_at, CLI, opened.now(), reason=reason
        )
    say("Moved." if done else "It begins and ends then already.")


@group.command()
def cancel(meeting: SessionId, reason: Reason) -> None:
    """Call a session off. Refused while somebody has hours for having been there."""
    with _acting() as (session, opened):
        _held(session, meeting)
        sessions.cancel(session, meeting, CLI, reason, opened.now())
    say("Cancelled.")


@group.command()
def restore(meeting: SessionId, reason: Reason = "") -> None:
    """Hold a cancelled session after all."""
    with _acting() as (session, opened):
        _held(session, meeting)
        sessions.restore(session, meeting, CLI, reason, opened.now())
    say("It is held after all.")


@contextmanager
def _acting() -> Iterator[tuple[Session, Opened]]:
    """A transaction that changes sessions; afterwards facts and standings follow."""
    with records() as opened:
        try:
            with opened.transaction() as session:
                yield session, opened
        except SessionError as err:
            raise UserError(clean(session_words.fault(err))) from err
        opened.wake(QueueName.ATTENDANCE)
        opened.wake(QueueName.RECONCILE)


def _held(session: Session, meeting: UUID) -> SessionRow:
    row = sessions.find(session, CLI, meeting)
    if row is None:
        raise UserError(UNKNOWN)
    return row


def _day(text: str) -> date_type:
    try:
        return day(text)
    except Wrong as err:
        raise UserError(clean(f"{err}."), code=2) from err


def _clock(text: str) -> time:
    try:
        return clock(text)
    except Wrong as err:
        raise UserError(clean(f"{err}."), code=2) from err


def _as_data(row: SessionRow) -> dict[str, object]:
    return {
        "id": row.id,
        "code": row.code,
        "title": row.title,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat() if row.ends_at else None,
        "timezone": row.timezone,
        "mode": row.mode,
        "kind": row.kind,
        "planned_minutes": row.planned_minutes,
        "required": row.required,
        "series": row.series,
        "makes_up": row.makes_up,
        "cancelled_at": row.cancelled_at.isoformat() if row.cancelled_at else None,
        "revision": row.revision,
    }


def _change(each: Change) -> dict[str, object]:
    return {
        "what": each.what,
        "before": each.before,
        "after": each.after,
        "reason": each.reason,
        "by": each.by,
        "at": each.at.isoformat(),
    }
