"""What a facilitator sees of a check-in, and who gets a personal link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from records import check_in
from records.actor import Actor, in_scope
from records.models import Account, Community, CommunityCourse, Membership, Person, Presence, SessionRow
from records.sessions import communities_of, shown_people
from records.strikes import struck_of


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody who checked in, as the facilitator's list has it."""

    presence_id: UUID
    account_id: UUID | None
    name: str
    """Empty: Moodle hasn't told it, or the account isn't known here."""
    user: str
    since: datetime
    until: datetime | None
    held: str | None
    hidden: bool = False
    """Of a community out of scope only: counted, not named."""


def came(session: Session, actor: Actor, row: SessionRow) -> list[Came]:
    """Who checked in, the latest first; of whom isn't for the actor to see, just that somebody did."""
    standing = check_in.check_ins(session, row.id, Presence.withdrawn_at.is_(None))
    return _shown(session, actor, row, check_in.grouped(standing))


def struck(session: Session, actor: Actor, row: SessionRow) -> list[Came]:
    """Whose check-in was struck, as came() has them."""
    groups = check_in.grouped(check_in.check_ins(session, row.id))
    gone = [rows for rows in groups if all(one.withdrawn_at for one in rows)]
    return _shown(session, actor, row, [rows for each in gone if (rows := struck_of(each))])


def _shown(session: Session, actor: Actor, row: SessionRow, groups: Sequence[Sequence[Presence]]) -> list[Came]:
    wanted = {rows[0].account_id for rows in groups}
    accounts = {a.id: a for a in session.scalars(select(Account).where(Account.id.in_(wanted)))}
    shown = shown_people(session, actor, communities_of(session, row), {a.person_id for a in accounts.values()})
    found = []
    for rows in groups:
        first, arrival = rows[0], check_in.arrival(rows)
        account = accounts.get(first.account_id) if first.account_id else None
        held = next((one.held for one in rows if one.held), None)
        if account and account.person_id not in shown:
            found.append(Came(first.id, None, "", "", arrival.since, arrival.left_at, held, hidden=True))
            continue
        name = f"{account.firstname} {account.lastname}".strip() if account else ""
        user = str(account.moodle_user_id) if account else (first.who or {}).get("user", "")
        found.append(Came(first.id, first.account_id, name, user, arrival.since, arrival.left_at, held))
    return sorted(found, key=lambda one: (one.since, one.presence_id), reverse=True)


def still_there(session: Session, session_id: UUID) -> int:
    """How many people came whom nobody has seen leave, by whatever way that goes by minutes."""
    return len(check_in.groups_still_there(session, session_id))


def link_holders(session: Session, actor: Actor, community_id: UUID) -> list[Account] | None:
    """The accounts of a community's present members that a personal link is made for, by name. None: there is no such
    community in the actor's scope."""
    if session.scalar(select(Community.id).where(Community.id == community_id, in_scope(actor))) is None:
        return None
    a, m = Account, Membership
    sites = select(CommunityCourse.site_id).where(CommunityCourse.community_id == community_id)
    found = session.scalars(
        select(a)
        .join(m, m.person_id == a.person_id)
        .where(m.community_id == community_id, m.status != "left", a.site_id.in_(sites), *_usable())
    )
    return sorted(found, key=lambda one: (one.lastname.casefold(), one.firstname.casefold(), one.id))


def link_holder(session: Session, account_id: UUID) -> Account | None:
    """The account that a personal link is of, as long as it is there and nobody erased the person."""
    return session.scalars(select(Account).where(Account.id == account_id, *_usable())).one_or_none()


def _usable() -> tuple[ColumnElement[bool], ...]:
    erased = select(Person.id).where(Person.id == Account.person_id, Person.erased_at.is_not(None))
    return Account.present.is_(True), ~erased.exists()
