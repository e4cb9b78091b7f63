"""Whom an event is about, where its sender knows no Moodle id: an exact key among the accounts of the site.

An e-mail counts in any letter case, and only where one present account has it. Nobody is guessed at: an item
whose key nobody has waits, and one whose key several have is put aside.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.wire import AnyReading, EventData
from records import inbox, people
from records.models import InboxItem
from records.people import AccountName

Parsed = EventData | AnyReading
Wanted = tuple[UUID, AccountName]


def resolve(
    session: Session, parsed: list[tuple[InboxItem, Parsed]]
) -> tuple[list[tuple[InboxItem, Parsed]], set[Wanted]]:
    """The items with Moodle's ids in the place of keys; and the keys that nobody has, whose items wait."""
    names = {item.id: name for item, thing in parsed if (name := _name(thing))}
    if not names:
        return parsed, set()
    found = people.find_named(session, {(item.site_id, names[item.id]) for item, _ in parsed if item.id in names})
    known: list[tuple[InboxItem, Parsed]] = []
    unknown: set[Wanted] = set()
    for item, thing in parsed:
        if item.id not in names or not isinstance(thing, EventData):
            known.append((item, thing))
            continue
        wanted = (item.site_id, names[item.id])
        users = found.get(wanted, set())
        if len(users) == 1:
            known.append((item, thing.model_copy(update={"relateduserid": min(users)})))
        elif users:
            inbox.put_aside(session, item.id, "quarantined", "ambiguous_account")
        else:
            inbox.put_aside(session, item.id, "waiting", "unknown_account", people.mark_of(wanted[1]))
            unknown.add(wanted)
    return known, unknown


def _name(thing: Parsed) -> AccountName | None:
    if not isinstance(thing, EventData) or thing.relatedkey is None or thing.relateduserid is not None:
        return None
    return people.account_name(thing.relatedkey.field, thing.relatedkey.value)


def release(session: Session, accounts: Iterable[Mapping[str, Any]], unknown: Iterable[Wanted]) -> int:
    """Make items due whose account was read by now. Returns how many.

    In a transaction after that of the batch: of two workers, one that puts an item aside and one that reads its
    account, the later commit sees what the earlier one did. `accounts` are what this batch read, `unknown` what
    it missed.
    """
    read = {(row["site_id"], name) for row in accounts for name in people.names_of(row)}
    there = read | set(people.find_named(session, unknown))
    return inbox.release_named(session, {(site, people.mark_of(name)) for site, name in there})
