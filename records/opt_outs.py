"""Who wants no messages: participants say so by a link that names nobody, staff on their behalf. What participants
said themselves only they take back, by the same link.

The link's token is the person's id with a keyed hash: nobody keeps a list of them, and none can be guessed.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records import audit
from records.actor import Actor
from records.keys import among
from records.merged import person_now, persons_behind, standing_merges
from records.models import OptOut, Person

LABEL = b"copbridge-opt-out-v1"
ID_BYTES, MAC_BYTES = 16, 16
TOKEN_LENGTH = 43
"""Characters of a token."""
NOTE_LENGTH = 1_000
PARTICIPANT = Actor(None, "participant", ())
"""Whoever has the link."""


class TheirOwn(Exception):
    """The person said so: nobody takes it back on his or her behalf."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was said last of a person's wish. `stands`: no messages."""

    stands: bool
    actor: str
    """A user's id, `cli` or `participant`."""
    at: datetime
    note: str

    @property
    def own(self) -> bool:
        """No messages, in the person's own word."""
        return self.stands and self.actor == PARTICIPANT.name


def token_of(secret_key: SecretStr, person_id: UUID) -> str:
    """What the address of a person's opt-out ends with."""
    whole = person_id.bytes + _mac(secret_key, person_id.bytes)
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def address_of(public_url: str, secret_key: SecretStr, person_id: UUID) -> str:
    """The address of the page where a person opts out."""
    return f"{public_url.rstrip('/')}/stop/{token_of(secret_key, person_id)}"


def person_of(secret_key: SecretStr, token: str) -> UUID | None:
    """Whose link it is; None for what is none of ours."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    try:
        whole = base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, mac = whole[:ID_BYTES], whole[ID_BYTES:]
    return UUID(bytes=body) if hmac.compare_digest(mac, _mac(secret_key, body)) else None


def _mac(secret_key: SecretStr, body: bytes) -> bytes:
    key = hmac.digest(secret_key.get_secret_value().encode(), LABEL, hashlib.sha256)
    return hmac.digest(key, body, hashlib.sha256)[:MAC_BYTES]


def by_link(session: Session, secret_key: SecretStr, token: str, *, again: bool = False) -> bool:
    """Opt whoever has the link out; `again`: have messages sent again, whoever said otherwise. False where the link is
    none of ours, or nobody is there any more."""
    person_id = person_of(secret_key, token)
    person = session.get(Person, person_now(session, person_id)) if person_id else None
    if person is None or person.erased_at:
        return False
    held = of_person(session, person.id)
    if again and held and held.stands:
        say(session, PARTICIPANT, person.id, stands=False)
    # Said by staff it is said once more: from now on it is the person's own word.
    if not again and not (held and held.own):
        say(session, PARTICIPANT, person.id, stands=True)
    return True


def say(session: Session, actor: Actor, person_id: UUID, *, stands: bool, note: str = "") -> None:
    """Have a person get no messages, or get them again. The audit tells of it without the note. Raises TheirOwn where
    the person wants none by his or her own word and somebody else says anything of it."""
    # One after the other, so that nobody says otherwise of what the person says at this moment.
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
    own = of_person(session, person_id)
    if own and own.own and actor != PARTICIPANT:
        raise TheirOwn
    held = _held(session, [person_id]).get(person_id)
    values = {"actor": actor.name, "stands": stands, "note": note.strip()[:NOTE_LENGTH]}
    statement = insert(OptOut).values(person_id=person_id, **values)
    now = statement.excluded.at
    session.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=values | {"at": now}))
    before = {"stands": held.stands if held else False}
    audit.record(session, actor, "opt_out.said", str(person_id), before=before, after={"stands": stands})
    for other in persons_behind(session, person_id) if not stands else ():
        # Taken back for the one person that they all are.
        session.execute(delete(OptOut).where(OptOut.person_id == other))


def of_person(session: Session, person_id: UUID) -> Wish | None:
    """What was said last of a person's wish, the person's own word first; None where nobody ever said anything."""
    held = _held(session, [person_id, *persons_behind(session, person_id)])
    said = sorted(held.values(), key=lambda wish: (wish.stands, wish.own, wish.at))
    return said[-1] if said else None


def opted_out(session: Session, persons: Iterable[UUID]) -> set[UUID]:
    """Those of the people who want no messages; whoever was merged into one of them is one of them."""
    wanted = set(persons)
    into = {merged.from_person: merged.into_person for merged in standing_merges(session)}
    behind = {one: _end(into, one) for one in into}
    asked = wanted | {one for one, now in behind.items() if now in wanted}
    found = {person for person, wish in _held(session, asked).items() if wish.stands}
    return {behind.get(person, person) for person in found} & wanted


def _end(into: dict[UUID, UUID], person: UUID) -> UUID:
    while person in into:
        person = into[person]
    return person


def leave(session: Session, persons: Iterable[UUID]) -> None:
    """Forget what was said of people who are erased: nobody writes to them."""
    session.execute(delete(OptOut).where(among(OptOut.person_id, persons)))


def _held(session: Session, persons: Iterable[UUID]) -> dict[UUID, Wish]:
    rows = session.scalars(
        select(OptOut).where(among(OptOut.person_id, persons)).execution_options(populate_existing=True)
    )
    return {row.person_id: Wish(row.stands, row.actor, row.at, row.note) for row in rows}
