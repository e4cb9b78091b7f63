"""Take in what Zoom, Teams or Meet say of a meeting: whose rows they are, and what they amount to at a session."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from mappings.intervals import Interval, minutes_of, since, union
from records.actor import Actor
from records.attendance import Source
from records.attendance_tally import Row, Tally, who_words
from records.keys import among
from records.matching_people import Who, match, no_word_alike
from records.models import Account, Presence, SessionRow
from records.presences import NewPresence, add, fold
from records.reports import Report, ReportPerson
from records.sessions import communities_of

NEAR = timedelta(hours=2)
"""A meeting that began so near to a session is proposed as that session."""
BEFORE = timedelta(hours=1)
"""People are in a meeting so long before its session begins."""
UNENDED = timedelta(hours=12)
"""A session whose end isn't stated is over by then."""


@dataclass(slots=True)
class Stay:
    """Somebody at the meeting, with all rows that are about the same person."""

    line: int
    """The first of them."""
    account_id: UUID | None
    who: dict[str, str]
    shown: dict[str, str]
    """What the file says of who it is, for whoever looks at it."""
    whos: list[dict[str, str]] = field(default_factory=list)
    """The same of all rows."""
    other_name: bool = False
    """A row's name has no word in common with the account's: it is what is shown."""
    intervals: list[Interval] = field(default_factory=list)
    minutes: int | None = None
    """The stated total, where no intervals say it."""
    before: int | None = None
    now: int | None = None
    action: str = "new"


def times(report: Report) -> Interval | None:
    """From the first joining to the last leaving, else as the report states the meeting. None: it says neither."""
    stays = [interval for person in report.people for interval in person.intervals]
    if stays:
        return Interval(min(s.since for s in stays), max(s.until or s.since for s in stays))
    if report.started_at is None:
        return None
    return Interval(report.started_at, max(report.started_at, report.ended_at or report.started_at))


def lies_in(meeting: Interval, row: SessionRow) -> bool:
    """Whether some of a meeting can be that session: from an hour before its beginning to its end."""
    ends = row.ends_at or row.starts_at + UNENDED
    return meeting.since <= ends and (meeting.until or meeting.since) >= row.starts_at - BEFORE


def near(session: Session, community_id: UUID, started_at: datetime | None) -> SessionRow | None:
    """The session of a community that begins nearest to a meeting's beginning, within NEAR."""
    if started_at is None:
        return None
    away = func.abs(func.extract("epoch", SessionRow.starts_at - started_at))
    return session.scalars(
        select(SessionRow)
        .where(SessionRow.community_id == community_id, SessionRow.cancelled_at.is_(None))
        .where(away <= NEAR.total_seconds())
        .order_by(away, SessionRow.code)
        .limit(1)
    ).first()


def plan_meeting(session: Session, report: Report, row: SessionRow) -> list[Stay]:
    """Who was there by the report, one entry a person; and what it changes of what the same way said before."""
    problems = {problem.line for problem in report.problems}
    people = [person for person in report.people if person.line not in problems]
    whos = [Who.said(person.who) for person in people]
    found = match(session, sorted(communities_of(session, row), key=str), whos)
    stays: dict[tuple[str, ...], Stay] = {}
    for person, matched in zip(people, found, strict=True):
        _join(stays, person, matched.account_id)
    _name(session, stays.values())
    known = _known(session, row.id, Way(report.format))
    for stay in stays.values():
        _compare(stay, known.get(stay.account_id, []) if stay.account_id else [], row.starts_at)
    return list(stays.values())


def _join(stays: dict[tuple[str, ...], Stay], person: ReportPerson, account_id: UUID | None) -> None:
    who = dict(person.who)
    # Whoever isn't known is one person as far as everything said of them is the same.
    name = (str(account_id),) if account_id else tuple(value.casefold() for value in who.values())
    stay = stays.setdefault(name, Stay(person.line, account_id, who, who))
    stay.whos.append(who)
    stay.intervals += person.intervals
    if person.minutes is not None and not person.intervals:
        stay.minutes = (stay.minutes or 0) + person.minutes


def _name(session: Session, stays: Collection[Stay]) -> None:
    """Say where the file names somebody otherwise than the account does."""
    wanted = {stay.account_id for stay in stays if stay.account_id}
    rows = session.execute(select(Account.id, Account.firstname, Account.lastname).where(among(Account.id, wanted)))
    names = {account: f"{first} {last}" for account, first, last in rows}
    for stay in stays:
        theirs = names.get(stay.account_id, "") if stay.account_id else ""
        other = next((who for who in stay.whos if no_word_alike(who.get("name", ""), theirs)), None)
        stay.shown, stay.other_name = other or stay.who, other is not None


Seen = tuple[int | None, list[Interval]]
"""(minutes, intervals) of a row."""


def _known(session: Session, session_id: UUID, way: Way) -> dict[UUID, list[Seen]]:
    """What the same way said of people at the session so far."""
    p = Presence
    rows = session.execute(
        select(p.account_id, p.minutes, p.intervals)
        .where(p.session_id == session_id, p.way == str(way), p.account_id.is_not(None))
        .where(p.withdrawn_at.is_(None), p.held.is_(None))
        .order_by(p.recorded_at, p.id)
    )
    known: dict[UUID, list[Seen]] = {}
    for account, minutes, intervals in rows:
        if account:
            known.setdefault(account, []).append((minutes, [Interval.from_json(pair) for pair in intervals]))
    return known


def _compare(stay: Stay, known: Sequence[Seen], begins: datetime) -> None:
    """Say what the stay changes. Of totals the latest stands; intervals of several files add up."""
    if stay.intervals:
        stay.minutes = None
    before = [interval for _, intervals in known for interval in intervals]
    if known:
        stay.before = known[-1][0] if known[-1][0] is not None else minutes_of(since(begins, before))
    stay.now = stay.minutes if stay.minutes is not None else minutes_of(since(begins, [*before, *stay.intervals]))
    if stay.account_id is None:
        stay.action = "unmatched"
    elif known:
        stay.action = "unchanged" if stay.before == stay.now else "changed"


def tally(report: Report, stays: Sequence[Stay], code: str) -> Tally:
    """The counts, problems and rows of a meeting's report."""
    found = Tally(notes=list(report.notes))
    found.refuse(report.problems)
    found.show(_row(stay, code) for stay in stays)
    for stay in stays:
        found.count(stay.action)
    return found


def _row(stay: Stay, code: str) -> Row:
    account = str(stay.account_id) if stay.account_id else None
    before, now = ("" if minutes is None else str(minutes) for minutes in (stay.before, stay.now))
    return stay.line, stay.action, code, account, who_words(stay.shown), before, now, stay.other_name


def write_meeting(
    session: Session, stays: Sequence[Stay], row: SessionRow, way: Way, *, source: Source, by: Actor
) -> int:
    """Add what everybody's stay says, and make the facts of it. The caller is alone on every site. Returns how many
    facts got a version."""
    news = (
        NewPresence(
            row.id,
            stay.account_id,
            way,
            stay.minutes,
            intervals=tuple(union(stay.intervals)),
            who=None if stay.account_id else stay.who,
            report_id=source.report_id,
            report_line=stay.line,
            id=source.row_id(stay.line),
        )
        for stay in stays
    )
    add(session, news, by=by, correlation_id=source.run)
    return fold(session, [(row.id, stay.account_id) for stay in stays if stay.account_id])
