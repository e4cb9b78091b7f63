"""Write reports of Moodle's state into the mirror: the greater stamp stands, whatever came first."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, case, cast, func, inspect, select, tuple_, update
from sqlalchemy.orm import Session

from mappings.completion import EVENT, READING
from records.keys import among, put
from records.models import Base, MirrorEnrolment, MirrorGroupMember, MirrorParticipation, MirrorRoleAssignment, Site

Row = dict[str, Any]
PairKey = tuple[UUID, int, int]
"""(site, course, Moodle user)."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
STAMP = {"present", "as_of", "rank"}
PAIR_TABLES: tuple[type[Base], ...] = (MirrorEnrolment, MirrorRoleAssignment, MirrorGroupMember)


def stand_in(*ids: int) -> int:
    """The row id of what a sender knows without knowing the rows: all enrolments of a (course, user), or all
    assignments of a role to them. Negative, so that it is no row of Moodle's."""
    digest = hashlib.blake2b(":".join(map(str, ids)).encode(), digest_size=8).digest()
    return -(int.from_bytes(digest, "big") >> 2) - 1


def _primary_key(model: type[Base]) -> list[str]:
    """Column names, the site first."""
    return sorted((column.name for column in inspect(model).primary_key), key=lambda name: (name != "site_id", name))


def _order(row: Row) -> tuple[datetime, int, bool]:
    return (row["as_of"], row["rank"], row["present"])


def _clash(held: Row, row: Row) -> bool:
    of_events = held["rank"] == row["rank"] == EVENT
    return bool(of_events and held["as_of"] == row["as_of"] and held["present"] != row["present"])


def stand(
    session: Session, model: type[Base], rows: Iterable[Row], clashes: set[tuple[Any, ...]] | None = None
) -> set[tuple[Any, ...]]:
    """Upsert stamped rows; of two reports the greater (as_of, rank, present) stands.

    Returns the primary keys of the rows that are new or now say something else (a later stamp alone is
    no change). `clashes` is given the keys of rows that came and went within one second, by events alone.
    """
    key = _primary_key(model)
    best: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        name = tuple(row[k] for k in key)
        if name not in best or _order(best[name]) < _order(row):
            best[name] = row
    if not best:
        return set()
    held = _held(session, model, key, list(best))
    if clashes is not None:
        clashes |= {name for name in best if name in held and _clash(held[name], best[name])}
    # One order for everybody, so that two workers never wait for each other in a circle.
    names = [name for name in sorted(best, key=str) if name not in held or _order(held[name]) < _order(best[name])]
    if not names:
        return set()
    table: Any = model.__table__
    statement = put(model, [best[name] for name in names])
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=key,
        # A report that a row is gone says nothing about its values: the last known ones stay.
        set_={
            c: new[c] if c in STAMP else case((new.present, new[c]), else_=table.c[c])
            for c in best[names[0]]
            if c not in key
        },
        # Somebody else may have made the row since we looked.
        where=tuple_(new.as_of, new.rank, cast(new.present, Integer))
        > tuple_(table.c.as_of, table.c.rank, cast(table.c.present, Integer)),
    )
    session.execute(statement)
    return {name for name in names if name not in held or _differs(held[name], best[name])}


def is_news(session: Session, model: type[Base], rows: Sequence[Row]) -> bool:
    """Whether any of the rows says something else than the mirror does, be it earlier or later."""
    key = _primary_key(model)
    names = [tuple(row[k] for k in key) for row in rows]
    held = _held(session, model, key, names, lock=False) if names else {}
    return any(name not in held or _differs(held[name], row) for name, row in zip(names, rows, strict=True))


def _held(
    session: Session, model: type[Base], key: list[str], names: list[tuple[Any, ...]], *, lock: bool = True
) -> dict[tuple[Any, ...], Row]:
    """The rows that are there; locked, in one order: what they say can't change before ours is written."""
    table: Any = model.__table__
    columns = [table.c[name] for name in key]
    statement = select(table).where(among(tuple(columns), names)).order_by(*columns)
    found = session.execute(statement.with_for_update(key_share=True) if lock else statement)
    return {tuple(row[k] for k in key): dict(row) for row in found.mappings()}


def _differs(held: Row, row: Row) -> bool:
    if not row["present"]:
        return bool(held["present"])
    return any(held[name] != value for name, value in row.items() if name not in {"as_of", "rank"})


@dataclass(frozen=True, slots=True)
class PairReport:
    """What one report says of one user in one course. `rows` are those that it names, by table.

    A reading names all there are (`complete`); an event names the one that it is about.
    """

    pair: PairKey
    as_of: datetime
    rank: int
    complete: bool
    rows: Mapping[type[Base], Sequence[Row]]
    """Each with its own columns and `present`; keys, pair and stamp are added here."""


def _lock(session: Session, pairs: list[PairKey]) -> dict[PairKey, datetime]:
    """The time of each pair's latest reading, locked: who reports on a pair takes turns."""
    columns = ("site_id", "course_id", "moodle_user_id")
    unread = [dict(zip(columns, pair, strict=True), read_at=NEVER) for pair in pairs]
    session.execute(put(MirrorParticipation, unread).on_conflict_do_nothing())
    table = MirrorParticipation
    found = session.execute(
        select(table.site_id, table.course_id, table.moodle_user_id, table.read_at)
        .where(among((table.site_id, table.course_id, table.moodle_user_id), pairs))
        .order_by(table.site_id, table.course_id, table.moodle_user_id)
        .with_for_update()
    )
    return {(site, course, user): read_at for site, course, user, read_at in found}


def side_by_side(session: Session, sites: Iterable[UUID], *, alone: bool) -> None:
    """Let batches of a site run side by side, and one that changes what others build on run `alone`: a course
    that becomes a community finds no membership that another transaction is only about to make. Until the
    transaction ends."""
    lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
    for name in sorted(str(site) for site in sites):
        digest = hashlib.blake2b(f"site:{name}".encode(), digest_size=8).digest()
        session.execute(select(lock(int.from_bytes(digest, "big", signed=True))))


def everywhere_alone(session: Session) -> None:
    """Be alone on every site until the transaction ends. To be taken before any row is locked."""
    side_by_side(session, session.scalars(select(Site.id)), alone=True)


def take_turns(session: Session, users: Iterable[tuple[UUID, int]]) -> None:
    """Wait for whoever else changes what is known of these users of sites, and keep others waiting until the
    transaction ends: a fact or a membership is made of several tables, and no row lock covers one that isn't there
    yet."""
    names = {hashlib.blake2b(f"{site}:{user}".encode(), digest_size=8).digest() for site, user in users}
    numbers = sorted(int.from_bytes(name, "big", signed=True) for name in names)
    # One statement, in one order for everybody, so that nobody waits in a circle.
    session.execute(select(func.pg_advisory_xact_lock(func.unnest(bindparam(None, numbers, type_=ARRAY(BigInteger))))))


def _effective(row: Row, report: PairReport, read_at: datetime) -> Row:
    """A row as it counts beside the pair's latest reading: what that reading doesn't name is gone."""
    site, course, user = report.pair
    stamp = {"as_of": report.as_of, "rank": report.rank, "present": row["present"]}
    if (report.as_of, report.rank) < (read_at, READING):
        stamp = {"as_of": read_at, "rank": READING, "present": False}
    return row | stamp | {"site_id": site, "course_id": course, "moodle_user_id": user}


def _unnamed(session: Session, model: type[Base], reports: list[PairReport]) -> list[Row]:
    """Rows that the mirror has and a complete reading doesn't name: gone, as of that reading."""
    table: Any = model
    by_pair = {report.pair: report for report in reports}
    names = [column.name for column in inspect(model).columns]
    key = [name for name in _primary_key(model) if name != "site_id"]
    held = session.execute(
        select(*(getattr(table, name) for name in names)).where(
            among((table.site_id, table.course_id, table.moodle_user_id), list(by_pair))
        )
    )
    gone = []
    for values in held:
        row = dict(zip(names, values, strict=True))
        report = by_pair[(row["site_id"], row["course_id"], row["moodle_user_id"])]
        named = {tuple(r.get(name, report.pair[2]) for name in key) for r in report.rows.get(model, ())}
        if tuple(row[name] for name in key) not in named:
            gone.append(row | {"present": False, "as_of": report.as_of, "rank": report.rank})
    return gone


def report_pairs(session: Session, reports: Sequence[PairReport]) -> tuple[set[PairKey], dict[PairKey, datetime]]:
    """Write what was reported of users in courses. Several reports of one pair may come in any order.

    Returns the pairs of which something changed, and those of which events of one second said different
    things, with that second.
    """
    clashes: dict[PairKey, datetime] = {}
    if not reports:
        return set(), clashes
    read_at = _lock(session, sorted({report.pair for report in reports}, key=str))
    before = dict(read_at)
    changed = set()
    for current in _rounds(reports):
        newer = [r for r in current if r.complete and r.as_of > read_at[r.pair]]
        for report in newer:
            if read_at[report.pair] == NEVER:
                changed.add(report.pair)
            read_at[report.pair] = report.as_of
        for model in PAIR_TABLES:
            rows = [
                _effective(row, report, read_at[report.pair])
                for report in current
                for row in report.rows.get(model, ())
            ]
            if newer:
                rows += _unnamed(session, model, newer)
            key = _primary_key(model)
            pairs = {
                tuple(row[k] for k in key): (row["site_id"], row["course_id"], row["moodle_user_id"]) for row in rows
            }
            tied: set[tuple[Any, ...]] = set()
            changed |= {pairs[name] for name in stand(session, model, rows, tied)}
            seconds = {report.pair: report.as_of for report in current}
            clashes |= {pairs[name]: seconds[pairs[name]] for name in tied}
    moved = [
        {"site_id": s, "course_id": c, "moodle_user_id": u, "read_at": moment}
        for (s, c, u), moment in read_at.items()
        if moment != before[(s, c, u)]
    ]
    if moved:
        session.execute(update(MirrorParticipation), moved)
    return changed, clashes


def _rounds(reports: Sequence[PairReport]) -> Iterable[list[PairReport]]:
    """The reports in rounds, each with at most one of a pair, in the order of arrival."""
    by_round: list[list[PairReport]] = []
    turn: dict[PairKey, int] = {}
    for report in reports:
        number = turn[report.pair] = turn.get(report.pair, -1) + 1
        if number == len(by_round):
            by_round.append([])
        by_round[number].append(report)
    return by_round
