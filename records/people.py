"""Accounts and persons: matched by the exact key (site, Moodle user id)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records.keys import among
from records.models import Account, Person, uuid7

AccountKey = tuple[UUID, int]
"""(site, Moodle user id)."""


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
