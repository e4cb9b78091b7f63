"""People who may be one, by exact keys alone; people by name, for who looks for one; and the merges that stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from records.actor import Actor, in_scope
from records.merge_plan import AccountShown, accounts_of
from records.merged import Merged, standing_merges
from records.merging import reaches
from records.models import Account, Community, Decision, Membership, User

SHOWN = 100
FOUND = 20
KEYS = ("email", "idnumber")


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person with the accounts."""

    id: UUID
    accounts: list[AccountShown]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two people whose accounts have a key in common. `keys`: `email`, `idnumber`."""

    one: Somebody
    other: Somebody
    """Known for longer: the natural one to merge into."""
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergeShown:
    """A merge that stands. `decided_at` is aware UTC; `by` the name of who signed in, else as `actor`: `cli`."""

    merged: Merged
    decided_at: datetime
    actor: str
    reason: str
    by: str


def candidates(session: Session, actor: Actor, *, person_id: UUID | None = None) -> list[Candidate]:
    """People who are members in the actor's scope, and share an e-mail in any letter case, or an ID number across
    sites; by each of the two the first SHOWN pairs. Nobody is guessed: who shares neither isn't named."""
    found: dict[tuple[UUID, UUID], list[str]] = {}
    for name in KEYS:
        pairs = _pairs_of(person_id, name, actor) if person_id else _pairs(name, actor)
        for one, other in session.execute(pairs.limit(SHOWN)):
            found.setdefault((one, other), []).append(name)
    shown = accounts_of(session, sorted({person for pair in found for person in pair}))
    return [
        Candidate(Somebody(one, shown[one]), Somebody(other, shown[other]), tuple(keys))
        for (one, other), keys in sorted(found.items())
    ]


def _key(name: str, account: Any) -> ColumnElement[str]:
    """A key of an account as it is compared."""
    return func.lower(account.email, type_=Text) if name == "email" else account.idnumber


def _keyed(name: str, actor: Actor) -> Select[str, UUID, UUID]:
    """(key, person_id, site_id) of the accounts that have this key, of members in scope."""
    a = aliased(Account)
    key = _key(name, a)
    return select(key.label("key"), a.person_id, a.site_id).where(a.present, key != "", _member(a, actor))


def _pairs(name: str, actor: Actor) -> Select[Any]:
    """Two people with one key, the later first, in an order. The accounts are grouped by the key first: joined with
    themselves, they were compared each with each. Of a key that very many have, such as an e-mail that stands for
    none, those of each site that come after the SHOWN first ones can be in none of the SHOWN first pairs."""
    every = _keyed(name, actor).cte()
    # Also of one person's several accounts, which make no pair: to tell people apart here, all keys would be sorted.
    shared = select(every.c.key).group_by(every.c.key).having(func.count() > 1)
    rank = func.dense_rank().over(partition_by=(every.c.key, every.c.site_id), order_by=every.c.person_id)
    ranked = select(every, rank.label("rank")).where(every.c.key.in_(shared)).cte()
    a, b = ranked.alias(), ranked.alias()
    pairs = (
        select(a.c.person_id, b.c.person_id.label("other"))
        .join(b, (a.c.key == b.c.key) & (a.c.person_id > b.c.person_id))
        .where(a.c.rank <= SHOWN + 1, b.c.rank <= SHOWN + 1)
        .distinct()
        .order_by(a.c.person_id, b.c.person_id)
    )
    return pairs.where(a.c.site_id != b.c.site_id) if name == "idnumber" else pairs


def _pairs_of(person_id: UUID, name: str, actor: Actor) -> Select[Any]:
    """The same of one person and others."""
    every, own = _keyed(name, actor).subquery(), aliased(Account)
    later, earlier = func.greatest(every.c.person_id, own.person_id), func.least(every.c.person_id, own.person_id)
    pairs = (
        select(later, earlier)
        .select_from(every)
        .join(own, _key(name, own) == every.c.key)
        .where(own.present, own.person_id == person_id, every.c.person_id != person_id, _member(own, actor))
        .distinct()
        .order_by(later, earlier)
    )
    return pairs.where(every.c.site_id != own.site_id) if name == "idnumber" else pairs


def _member(account: Any, actor: Actor) -> ColumnElement[bool]:
    """Whether the account's person is a member of a community in scope."""
    m = aliased(Membership)
    here = select(Community.id).where(in_scope(actor))
    return exists().where(m.person_id == account.person_id, m.merged_into.is_(None), m.community_id.in_(here))


def look_for(session: Session, actor: Actor, text: str, *, but: UUID) -> list[Somebody]:
    """People in scope whose name, e-mail, user name or ID number holds a text, but for one; at most FOUND."""
    wanted = text.strip()
    if not wanted:
        return []
    a = Account
    fields = (a.firstname + " " + a.lastname, a.email, a.username, a.idnumber)
    holds = or_(*(field.icontains(wanted, autoescape=True) for field in fields))
    ids = session.scalars(
        select(a.person_id)
        .where(holds, a.person_id != but, _member(a, actor))
        .distinct()
        .order_by(a.person_id)
        .limit(FOUND)
    ).all()
    shown = accounts_of(session, ids)
    return [Somebody(person, shown[person]) for person in ids]


def merges(session: Session, actor: Actor, *, person_id: UUID | None = None) -> list[MergeShown]:
    """The merges that stand, of people whom the actor may know of; the latest first."""
    found = [merged for merged in standing_merges(session) if person_id in (None, merged.into_person)]
    return _shown(session, [merged for merged in found if reaches(session, merged.into_person, actor)])


def merge_of(session: Session, actor: Actor, decision_id: UUID) -> MergeShown | None:
    """A merge that stands; None for one that doesn't, and for one out of the actor's scope alike."""
    return next((one for one in merges(session, actor) if one.merged.id == decision_id), None)


def _shown(session: Session, found: Iterable[Merged]) -> list[MergeShown]:
    rows = [(merged, session.get_one(Decision, merged.id)) for merged in found]
    users = select(User.id, User.name).where(cast(User.id, Text).in_({row.actor for _, row in rows}))
    names = {str(user): name for user, name in session.execute(users)}
    shown = [
        MergeShown(merged, row.decided_at, row.actor, row.reason, names.get(row.actor, row.actor))
        for merged, row in rows
    ]
    return shown[::-1]


def timezone_of(session: Session, actor: Actor, person_id: UUID) -> str:
    """The time zone of a person's community in the actor's scope, the first where there are several; else UTC."""
    c, m = Community, Membership
    wanted = select(c.timezone).join(m, m.community_id == c.id).where(m.person_id == person_id, in_scope(actor))
    return session.scalar(wanted.order_by(c.id).limit(1)) or "UTC"
