"""Which memberships are meant: the filters of the board and of the search over people, as one thing.

Everything that is about "these people" takes a PeopleFilter: the list, messages to them, acts on many at once, files.
What it doesn't know matches nobody; nothing in it raises.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, null, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from mappings.standing import REACHED, Status
from records.actor import Actor, in_scope
from records.keys import among
from records.models import (
    Account,
    ClosedMember,
    Closing,
    Community,
    Membership,
    Organisation,
    ProgramRow,
    StandingRow,
)

PRESENT, ALL_TIME = "", "all"
"""Periods beside the closed ones, which are named by their closing's id: the commitment's present one, and no limit."""
EVERYBODY = "everybody"
LONGEST = 100
"""Characters of a text in the filter; what is longer is cut."""
MOST_WORDS = 6
MOST_MEMBERSHIPS = 500
GREATEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What was asked for, as it stands in the address; an empty text asks for nothing."""

    program: str = ""
    """A program's code."""
    period: str = PRESENT
    """ALL_TIME, or the id of a closing; what is shown of a closed period is its snapshot."""
    region: str = ""
    topic: str = ""
    host: str = ""
    """The code of the organisation that hosts the community."""
    facilitator: str = ""
    """The id of a person who facilitates the community."""
    status: str = ""
    """One of mappings.standing.Status; `met` is whoever met it, and more. Of active participants only."""
    q: str = ""
    """Parts of a name, an e-mail or an idnumber, or a Moodle id; each word has to be found."""
    community: str = ""
    """A community's id."""
    who: str = ""
    """EVERYBODY: facilitators and others, and who left, too. Else who counts in the period: active participants."""
    memberships: frozenset[UUID] = frozenset()
    """Of those that match only these, if there are any."""

    @classmethod
    def of(cls, values: Mapping[str, str], memberships: Iterable[str] = ()) -> Self:
        """The filter out of an address: its values by name, and ids of single memberships. What is no id is left out;
        if none is left of several, the filter matches nobody."""
        texts = {name: " ".join(values.get(name, "").split())[:LONGEST] for name in TEXTS}
        given = list(memberships)[:MOST_MEMBERSHIPS]
        chosen = frozenset(found for text in given if (found := as_id(text)))
        return cls(**texts, memberships=chosen or frozenset([NOBODY] if given else []))

    def values(self) -> dict[str, str]:
        """The texts that ask for something, by name, for an address that leads here again; without `memberships`."""
        return {name: text for name in TEXTS if (text := getattr(self, name))}

    def without(self, *names: str) -> Self:
        """The same but for some texts."""
        return type(self)(
            **{**dict.fromkeys(TEXTS, ""), **self.values(), **dict.fromkeys(names, "")}, memberships=self.memberships
        )

    @property
    def closing(self) -> UUID | None:
        """The closed period that is asked for; None for another period."""
        return None if self.period in (PRESENT, ALL_TIME) else as_id(self.period) or NOBODY

    def statuses(self) -> tuple[str, ...]:
        """What the status means in the records; nothing for one that isn't known."""
        if self.status == Status.MET:
            return tuple(sorted(REACHED))
        return (self.status,) if self.status in set(Status) else ()

    def places(self, actor: Actor, seer: Actor | None = None) -> list[ColumnElement[bool]]:
        """Conditions on `communities`: the actor's scope, and whatever is asked of the community itself. Who
        facilitates is told within the scope of `seer`, who may see people: by default the actor."""
        wanted: list[ColumnElement[bool]] = [in_scope(actor)]
        if self.program:
            programs = select(ProgramRow.id).where(ProgramRow.code == self.program).correlate(None)
            wanted.append(Community.program_id.in_(programs))
        if self.closing:
            closed = select(Closing.program_id).where(Closing.id == self.closing).correlate(None)
            wanted.append(Community.program_id.in_(closed))
        wanted += [Community.region == self.region] if self.region else []
        wanted += [Community.topic == self.topic] if self.topic else []
        if self.host:
            hosts = select(Organisation.id).where(Organisation.code == self.host).correlate(None)
            wanted.append(Community.host_id.in_(hosts))
        if self.community:
            wanted.append(_is(Community.id, self.community))
        if self.facilitator:
            wanted += [in_scope(seer or actor), Community.id.in_(_facilitated(self.facilitator))]
        return wanted

    def conditions(self, actor: Actor) -> list[ColumnElement[bool]]:
        """Conditions on `memberships` alone, whatever else a query reads; within the actor's scope."""
        m = Membership
        communities = select(Community.id).where(*self.places(actor)).correlate(None)
        wanted: list[ColumnElement[bool]] = [m.merged_into.is_(None), m.community_id.in_(communities)]
        if self.closing:
            wanted.append(m.id.in_(_closed(self.closing)))
        if self.status:
            wanted.append(self.with_status())
        if not self.who and not self.memberships:
            wanted.append(Figures.of(self).counts)
        elif self.who not in ("", EVERYBODY):
            wanted.append(false())
        if self.q:
            wanted += [m.person_id.in_(_called(word)) for word in self.q.split()[:MOST_WORDS]]
        if self.memberships:
            wanted.append(among(m.id, self.memberships))
        return wanted

    def with_status(self) -> ColumnElement[bool]:
        """The condition on `memberships` that somebody takes part and has the status."""
        if self.closing:
            held = _closed(self.closing).where(ClosedMember.status.in_(self.statuses()))
        else:
            s = StandingRow
            held = select(s.membership_id).where(s.status.in_(self.statuses())).correlate(None)
        return and_(Figures.of(self).counts, Membership.id.in_(held))

    def found(self, actor: Actor) -> Select[UUID]:
        """The ids of all memberships that match, in no order."""
        return select(Membership.id).where(*self.conditions(actor))


TEXTS = tuple(field.name for field in fields(PeopleFilter) if field.name != "memberships")
NOBODY = UUID(int=0)
"""An id that nothing has."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The columns that hold how a membership stands in a period; `joined` brings their table into a query.

    A snapshot knows no band; over all time the minutes are all there are, and the status is the present one.
    """

    minutes: ColumnElement[Any] | InstrumentedAttribute[Any]
    status: ColumnElement[Any] | InstrumentedAttribute[Any]
    band_min: ColumnElement[Any] | InstrumentedAttribute[Any]
    band_max: ColumnElement[Any] | InstrumentedAttribute[Any]
    counts: ColumnElement[bool]
    """Whether the membership is a participant's who takes part; in a closed period also who has minutes in it."""
    closing: UUID | None

    @classmethod
    def of(cls, asked: PeopleFilter) -> Self:
        """The figures of the filter's period."""
        m, s, c = Membership, StandingRow, ClosedMember
        participant, active = m.role == "participant", m.status == "active"
        if asked.closing:
            earned = select(c.membership_id).where(c.closing_id == asked.closing, c.minutes > 0).correlate(None)
            counts = participant & (active | m.id.in_(earned))
            return cls(c.minutes, c.status, null(), null(), counts, asked.closing)
        if asked.period == ALL_TIME:
            return cls(s.all_minutes, s.status, null(), null(), participant & active, None)
        return cls(s.minutes, s.status, s.band_min, s.band_max, participant & active, None)

    def joined(self, wanted: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        """A query over memberships with the table that holds the figures."""
        c, s = ClosedMember, StandingRow
        if self.closing:
            return wanted.join(c, (c.membership_id == Membership.id) & (c.closing_id == self.closing))
        return wanted.outerjoin(s, s.membership_id == Membership.id)


def as_id(text: str) -> UUID | None:
    """An id out of an address; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _is(column: InstrumentedAttribute[UUID], text: str) -> ColumnElement[bool]:
    found = as_id(text)
    return column == found if found else false()


def _closed(closing: UUID) -> Select[UUID]:
    return select(ClosedMember.membership_id).where(ClosedMember.closing_id == closing).correlate(None)


def _facilitated(person: str) -> Select[UUID]:
    """Communities that somebody facilitates now."""
    m = Membership
    here = (m.role == "facilitator", m.status == "active", m.merged_into.is_(None))
    return select(m.community_id).where(*here, _is(m.person_id, person)).correlate(None)


def _called(word: str) -> Select[UUID]:
    """Persons with an account that a word is found in: a part of name, e-mail or idnumber, or all of its Moodle id."""
    a = Account
    held = func.concat_ws(" ", a.firstname, a.lastname, a.email, a.idnumber)
    found: ColumnElement[bool] = held.regexp_match(pattern(word), flags="i")
    if word.isascii() and word.isdigit() and int(word) <= GREATEST_ID:
        found = or_(a.moodle_user_id == int(word), found)
    return select(a.person_id).where(found).correlate(None)


def pattern(word: str) -> str:
    """A regular expression of PostgreSQL that finds a word in whatever letter case, with or without accents."""
    return "".join(map(_letter, unicodedata.normalize("NFC", word)))


def _letter(character: str) -> str:
    plain = unicodedata.normalize("NFD", character)[0].lower()
    if plain in _accented():
        return f"[{plain}{_accented()[plain]}]"
    # The database may know no letter case but that of ASCII.
    cases = {character, character.lower(), character.upper()}
    both = len(cases) > 1 and all(len(one) == 1 for one in cases)
    return f"[{''.join(sorted(cases))}]" if both else re.escape(character)


@cache
def _accented() -> dict[str, str]:
    """Latin letters by what they are without their accents."""
    found: defaultdict[str, str] = defaultdict(str)
    for code in (*range(0xC0, 0x180), *range(0x1E00, 0x1F00)):
        plain = unicodedata.normalize("NFD", chr(code))[0].lower()
        if plain.isascii() and plain.isalpha():
            found[plain] += chr(code)
    for letter, plain in {"ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d"}.items():
        found[plain] += letter
    return dict(found)
