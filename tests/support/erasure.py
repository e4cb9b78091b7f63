"""A person of whom everything is known that can be known, to be erased; and what is left of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, select, text
from sqlalchemy.orm import Session

from records import forgotten, inbox
from records.actor import CLI
from records.erasure import erase
from records.facts import NewFact, record_facts
from records.models import (
    Account,
    Base,
    Decision,
    IgnoredCount,
    LedgerEntry,
    Membership,
    MilestoneRow,
    ProgramRow,
    SessionRow,
    StandingRow,
    uuid7,
)
from tests.support.house import NOW, House, people
from tests.support.lab import COURSE, STUDENT, TEACHER, Lab, Module

USER, OTHER, THIRD = 7_001_234_567, 800_456, 800_457
PAGE, LOG = 3, 4
WORDS = ("Amaranta", "Quispe-Zorro", "amaranta@example.org", "azorro77", "E-775533", "Middle School of Quilca")
"""Everything that is known of USER besides the Moodle id."""
WHY = "A letter of 20 November asks for it."


def make_lab() -> Lab:
    """A course with a page and a log."""
    return Lab(modules={PAGE: Module("Read: why write"), LOG: Module("A page", "ACT-LOG")})


def read_names(lab: Lab) -> None:
    first, last, email, username, idnumber, school = WORDS
    names: dict[str, Any] = {"firstname": first, "lastname": last, "email": email, "username": username}
    lab.read("account", user=USER, present=True, idnumber=idnumber, profile={"school": school}, **names)


def deliver(house: House, lab: Lab) -> list[tuple[str, str | None]]:
    """Send what happened since, and work it off. Returns what intake answered."""
    events = [item.as_event(0) | {"id": str(uuid7())} for item in lab.items if item.sender == "wire"]
    answers = house.post(events, [item.content for item in lab.items if item.sender == "reading"])
    lab.items = []
    lab.now += 1
    house.work()
    assert house.differences() == []
    return answers


def fill(house: House, lab: Lab) -> None:
    """USER read a page, kept a log, was at a session, got an adjustment, and ticked a page in OTHER's place."""
    lab.read_role(STUDENT)
    lab.read_role(TEACHER)
    lab.read_everything([])
    for user in (USER, OTHER):
        lab.enrol(user)
        lab.group(user, 9, member=True)
        lab.set_state(LOG, user, 1)
    lab.set_state(PAGE, USER, 1, by=OTHER)
    lab.set_state(PAGE, OTHER, 1, by=USER)
    read_names(lab)
    lab.read_everything([USER, OTHER])
    read_names(lab)
    deliver(house, lab)
    by_hand(house)
    house.work()
    assert minutes(house) == {USER: 45 + 60 + 240 + 90, OTHER: 45 + 60}


def by_hand(house: House) -> None:
    """What people recorded about USER."""
    member = people(house, [USER])[USER]
    with Session(house.engine) as session, session.begin():
        community = session.get_one(Membership, member).community_id
        account = session.scalars(select(Account).where(Account.moodle_user_id == USER)).one()
        meeting = SessionRow(id=uuid7(), community_id=community, code="S1", title="Session 1", starts_at=NOW)
        meeting.timezone, meeting.mode = "America/Los_Angeles", "face_to_face"
        adjusted = {"minutes": 90, "component": "face_to_face", "note": WORDS[0], "evidence": [WORDS[1]]}
        about = {"actor": "cli", "actor_role": "program_admin", "correlation_id": uuid7()}
        decision = Decision(id=uuid7(), kind="adjustment", membership_id=member, data=adjusted, **about)
        decision.reason, decision.decided_at = f"{WORDS[0]} lost the sheet", NOW - timedelta(days=1)
        milestone = MilestoneRow(
            key=f"plan:participant:{member}::",
            version=1,
            program_id=session.scalars(select(ProgramRow.id)).one(),
            code="plan",
            subject_kind="participant",
            subject_id=member,
            happened_at=NOW,
            evidence=[{"kind": "note", "value": WORDS[5]}],
            correlation_id=uuid7(),
            recorded_by="cli",
        )
        session.add_all([meeting, decision, milestone])
        inbox.ask(session, [inbox.Question(house.site_id, COURSE, USER, None, "user_enrolment_updated", NOW)])
        session.flush()
        key = f"attendance:{meeting.id}:{account.id}"
        fact = NewFact(key, "attendance", account.id, house.site_id, NOW, session_id=meeting.id, minutes=240)
        record_facts(session, [fact], {key: uuid7()})


def person_of(house: House, user: int = USER) -> UUID:
    with Session(house.engine) as session:
        return session.scalars(select(Account.person_id).where(Account.moodle_user_id == user)).one()


def erase_now(house: House, *, redact: bool = True) -> UUID:
    """Erase USER; the person's id."""
    found = person_of(house)
    key = house.settings.encryption_key
    with Session(house.engine) as session, session.begin():
        erase(session, found, actor=CLI, reason=WHY, encryption_key=key, now=NOW)
    if redact:
        list(forgotten.redact_inbox(house.engine, key))
    return found


def minutes(house: House) -> dict[int, int]:
    """By Moodle's id, or the pseudonym."""
    return {int(name.rsplit("/", 1)[1]): row["minutes"] for name, row in house.books()["standings"].items()}


def everything(house: House) -> str:
    """All rows of all tables, as text; payloads readable."""
    with house.engine.connect() as connection:
        connection.execute(text("SET bytea_output = 'escape'"))
        tables = Base.metadata.sorted_tables
        found = {t.name: connection.scalars(select(t.table_valued().cast(Text))).all() for t in tables}
        return "\n".join(f"{name}: {row}" for name, rows in found.items() for row in rows)


def traces(house: House) -> list[str]:
    """Rows in which something of USER stands."""
    rows = everything(house).splitlines()
    return [row for row in rows if any(word in row for word in (*WORDS, str(USER)))]


def accounts_of(house: House) -> dict[UUID, tuple[int, UUID]]:
    with Session(house.engine) as session:
        return {a.id: (a.moodle_user_id, a.person_id) for a in session.scalars(select(Account))}


def credited(house: House) -> list[Any]:
    """Ledger and standings, row by row; not when they were computed."""
    with Session(house.engine) as session:
        ledger = session.scalars(select(LedgerEntry).order_by(LedgerEntry.id))
        standings = session.scalars(select(StandingRow).order_by(StandingRow.membership_id))
        said = [(e.id, e.membership_id, e.credit_key, e.minutes, e.fact_id, e.decision_id) for e in ledger]
        return [*said, *((s.membership_id, s.minutes, s.by_component, s.status, s.missing) for s in standings)]


def ignored(house: House) -> dict[str, int]:
    with Session(house.engine) as session:
        return {row.name: row.count for row in session.scalars(select(IgnoredCount)) if row.reason == "erased"}
