"""What the records say, in Moodle's own ids and without made-up ones, so that two runs can be compared."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records.models import (
    Account,
    Binding,
    Community,
    FactRow,
    LedgerEntry,
    Membership,
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorGroupMember,
    MirrorModule,
    MirrorRoleAssignment,
    Reread,
    SessionRow,
    StandingRow,
)


def unix(moment: datetime | None) -> float | None:
    """Unix seconds, as Moodle tells time."""
    if moment is None:
        return None
    seconds = moment.timestamp()
    return int(seconds) if seconds.is_integer() else round(seconds, 6)


def snapshot(session: Session) -> dict[str, Any]:
    """Everything that has to be the same whatever the order of events was."""
    return {
        "completions": completions(session),
        "enrolments": enrolments(session),
        "roles": roles(session),
        "group_members": group_members(session),
        "modules": modules(session),
        "courses": courses(session),
        "accounts": accounts(session),
        "facts": facts(session),
        "bindings": bindings(session),
        "net": net(session),
        "standings": standings(session),
    }


def completions(session: Session) -> dict[str, Any]:
    """By `module/user`: the row as Moodle has it, None where it is gone."""
    return {
        f"{row.module_id}/{row.moodle_user_id}": (
            {"state": row.state, "overrideby": row.overrideby, "as_of": unix(row.as_of)} if row.present else None
        )
        for row in session.scalars(select(MirrorCompletion))
    }


def enrolments(session: Session) -> dict[str, Any]:
    """By `course/user`, then enrolment id: status and end of the rows that are there."""
    found: dict[str, Any] = {}
    for row in session.scalars(select(MirrorEnrolment).where(MirrorEnrolment.present).order_by("enrolment_id")):
        ends = {"timeend": unix(row.timeend)} if row.timeend else {}
        found.setdefault(f"{row.course_id}/{row.moodle_user_id}", {})[row.enrolment_id] = {"status": row.status} | ends
    return found


def roles(session: Session) -> dict[str, list[int]]:
    """By `course/user`: the role ids that are assigned."""
    found: dict[str, list[int]] = {}
    table = MirrorRoleAssignment
    for row in session.scalars(select(table).where(table.present).order_by(table.role_id)):
        found.setdefault(f"{row.course_id}/{row.moodle_user_id}", []).append(row.role_id)
    return found


def group_members(session: Session) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    table = MirrorGroupMember
    for row in session.scalars(select(table).where(table.present).order_by(table.group_id)):
        found.setdefault(f"{row.course_id}/{row.moodle_user_id}", []).append(row.group_id)
    return found


def modules(session: Session) -> dict[int, str | None]:
    return {row.module_id: row.name if row.present else None for row in session.scalars(select(MirrorModule))}


def courses(session: Session) -> dict[int, str | None]:
    return {row.course_id: row.idnumber if row.present else None for row in session.scalars(select(MirrorCourse))}


def accounts(session: Session) -> dict[int, bool]:
    """By Moodle id: whether Moodle still has the account."""
    return {row.moodle_user_id: row.present for row in session.scalars(select(Account))}


def facts(session: Session) -> dict[str, Any]:
    """By `module/user` of completions, or by key: the version that counts now."""
    found = {}
    users = users_of(session)
    for row in session.scalars(select(FactRow).where(FactRow.superseded_at.is_(None))):
        found[key_of(row.key, users)] = {
            "kind": row.kind,
            "first": unix(row.happened_at),
            "state": row.state,
            "ended": row.ended,
            "overrideby": row.overrideby,
            "provisional": row.provisional,
        }
    return found


def users_of(session: Session) -> dict[str, int | str]:
    """By account id, as keys spell it: the Moodle id; and by session id the session's code."""
    users: dict[str, int | str] = {str(row.id): row.moodle_user_id for row in session.scalars(select(Account))}
    return users | {str(row.id): row.code for row in session.scalars(select(SessionRow))}


def key_of(key: str, users: dict[str, int | str]) -> str:
    """A completion's key as `module/user`, in Moodle's ids; an attendance's as `code/user`; another key as it is."""
    kind, *_, thing, account = key.split(":") if key.count(":") > 1 else ("", key, "")
    if kind not in ("completion", "attendance"):
        return key
    return f"{users.get(thing, thing)}/{users[account]}"


def bindings(session: Session) -> list[tuple[object, ...]]:
    """(module, idnumber, name, status, rule) of the forms that count or are proposed, and the hours stated in them."""
    rows = session.scalars(select(Binding).where(Binding.status.in_(("active", "proposed"))))
    found: list[tuple[object, ...]] = []
    for row in rows:
        stated = () if row.minutes is None else (row.minutes, row.component)
        found.append((row.module_id, row.idnumber, row.name, row.status, row.rule, *stated))
    return sorted(found, key=str)


def _by_user(session: Session) -> dict[UUID, str]:
    """Membership id to `topic-region/user`."""
    rows = session.execute(
        select(Membership.id, Community.topic, Community.region, func.min(Account.moodle_user_id))
        .join(Community, Community.id == Membership.community_id)
        .join(Account, Account.person_id == Membership.person_id)
        .group_by(Membership.id, Community.topic, Community.region)
    )
    return {member: f"{topic}-{region}/{user}" for member, topic, region, user in rows}


def memberships(session: Session) -> dict[int, UUID]:
    """Moodle user to membership id; for databases with one community."""
    return {int(name.rsplit("/", 1)[1]): member for member, name in _by_user(session).items()}


def net(session: Session) -> dict[str, dict[str, Any]]:
    """By membership, then fact: minutes and component, where there are any."""
    names, users = _by_user(session), users_of(session)
    total = func.sum(LedgerEntry.minutes)
    rows = session.execute(
        select(LedgerEntry.membership_id, LedgerEntry.credit_key, LedgerEntry.component, total)
        .group_by(LedgerEntry.membership_id, LedgerEntry.credit_key, LedgerEntry.component)
        .having(total != 0)
    )
    found: dict[str, dict[str, Any]] = {}
    for member, key, component, minutes in rows:
        found.setdefault(names[member], {})[key_of(key, users)] = {"minutes": int(minutes), "component": component}
    return found


def standings(session: Session) -> dict[str, Any]:
    names = _by_user(session)
    rows = session.execute(select(Membership, StandingRow).join(StandingRow))
    return {
        names[member.id]: {
            "role": member.role,
            "status": member.status,
            "minutes": row.minutes,
            "standing": row.status,
            "on_their_way": row.on_their_way,
            "valid_until": unix(row.valid_until),
            "dirty": member.dirty_at is not None,
        }
        for member, row in rows
    }


def asks(session: Session) -> list[str]:
    """`course/user reason` or `course/user/module reason` of what is still to be read again; `*` for everybody."""
    rows = session.scalars(select(Reread).where(Reread.done_at.is_(None)))
    found = []
    for row in rows:
        module = f"/{row.module_id}" if row.module_id is not None else ""
        found.append(f"{row.course_id}/{row.moodle_user_id or '*'}{module} {row.reason}")
    return sorted(found)
