"""Wrong passwords in a row: after a few of them whoever goes on has to wait, longer each time.

Counted in the database, for the e-mail address and for the network that asks, under keyed hashes of both; for addresses
that nobody has just as for others, so that what is answered and written tells nobody who has an account. A try counts
before its password is looked at: of many at once no more get through than one after the other.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import ColumnElement, case, delete, extract, func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records import audit
from records.actor import SYSTEM
from records.models import SignInFailures

WAITS = (1, 5, 15, 60)
"""Minutes to wait after one wrong password too many, after the next, and so on; the last one from then on."""
ADDRESS_TRIES = 5
NETWORK_TRIES = 100
"""A whole school, or a county office, may share one address."""
FORGOTTEN_AFTER = timedelta(hours=24)
"""An address without a wrong password for so long begins anew."""
MOST = 10_000
UNKNOWN = "unknown"
"""The subject of the audit trail's entry where nobody has the address."""
LABEL = b"copbridge-sign-in-failures-v1:"


class Of(StrEnum):
    """What is counted."""

    ADDRESS = "address"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Try:
    """One try to sign in: the keys that it counts under, and whether it came while one of them was locked."""

    address: str
    network: str
    locked: Of | None = None
    begins: Of | None = None
    """What it locks, unless the password is right."""


def key_of(secret_key: SecretStr, of: Of, name: str) -> str:
    """What an e-mail address or a network is counted under: nothing that it could be read from without SECRET_KEY."""
    said = f"{of}:{name.strip().lower()}".encode(errors="surrogatepass")
    return hmac.new(secret_key.get_secret_value().encode(), LABEL + said, hashlib.sha256).hexdigest()


def begin(session: Session, secret_key: SecretStr, email: str, network: str, now: datetime) -> Try:
    """Count a try, as a wrong one for the time being. Commit before the password is looked at.

    While it is locked a try counts for nothing, so that trying on doesn't make the wait longer.
    """
    of_address, of_network = key_of(secret_key, Of.ADDRESS, email), key_of(secret_key, Of.NETWORK, network)
    begins = None
    for of, key in ((Of.NETWORK, of_network), (Of.ADDRESS, of_address)):
        locks = _count(session, of, key, now)
        if locks is None:
            return Try(of_address, of_network, locked=of)
        begins = of if locks else begins
    return Try(of_address, of_network, begins=begins)


def succeeded(session: Session, tried: Try) -> None:
    """The password was right: the address begins anew, and the network is forgiven this try."""
    session.execute(delete(SignInFailures).where(SignInFailures.key_hash == tried.address))
    session.execute(
        update(SignInFailures)
        .where(SignInFailures.key_hash == tried.network)
        .values(failures=func.greatest(SignInFailures.failures - 1, 0), locked_until=None)
    )


def lift(session: Session, secret_key: SecretStr, email: str) -> None:
    """Whoever has used a link that was made for an address has shown who he or she is: it is locked no more."""
    key = key_of(secret_key, Of.ADDRESS, email)
    session.execute(delete(SignInFailures).where(SignInFailures.key_hash == key))


def tell(session: Session, tried: Try, user_id: UUID | None) -> None:
    """Note in the audit trail that a try locked what it counted under, of whom where anybody has the address."""
    subject = str(user_id) if user_id else UNKNOWN
    audit.record(session, SYSTEM, "sign_in.locked", subject, after={"of": str(tried.begins)})


def prune(session: Session, now: datetime) -> None:
    """Delete what says nothing any more."""
    over = or_(SignInFailures.locked_until.is_(None), SignInFailures.locked_until <= now)
    session.execute(delete(SignInFailures).where(SignInFailures.last_at <= now - FORGOTTEN_AFTER, over))


def _count(session: Session, of: Of, key: str, now: datetime) -> bool | None:
    """Whether this try locks; None where it is locked already."""
    statement = insert(SignInFailures).values(key_hash=key, failures=1, last_at=now)
    failures = func.least(_until_now(of, now) + 1, MOST)
    return session.scalar(
        statement.on_conflict_do_update(
            index_elements=["key_hash"],
            set_={"failures": failures, "last_at": now, "locked_until": _locked_until(of, failures, now)},
            where=or_(SignInFailures.locked_until.is_(None), SignInFailures.locked_until <= now),
        ).returning(SignInFailures.locked_until.is_not(None))
    )


def _until_now(of: Of, now: datetime) -> ColumnElement[int]:
    """The wrong ones in a row before this one.

    In a network somebody mistypes all day long, and others sign in all the while: each quiet minute takes one away.
    """
    if of is Of.ADDRESS:
        return case((SignInFailures.last_at <= now - FORGOTTEN_AFTER, 0), else_=SignInFailures.failures)
    quiet = func.floor(extract("epoch", now - SignInFailures.last_at) / 60)
    return func.greatest(SignInFailures.failures - func.least(func.greatest(quiet, 0), MOST), 0)


def _locked_until(of: Of, failures: ColumnElement[int], now: datetime) -> ColumnElement[datetime | None]:
    tries = ADDRESS_TRIES if of is Of.ADDRESS else NETWORK_TRIES
    first = [(failures == tries + n, now + timedelta(minutes=wait)) for n, wait in enumerate(WAITS[:-1])]
    after = (failures >= tries + len(WAITS) - 1, now + timedelta(minutes=WAITS[-1]))
    return case(*first, after, else_=None)
