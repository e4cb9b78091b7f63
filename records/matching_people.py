"""Whom a file, a call's report or a sheet means: by exact keys alone; and who it might be, for staff to say.

Nobody is guessed: a suggestion never matches by itself.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Text, func, or_, select
from sqlalchemy.orm import Session

from records.keys import among
from records.models import Account, CommunityCourse, Membership
from records.people import account_name

KEYS = ("user", "idnumber", "email")
"""What matches, the strongest first."""
SUGGESTED = 5
"""So many people are suggested at most."""
SIMILAR = 0.82
"""Names that are less alike than this aren't suggested."""
MOODLE_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
BRACKETS = re.compile(r"[(\[\"]([^)\]\"]+)[)\]\"]")
APOSTROPHES = re.compile("['`\u2018\u2019]")
UNLIKE_ACCENTS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i", "ð": "d", "þ": "th"})
"""Letters that no accent is taken off from."""


class Why(StrEnum):
    """What somebody was matched by, or why nobody was."""

    USER = "user"
    IDNUMBER = "idnumber"
    EMAIL = "email"
    NO_KEY = "no_key"
    """Nothing but a name was said."""
    UNKNOWN = "unknown"
    """No account has the key."""
    SEVERAL = "several"
    """Several people have the key."""
    CONTRADICTION = "contradiction"
    """One key is of one person and another key of another."""


class Reason(StrEnum):
    """Why somebody is suggested."""

    SAME_NAME = "same_name"
    """In any letter case, with or without accents."""
    TURNED_NAME = "turned_name"
    """The same words in another order."""
    NICKNAME = "nickname"
    """The same with the name that stands in brackets, as the first name or as all of it."""
    SIMILAR_NAME = "similar_name"
    SAME_MAILBOX = "same_mailbox"
    """The e-mail has the same part before the @."""


SCORES = {
    Reason.SAME_NAME: 100,
    Reason.TURNED_NAME: 90,
    Reason.NICKNAME: 85,
    Reason.SAME_MAILBOX: 80,
    Reason.SIMILAR_NAME: 60,
}


@dataclass(frozen=True, slots=True)
class Who:
    """What was said of who somebody is, as text; empty: nothing."""

    name: str = ""
    email: str = ""
    idnumber: str = ""
    user: str = ""
    """Moodle's id."""

    @classmethod
    def said(cls, who: Mapping[str, Any] | None) -> "Who":
        """Of a presence's `who`."""
        return cls(**{name: str((who or {}).get(name) or "").strip() for name in ("name", *KEYS)})

    def as_json(self) -> dict[str, str]:
        """For a presence's `who`: what was said, and nothing else."""
        return {name: value for name in ("name", *KEYS) if (value := getattr(self, name))}

    @property
    def keys(self) -> dict[str, str]:
        """The keys that were said, by what they are; an e-mail in small letters, a number only if it can be one."""
        said = {name: value.strip() for name in KEYS if (value := getattr(self, name).strip())}
        if "user" in said and not MOODLE_ID.fullmatch(said["user"]):
            del said["user"]
        return {name: account_name(name, value)[1] for name, value in said.items()}


@dataclass(frozen=True, slots=True)
class Match:
    """Whose account it is, or None; `why` in both cases."""

    account_id: UUID | None
    why: Why


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Somebody of the roster who might be meant. `score` is whole, 0 to 100; the reasons are those of Reason."""

    account_id: UUID
    score: int
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class _Known:
    """The accounts that have one of the keys, and who is on the roster."""

    by_key: dict[tuple[str, str], list[Account]] = field(default_factory=dict)
    members: dict[UUID, set[UUID]] = field(default_factory=dict)
    """The sites of the communities that a person is a member of."""


def match(session: Session, community_ids: Collection[UUID], whos: Sequence[Who]) -> list[Match]:
    """Whose accounts are meant, in the order of `whos`: by exact keys among the present accounts of the communities'
    sites; a key of several people among the communities' members."""
    known = _known(session, community_ids, {pair for who in whos for pair in who.keys.items()})
    return [_match(known, who) for who in whos]


def _match(known: _Known, who: Who) -> Match:
    keys = who.keys
    if not keys:
        return Match(None, Why.NO_KEY)
    having = {name: found for name, value in keys.items() if (found := known.by_key.get((name, value)))}
    if not having:
        return Match(None, Why.UNKNOWN)
    persons = set.intersection(*({account.person_id for account in found} for found in having.values()))
    accounts = [a for found in having.values() for a in found if a.person_id in persons]
    accounts = [a for a in accounts if not _denied(a, keys, having)]
    persons = {account.person_id for account in accounts}
    if not persons:
        return Match(None, Why.CONTRADICTION)
    if len(persons) > 1:
        persons &= known.members.keys()
    if len(persons) != 1:
        return Match(None, Why.SEVERAL)
    (person,) = persons
    mine = [account for account in accounts if account.person_id == person]
    return Match(_one_of(mine, known).id, Why(next(name for name in KEYS if name in having)))


def _denied(account: Account, keys: Mapping[str, str], having: Collection[str]) -> bool:
    """Whether a key that nobody has says that it is somebody else: a number does. Of e-mails people have several."""
    idnumber = keys.get("idnumber", "")
    return ("user" in keys and "user" not in having) or bool(
        idnumber and "idnumber" not in having and account.idnumber and account.idnumber != idnumber
    )


def _one_of(accounts: Iterable[Account], known: _Known) -> Account:
    """Of several accounts of one person the one where the person's community is; else always the same."""
    return min(accounts, key=lambda a: (a.site_id not in known.members.get(a.person_id, ()), str(a.id)))


def _known(session: Session, community_ids: Collection[UUID], keys: set[tuple[str, str]]) -> _Known:
    known, c, m = _Known(), CommunityCourse, Membership
    places = session.execute(
        select(c.community_id, c.site_id).where(among(c.community_id, set(community_ids))).distinct()
    )
    sites: dict[UUID, set[UUID]] = {}
    for community, site in places:
        sites.setdefault(community, set()).add(site)
    for account in with_keys(session, {site for of in sites.values() for site in of}, keys):
        for name, value in keys_of(account):
            known.by_key.setdefault((name, value), []).append(account)
    persons = {account.person_id for found in known.by_key.values() for account in found}
    rows = session.execute(
        select(m.community_id, m.person_id).where(among(m.community_id, sites), among(m.person_id, persons))
    )
    for community, person in rows:
        known.members.setdefault(person, set()).update(sites[community])
    return known


def keys_of(account: Account) -> list[tuple[str, str]]:
    """The keys that an account has, as Who.keys names them."""
    said = {"user": str(account.moodle_user_id), "idnumber": account.idnumber, "email": account.email}
    return [account_name(name, value) for name, value in said.items() if value]


def with_keys(session: Session, sites: Iterable[UUID] | None, keys: Iterable[tuple[str, str]]) -> Sequence[Account]:
    """The present accounts that have one of the keys (name, value as in Who.keys); `sites` None: on any site."""
    wanted: dict[str, list[str]] = {}
    for name, value in sorted(keys):
        wanted.setdefault(name, []).append(value)
    if not wanted:
        return []
    columns: dict[str, tuple[Any, Any]] = {
        "user": (Account.moodle_user_id, int),
        "idnumber": (Account.idnumber, str),
        "email": (func.lower(Account.email, type_=Text), str),
    }
    any_key = or_(*(among(columns[name][0], map(columns[name][1], values)) for name, values in wanted.items()))
    found = select(Account).where(Account.present, any_key).order_by(Account.id)
    if sites is not None:
        found = found.where(among(Account.site_id, set(sites)))
    return session.scalars(found.execution_options(populate_existing=True)).all()


def suggestions(session: Session, community_ids: Collection[UUID], who: Who) -> list[Suggestion]:
    """Who of the communities' members might be meant, the likeliest first. Never a match by itself.

    Give only communities that the actor may see people of.
    """
    return suggested(roster(session, community_ids), who)


def roster(session: Session, community_ids: Collection[UUID]) -> list[Account]:
    """The present accounts of the communities' members on the communities' sites, by name."""
    a, m, c = Account, Membership, CommunityCourse
    here = (
        select(m.id)
        .join(c, c.community_id == m.community_id)
        .where(among(m.community_id, set(community_ids)), m.person_id == a.person_id, c.site_id == a.site_id)
    )
    found = select(a).where(a.present, here.exists()).order_by(a.lastname, a.firstname, a.id)
    return list(session.scalars(found))


def suggested(accounts: Iterable[Account], who: Who) -> list[Suggestion]:
    """Those of the accounts that look like who is meant, the likeliest first, SUGGESTED at most."""
    found = []
    for account in accounts:
        reasons = tuple(_reasons(account, who))
        if reasons:
            score = min(100, max(SCORES[reason] for reason in reasons) + 5 * (len(reasons) - 1))
            found.append(Suggestion(account.id, score, reasons))
    return sorted(found, key=lambda one: (-one.score, str(one.account_id)))[:SUGGESTED]


def _reasons(account: Account, who: Who) -> Iterable[Reason]:
    name = f"{account.firstname} {account.lastname}"
    alike = alike_names(who.name, name) if who.name else None
    if alike:
        yield alike
    mailbox = who.email.partition("@")[0].casefold()
    if mailbox and mailbox == account.email.partition("@")[0].casefold():
        yield Reason.SAME_MAILBOX


def alike_names(one: str, other: str) -> Reason | None:
    """How two names are alike, if they are."""
    first, second = folded(_plain(one)), folded(_plain(other))
    if _in_order(second) in _original(one) or _in_order(first) in _original(other):
        return Reason.NICKNAME
    if not first or not second:
        return None
    if first == second:
        return Reason.SAME_NAME
    if _in_order(first) == _in_order(second):
        return Reason.TURNED_NAME
    if _called(one) & (_called(other) | {second}) or _called(other) & {first}:
        return Reason.NICKNAME
    pairs = ((first, second), (_in_order(first), _in_order(second)))
    likeness = max(SequenceMatcher(None, *pair).ratio() for pair in pairs)
    return Reason.SIMILAR_NAME if likeness >= SIMILAR else None


def _in_order(name: str) -> str:
    return " ".join(sorted(name.split()))


def folded(name: str) -> str:
    """A name without letter case, accents and punctuation, its words apart by one space."""
    apart = unicodedata.normalize("NFKD", name.casefold().translate(UNLIKE_ACCENTS))
    letters = "".join(char for char in apart if not unicodedata.combining(char))
    return " ".join(re.findall(r"\w+", APOSTROPHES.sub("", letters)))


def no_word_alike(one: str, other: str) -> bool:
    """Whether two names, if both are said, have no word in common."""
    first, second = set(folded(one).split()), set(folded(other).split())
    return bool(first and second) and not first & second


def _plain(name: str) -> str:
    """A name without what stands in brackets."""
    return BRACKETS.sub(" ", name)


def _original(name: str) -> set[str]:
    """What stands in brackets as a whole name, its words in order: Zoom writes "Mei (Mei-Ling Chao)"."""
    return {_in_order(folded(text)) for text in BRACKETS.findall(name)} - {""}


def _called(name: str) -> set[str]:
    """A name with what stands in brackets as the first name: "Maria (Mia) García" is called "mia garcia"."""
    rest = folded(_plain(name)).split()[1:]
    return {" ".join([folded(nick), *rest]) for nick in BRACKETS.findall(name)} if rest else set()
