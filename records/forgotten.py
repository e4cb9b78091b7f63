"""Erased people, known by a keyed hash alone: what the inbox holds or is sent about them is taken out of it.

A payload that is about an erased person goes. One that only names such a person (as who did something to
somebody else) stays usable, and names nobody.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Engine, Text, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records.keys import among
from records.models import Account, ErasedAccount, InboxItem, Site
from records.people import NAMED_BY, AccountKey, AccountName, account_name, find_named, names_by_account, names_of

NOBODY = 10**18 - 1
"""Who did something to somebody else and was erased since. No Moodle gives this id, and the wire lets it through:
one number for all of them, so that what arrives later about the other person still says the same."""
USER_CONTEXT = 30
"""Moodle's CONTEXT_USER."""
WHOM = {"user", "relateduserid"}
"""Fields of the user whom a reading or an event is about."""
WHO = WHOM | {"userid", "realuserid", "overrideby", "modifierid", "usermodified"}
"""All fields in which Moodle names users."""
CHUNK = 500
STATUSES = ("pending", "waiting", "quarantined", "dead", "done")
PUT_ASIDE = ("waiting", "quarantined", "dead")


Who = int | AccountName
"""A Moodle user: by id, or by another key of the account where that is all a sender tells."""


def fingerprint(encryption_key: SecretStr, key: tuple[UUID, Who]) -> str:
    """What is kept of an erased account: an HMAC-SHA256, as 64 hexadecimal digits."""
    purpose = hmac.digest(encryption_key.get_secret_value().encode(), b"copbridge: erased accounts", "sha256")
    site, who = key
    said = f"{site}:{who}" if isinstance(who, int) else ":".join((str(site), *who))
    return hmac.new(purpose, said.encode(), hashlib.sha256).hexdigest()


def remember(session: Session, encryption_key: SecretStr, account: Account) -> None:
    """Keep the keyed hashes that an account is known by once it is erased: of its id, e-mail and other keys."""
    known: list[Who] = [account.moodle_user_id, *names_of({field: getattr(account, field) for field in NAMED_BY})]
    site = account.site_id
    rows = [{"site_id": site, "key_hash": fingerprint(encryption_key, (site, who))} for who in known]
    session.execute(insert(ErasedAccount).on_conflict_do_nothing(), rows)


def erased_among(
    session: Session, encryption_key: SecretStr, keys: Iterable[tuple[UUID, Who]]
) -> set[tuple[UUID, Who]]:
    """Those of the Moodle users who were erased. An e-mail or name that somebody present has now is theirs."""
    names = {(key[0], fingerprint(encryption_key, key)): key for key in keys}
    if not names:
        return set()
    held = select(ErasedAccount.site_id, ErasedAccount.key_hash).where(
        among((ErasedAccount.site_id, ErasedAccount.key_hash), names)
    )
    found = {names[(site, key_hash)] for site, key_hash in session.execute(held)}
    taken = find_named(session, [(site, who) for site, who in found if not isinstance(who, int)])
    return found - set(taken)


@dataclass(slots=True)
class Payload:
    """A payload, whatever its shape, and the Moodle users that it names: `about` are those whom it is about."""

    content: Any
    about: set[Who]
    named: set[Who]

    @classmethod
    def read(cls, payload: bytes) -> "Payload":
        try:
            content = json.loads(payload)
        except (ValueError, RecursionError):
            return cls(None, set(), set())
        about = set(_about(content))
        return cls(content, about, about | {user for part, name in _places(content) if (user := _id(part[name]))})

    def without(self, erased: set[Who]) -> bytes:
        """The payload as it is kept, without these users."""
        for part, name in list(_places(self.content)):
            if _id(part[name]) in erased:
                part[name] = NOBODY
        return json.dumps(self.content, separators=(",", ":")).encode("ascii")


def _id(value: object) -> int | None:
    """A Moodle id as senders spell it: a whole number, or a string of one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value) if not isinstance(value, float) or value.is_integer() else None
    except ValueError:
        pass
    try:
        number = float(value)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _places(content: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every field of a payload, at any depth, in which a user stands."""
    stack = [content]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack += part
        elif isinstance(part, dict):
            stack += [value for value in part.values() if isinstance(value, dict | list)]
            yield from ((part, name) for name, value in part.items() if name in WHO and not isinstance(value, dict))


def _about(content: Any) -> Iterator[Who]:
    """Whom a reading or an event is about."""
    if not isinstance(content, dict):
        return
    # A malformed event is kept with its envelope.
    for part in (content, content.get("data")):
        if isinstance(part, dict):
            values = [part.get(name) for name in WHOM]
            other = part.get("other")
            if isinstance(other, dict):
                values += [other.get(name) for name in WHOM]
            if part.get("objecttable") == "user" or part.get("eventname") == r"\core\event\user_deleted":
                values.append(part.get("objectid"))
            if _id(part.get("contextlevel")) == USER_CONTEXT:
                values.append(part.get("contextinstanceid"))
            yield from (user for value in values if (user := _id(value)))
            key = part.get("relatedkey")
            if isinstance(key, dict) and key.get("field") in NAMED_BY and isinstance(key.get("value"), str):
                yield account_name(key["field"], key["value"])


def redact(session: Session, encryption_key: SecretStr, items: Sequence[InboxItem]) -> set[int]:
    """Delete those of the items that are about erased people, and take such people out of the rest.

    The caller has locked the items. Returns the ids of those that are gone.
    """
    # Mostly nobody was erased: then no payload is read here, and nothing is hashed.
    some = _sites(session)
    read = [(item, Payload.read(item.payload)) for item in items if item.site_id in some]
    erased = erased_among(session, encryption_key, {(item.site_id, u) for item, payload in read for u in payload.named})
    gone = set()
    for item, payload in read if erased else ():
        here = {user for user in payload.named if (item.site_id, user) in erased}
        if here & payload.about:
            gone.add(item.id)
        elif here:
            item.payload = payload.without(here)
    session.flush()
    if gone:
        session.execute(
            delete(InboxItem).where(among(InboxItem.id, gone)), execution_options={"synchronize_session": False}
        )
    return gone


def redact_inbox(
    engine: Engine, encryption_key: SecretStr, statuses: Sequence[str] = STATUSES
) -> Iterator[tuple[int, int]]:
    """Redact the inbox of the sites that somebody was erased from, a transaction a chunk.

    Yields how many items each chunk looked at, and how many it changed or deleted. Whatever it did stays done
    when it is interrupted; the next run does the rest.
    """
    with Session(engine) as session:
        sites = sorted(_sites(session))
    for rows in _chunks(engine, sites, statuses):
        mentioned = {id_: Payload.read(payload).named for id_, _, payload in rows}
        with Session(engine) as session, session.begin():
            erased = erased_among(session, encryption_key, {(site, u) for id_, site, _ in rows for u in mentioned[id_]})
            hit = [id_ for id_, site, _ in rows if any((site, user) in erased for user in mentioned[id_])]
            if hit:
                # Read again under their locks: a worker may have changed them since.
                locked = select(InboxItem).where(among(InboxItem.id, hit)).order_by(InboxItem.id).with_for_update()
                redact(session, encryption_key, session.scalars(locked).all())
        yield len(rows), len(hit)


def held_about(session: Session, users: Set[AccountKey]) -> Iterator[dict[str, Any]]:
    """What the inbox holds about Moodle users, in the order in which it came: each as `received_at`, `sender`, `kind`,
    `status` and its `content`, in which nobody else is named by an id. Items about somebody else that only mention
    them (as who did it) aren't among them."""
    i, known = InboxItem, set[tuple[UUID, Who]](users) | names_by_account(session, users)
    if not known:
        return
    # As text, whose bytes beyond ASCII are escaped: only where all that is looked for is ASCII.
    said = [str(who if isinstance(who, int) else who[1]) for _, who in known]
    holds = func.lower(func.encode(i.payload, "escape"), type_=Text)
    wanted = select(i).where(among(i.site_id, {site for site, _ in known})).order_by(i.id)
    if all(text.isascii() and text.isalnum() for text in (re.sub(r"[@._+-]", "", one) for one in said)):
        wanted = wanted.where(or_(*(holds.contains(text.lower(), autoescape=True) for text in said)))
    for item in session.scalars(wanted.execution_options(yield_per=CHUNK)):
        payload = Payload.read(item.payload)
        mine = {user for user in payload.named if (item.site_id, user) in known}
        if mine & payload.about and not payload.about - mine:
            yield {
                "received_at": item.received_at,
                "sender": item.sender,
                "kind": item.kind,
                "status": item.status,
                "content": json.loads(payload.without(payload.named - mine)),
            }


def count_payloads(engine: Engine, keys: set[AccountKey]) -> Iterator[tuple[int, int]]:
    """How many items each chunk of the inbox has, and how many of them name one of the Moodle users."""
    with Session(engine) as session:
        known = keys | names_by_account(session, keys)
    for rows in _chunks(engine, sorted({site for site, _ in keys}), STATUSES):
        yield len(rows), sum(any((s, user) in known for user in Payload.read(payload).named) for _, s, payload in rows)


def count_items(session: Session) -> int:
    """How many items the inbox has."""
    return session.scalar(select(func.count()).select_from(InboxItem)) or 0


def anybody_erased(session: Session, site_id: UUID) -> bool:
    """Whether somebody was erased from a site."""
    found = select(ErasedAccount.site_id).where(ErasedAccount.site_id == site_id).limit(1)
    return session.scalar(found) is not None


def _sites(session: Session) -> set[UUID]:
    """The sites that somebody was erased from: few, and each found by the index."""
    some = exists().where(ErasedAccount.site_id == Site.id)
    return set(session.scalars(select(Site.id).where(some)))


def _chunks(engine: Engine, sites: Sequence[UUID], statuses: Sequence[str]) -> Iterator[list[tuple[int, UUID, bytes]]]:
    """The items that are there now, in the order of their ids. Later ones are redacted as they are worked off."""
    i = InboxItem
    wanted = (among(i.site_id, sites), i.status.in_(statuses))
    with Session(engine) as session:
        last = session.scalar(select(func.max(i.id))) or 0
    after = 0
    while sites:
        with Session(engine) as session:
            found = session.execute(
                select(i.id, i.site_id, i.payload)
                .where(i.id > after, i.id <= last, *wanted)
                .order_by(i.id)
                .limit(CHUNK)
            )
            rows = [(id_, site, payload) for id_, site, payload in found]
        if not rows:
            return
        after = rows[-1][0]
        yield rows
