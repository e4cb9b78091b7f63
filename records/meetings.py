"""Sessions as the rows of a file state them: whether all that say something agree, and what is recorded of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.actor import Actor
from records.csv_file import Problem
from records.keys import among, put
from records.models import SessionRow, SharedSession
from records.session_checks import Draft
from records.sessions import draft_of, note_taken_in

STATED = ("title", "starts_at", "timezone", "mode", "kind", "planned_minutes", "module", "shared_with")
"""What rows say of a session; all that say something have to agree."""
COLUMNS = {"starts_at": "date", "module": "activity"}
"""Of what is stated: the file's name for it, where it is another one."""

CANCELLED = "the session was cancelled: restore it first"

Name = tuple[UUID, str]
"""(community, code)."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A session as a row states it; None: the row doesn't say."""

    community_id: UUID
    code: str
    starts_at: datetime
    mode: str
    timezone: str
    title: str | None
    planned_minutes: int | None
    module: tuple[UUID, int] | None
    kind: str | None = None
    shared_with: frozenset[UUID] | None = None
    """The other communities that it is a session of."""
    cancelled: bool = False
    """Nobody was there, as far as is recorded."""

    @property
    def name(self) -> Name:
        return self.community_id, self.code

    @property
    def communities(self) -> frozenset[UUID]:
        """All that it is a session of."""
        return (self.shared_with or frozenset()) | {self.community_id}


@dataclass(frozen=True, slots=True)
class Stated:
    """What a line says of a session."""

    line: int
    meeting: Meeting


def recorded(session: Session, communities: Iterable[UUID]) -> dict[Name, tuple[UUID, Meeting]]:
    """The sessions of communities, with their ids."""
    rows = session.scalars(
        select(SessionRow).where(among(SessionRow.community_id, communities)).execution_options(populate_existing=True)
    ).all()
    shared: dict[UUID, set[UUID]] = {}
    s = SharedSession
    of = select(s.session_id, s.community_id).where(among(s.session_id, [row.id for row in rows]))
    for session_id, community in session.execute(of):
        shared.setdefault(session_id, set()).add(community)
    return {(row.community_id, row.code): (row.id, _meeting(row, shared.get(row.id, set()))) for row in rows}


def _meeting(row: SessionRow, shared: set[UUID]) -> Meeting:
    return Meeting(
        row.community_id,
        row.code,
        row.starts_at,
        row.mode,
        row.timezone,
        # A title that is the code stands for none.
        row.title if row.title != row.code else None,
        row.planned_minutes,
        (row.module_site_id, row.module_id) if row.module_site_id and row.module_id is not None else None,
        row.kind or None,
        frozenset(shared) or None,
        row.cancelled_at is not None,
    )


def agreed(
    stated: Sequence[Stated], known: dict[Name, tuple[UUID, Meeting]], problems: list[Problem]
) -> tuple[dict[Name, Meeting], set[int]]:
    """Each session as all lines and the records together describe it; and the lines that contradict what is recorded,
    or a line before them, which is noted."""
    described: dict[Name, tuple[str, Meeting]] = {
        name: ("what is recorded", meeting) for name, (_, meeting) in known.items()
    }
    # An activity stands for one session at most: its completion would count twice otherwise.
    owners = {(name[0], meeting.module): name[1] for name, (_, meeting) in described.items() if meeting.module}
    wrong = set()
    for line in stated:
        meeting, name = line.meeting, line.meeting.name
        source, earlier = described.setdefault(name, (f"line {line.line}", meeting))
        if earlier.cancelled:
            problems.append(Problem(line.line, "session", CANCELLED))
            wrong.add(line.line)
            continue
        stands_for = meeting.module and owners.setdefault((name[0], meeting.module), name[1])
        if stands_for and stands_for != name[1]:
            text = f"the activity stands for the session '{stands_for}' already"
            problems.append(Problem(line.line, "activity", text))
            wrong.add(line.line)
            continue
        against = next((p for p in STATED if _contradict(getattr(earlier, p), getattr(meeting, p))), None)
        if against:
            ours, theirs = _words(meeting, against), _words(earlier, against)
            text = f"session '{meeting.code}': {ours} contradicts {source}: {theirs}"
            problems.append(Problem(line.line, COLUMNS.get(against, against), text))
            wrong.add(line.line)
            continue
        described[name] = (source, _merged(earlier, meeting))
    return {name: meeting for name, (_, meeting) in described.items()}, wrong


def together(stated: Iterable[Meeting]) -> dict[Name, Meeting]:
    """What several lines that agree say of each session."""
    said: dict[Name, Meeting] = {}
    for meeting in stated:
        said[meeting.name] = _merged(said.get(meeting.name, meeting), meeting)
    return said


def _contradict(a: object, b: object) -> bool:
    return a is not None and b is not None and a != b


def _merged(earlier: Meeting, later: Meeting) -> Meeting:
    lacking = {part: getattr(later, part) for part in STATED if getattr(earlier, part) is None}
    return replace(earlier, **lacking)


def _words(meeting: Meeting, part: str) -> str:
    value = getattr(meeting, part)
    if part == "starts_at":
        return f"{meeting.starts_at.astimezone(ZoneInfo(meeting.timezone)):%Y-%m-%d %H:%M}"
    if part == "shared_with":
        return " ".join(sorted(map(str, value)))
    return f"module {value[1]}" if part == "module" else f"'{value}'"


def write(
    session: Session,
    new: Sequence[tuple[UUID, Meeting]],
    known: Sequence[tuple[UUID, Meeting]],
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Make sessions, and have known ones say what is known of them now; with their history."""
    there: list[tuple[SessionRow, Draft | None]] = []
    for session_id, meeting in new:
        row = SessionRow(
            id=session_id,
            community_id=meeting.community_id,
            code=meeting.code,
            starts_at=meeting.starts_at,
            timezone=meeting.timezone,
            mode=meeting.mode,
            revision=-1,
        )
        _complete(row, meeting)
        session.add(row)
        there.append((row, None))
    for session_id, meeting in known:
        row = session.get_one(SessionRow, session_id)
        there.append((row, draft_of(session, row)))
        _complete(row, meeting)
    session.flush()
    shares = [
        {"session_id": session_id, "community_id": community}
        for session_id, meeting in (*new, *known)
        for community in sorted(meeting.shared_with or ())
    ]
    if shares:
        session.execute(put(SharedSession, shares).on_conflict_do_nothing())
    for row, before in there:
        note_taken_in(session, row, before, by, now)


def _complete(row: SessionRow, meeting: Meeting) -> None:
    row.title = meeting.title or meeting.code
    row.kind = meeting.kind or ""
    row.planned_minutes = meeting.planned_minutes
    row.module_site_id, row.module_id = meeting.module or (None, None)
