"""A course that is a community, and a copy of it that has the same activities and people."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.actor import CLI
from records.adopting import Decided, Wanted, decide
from records.adoptions import Status
from records.deciding import By
from records.models import Account, LedgerEntry, Membership
from tests.support.house import House
from tests.support.readings import READ_AT, Reading, completion, course, enrolment, module

OLD, NEW, NEWER = 2, 20, 200
"""A course, its copy, and the copy's copy."""
LOG, PAGE, QUIZ = 31, 32, 33
"""Activities of the course, worth 60, 45 and 50 minutes; ten times as much are the copy's."""
AMARA, HAO, NEWCOMER = 6, 7, 8
COPIED = READ_AT + timedelta(days=30)
LATER = COPIED + timedelta(days=3)


def activities(of: int, factor: int = 1, *, page: str = "Read: why write", log: str = "ACT-LOG") -> list[Reading]:
    return [
        module(LOG * factor, of, log, kind="assign", name="Reading log"),
        module(PAGE * factor, of, "", name=page, section="Week 1"),
        module(QUIZ * factor, of, "", kind="quiz", name="Check", section="Week 1"),
    ]


def original() -> list[Reading]:
    """The course with two people; Amara did the log and the page, Hao the quiz."""
    return [
        course(OLD, "COP-EBWI-BAY"),
        *activities(OLD),
        enrolment(AMARA, OLD),
        enrolment(HAO, OLD),
        completion(AMARA, LOG, OLD),
        completion(AMARA, PAGE, OLD),
        completion(HAO, QUIZ, OLD),
    ]


def copied(of: int = NEW, factor: int = 10, idnumber: str = "COP-IDL-LA", **others: Any) -> list[Reading]:
    """A copy with the same people and what they had done, as it is read afterwards."""
    return [
        course(of, idnumber, at=LATER, **others),
        *activities(of, factor),
        enrolment(AMARA, of, at=LATER),
        enrolment(HAO, of, at=LATER),
        old_completion(AMARA, LOG * factor, of),
        old_completion(AMARA, PAGE * factor, of),
        old_completion(HAO, QUIZ * factor, of),
    ]


def old_completion(user: int, of_module: int, in_course: int) -> Reading:
    """A completion that came along: read after the copy, and last changed long before."""
    return completion(user, of_module, in_course) | {"read_at": LATER.timestamp()}


def restored(of: int = NEW, source: int = OLD, *, target: int = 2, samesite: bool = True) -> dict[str, Any]:
    """The event that a restore ended."""
    return {
        "eventname": r"\core\event\course_restored",
        "courseid": of,
        "objectid": of,
        "timecreated": int(COPIED.timestamp()),
        "contextlevel": 50,
        "other": {"type": "course", "target": target, "mode": 10, "samesite": samesite, "originalcourseid": source},
    }


def adopt(house: House, status: Status, *, at: int = 0, of: int = NEW, **wanted: Any) -> Decided:
    """Decide, and have everything computed."""
    by = By(CLI, "it", "A test", house.now + timedelta(seconds=at))
    with Session(house.engine) as session, session.begin():
        decided = decide(session, (house.site_id, of), Wanted(status, **wanted), by)
    house.work()
    assert house.differences() == []
    return decided


def minutes(house: House) -> dict[int, int]:
    """All credited minutes of each Moodle user; none of who has none."""
    with Session(house.engine) as session:
        rows = session.execute(
            select(Account.moodle_user_id, LedgerEntry.minutes)
            .join(Membership, Membership.person_id == Account.person_id)
            .join(LedgerEntry, LedgerEntry.membership_id == Membership.id)
        )
        found: dict[int, int] = {}
        for user, amount in rows:
            found[user] = found.get(user, 0) + amount
    return {user: amount for user, amount in found.items() if amount}


def key(house: House, of: int = NEW) -> tuple[UUID, int]:
    return house.site_id, of
