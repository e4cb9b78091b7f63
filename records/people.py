"""Accounts and persons: matched by the exact key (site, Moodle user id), or by one that leads to it."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Text, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records.keys import among
from records.models import Account, Person, uuid7

AccountKey = tuple[UUID, int]
"""(site, Moodle user id)."""
AccountName = tuple[str, str]
"""One of NAMED_BY and its value: an account's key where Moodle's id isn't told. See `account_name`."""
MARK_DIGITS = 40
NAMED_BY = ("email", "username", "idnumber")


def account_name(field: str, value: str) -> AccountName:
    """What an account is known by. An e-mail is the same in any letter case; the other keys are exact."""
    return (field, value.lower() if field == "email" else value)


def names_of(row: Mapping[str, Any]) -> list[AccountName]:
    """All names of an account, as its columns by name."""
    return [account_name(field, row[field]) for field in NAMED_BY if row.get(field)]


def mark_of(name: AccountName) -> str:
    """What an inbox item waits for that is about an account not known yet; nobody's name is in it."""
    return "account:" + hashlib.sha256(":".join(name).encode()).hexdigest()[:MARK_DIGITS]


def find_named(session: Session, names: Iterable[tuple[UUID, AccountName]]) -> dict[tuple[UUID, AccountName], set[int]]:
    """The Moodle ids of the present accounts of each (site, name) that any has: several mean that nobody can tell."""
    found: dict[tuple[UUID, AccountName], set[int]] = {}
    wanted: dict[str, set[tuple[UUID, str]]] = {}
    for site, (field, value) in names:
        wanted.setdefault(field, set()).add((site, value))
    for field, keys in wanted.items():
        column = getattr(Account, field)
        held = func.lower(column, type_=Text) if field == "email" else column
        rows = session.execute(
            select(Account.site_id, column, Account.moodle_user_id).where(
                Account.present, among((Account.site_id, held), keys)
            )
        )
        for site, value, user in rows:
            found.setdefault((site, account_name(field, value)), set()).add(user)
    return found


def names_by_account(session: Session, keys: Iterable[AccountKey]) -> set[tuple[UUID, AccountName]]:
    """All names that accounts have, with their site."""
    of_users = among((Account.site_id, Account.moodle_user_id), keys)
    rows = session.execute(select(Account.site_id, *(getattr(Account, field) for field in NAMED_BY)).where(of_users))
    return {(site, name) for site, *values in rows for name in names_of(dict(zip(NAMED_BY, values, strict=True)))}


def ensure_accounts(session: Session, keys: Iterable[AccountKey]) -> dict[AccountKey, UUID]:
    """The account ids of Moodle users; an unknown one becomes an account with a person of its own."""
    wanted = sorted(set(keys), key=str)
    if not wanted:
        return {}
    known = _account_ids(session, wanted)
    missing = [key for key in wanted if key not in known]
    if missing:
        persons = [uuid7() for _ in missing]
        session.execute(insert(Person), [{"id": person} for person in persons])
        session.execute(
            insert(Account).on_conflict_do_nothing(),
            [
                {"id": uuid7(), "site_id": site, "moodle_user_id": user, "person_id": person}
                for (site, user), person in zip(missing, persons, strict=True)
            ],
        )
        # Somebody else may have made the same account a moment ago; then our person has none.
        session.execute(
            delete(Person).where(
                among(Person.id, persons), ~select(Account.id).where(Account.person_id == Person.id).exists()
            )
        )
        known |= _account_ids(session, missing)
    return known


def _account_ids(session: Session, keys: list[AccountKey]) -> dict[AccountKey, UUID]:
    found = session.execute(
        select(Account.site_id, Account.moodle_user_id, Account.id).where(
            among((Account.site_id, Account.moodle_user_id), keys)
        )
    )
    return {(site, user): account for site, user, account in found}


def report_accounts(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Write what was read of mdl_user: the later reading stands. Rows need site_id, moodle_user_id, as_of, rank."""
    best: dict[AccountKey, dict[str, Any]] = {}
    for row in rows:
        key = (row["site_id"], row["moodle_user_id"])
        if key not in best or (best[key]["as_of"], best[key]["rank"]) < (row["as_of"], row["rank"]):
            best[key] = row
    ids = ensure_accounts(session, best)
    held = session.execute(
        select(Account.id, Account.as_of, Account.rank)
        .where(among(Account.id, ids.values()))
        .order_by(Account.id)
        .with_for_update()
    )
    stamps = {account: (as_of, rank) for account, as_of, rank in held}
    changes = []
    for key, row in best.items():
        as_of, rank = stamps[ids[key]]
        if as_of is None or (as_of, rank) < (row["as_of"], row["rank"]):
            changes.append(
                {
                    "id": ids[key],
                    **{name: value for name, value in row.items() if name not in {"site_id", "moodle_user_id"}},
                }
            )
    if changes:
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for change in changes:
            by_columns.setdefault(tuple(change), []).append(change)
        for same in by_columns.values():
            session.execute(update(Account), same)
