"""Readings as a Moodle site would send them, taken in the way any batch is: inbox, process, reconcile."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from jobs import process, reconcile
from mappings.facts import State
from records import inbox
from records.models import InboxItem, uuid7
from tests.support.settings import ENCRYPTION_KEY

Reading = dict[str, Any]
READ_AT = datetime(2026, 2, 1, 17, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)
STUDENT, EDITING_TEACHER = 5, 3
ROLE_NAMES = {STUDENT: "student", EDITING_TEACHER: "editingteacher"}


def course(number: int, idnumber: str, *, at: datetime = READ_AT, **others: Any) -> Reading:
    """`others`: what a reading may leave out, such as category_idnumber and fields."""
    names = {"shortname": idnumber, "fullname": idnumber, "idnumber": idnumber}
    return _reading("course", at, course=number, present=True, **names | others)


def module(
    number: int,
    of_course: int,
    idnumber: str,
    *,
    kind: str = "page",
    name: str = "An activity",
    section: str = "",
    at: datetime = READ_AT,
    stated: tuple[int | None, str] | None = None,
) -> Reading:
    """`stated`: minutes and component of the activity's form in Moodle. None: the sender can't tell."""
    hours = {"minutes": stated[0], "component": stated[1]} if stated else {}
    form = {"modname": kind, "name": name, "idnumber": idnumber, "section_name": section, "section_number": 1}
    return _reading("module", at, module=number, course=of_course, present=True, tracking=2, **form | hours)


def account(user: int, idnumber: str = "", *, at: datetime = READ_AT) -> Reading:
    names = {"username": f"u{user}", "email": f"u{user}@example.org", "firstname": "First", "lastname": f"Last {user}"}
    return _reading("account", at, user=user, present=True, idnumber=idnumber, **names)


def group(number: int, name: str, idnumber: str = "", groupings: Iterable[str] = ()) -> dict[str, Any]:
    """One of the groups that an enrolment names."""
    return {"id": number, "name": name, "idnumber": idnumber, "groupings": list(groupings)}


def enrolment(
    user: int,
    in_course: int,
    role: int = STUDENT,
    *,
    at: datetime = READ_AT,
    groups: Iterable[dict[str, Any]] = (),
) -> Reading:
    number = in_course * 1_000 + user
    row = {"id": number, "method": "manual", "status": 0, "timestart": 0, "timeend": 0}
    roles = [{"id": number, "role": role, "shortname": ROLE_NAMES[role]}]
    return _reading("enrolment", at, course=in_course, user=user, enrolments=[row], roles=roles, groups=list(groups))


def completion(
    user: int, of_module: int, in_course: int, state: State = State.COMPLETE, *, at: datetime = READ_AT
) -> Reading:
    return _reading(
        "completion",
        at,
        module=of_module,
        course=in_course,
        user=user,
        present=True,
        state=int(state),
        timemodified=int(at.timestamp()),
    )


def _reading(kind: str, at: datetime, **values: Any) -> Reading:
    return {"kind": kind, "read_at": at.timestamp(), **values}


def take_in(
    engine: Engine,
    site_id: UUID,
    readings: Iterable[Reading],
    now: datetime = NOW,
    *,
    events: Iterable[dict[str, Any]] = (),
) -> None:
    """Store the events (as of get_data()) and readings, process them as one batch and reconcile what they changed."""
    batch = uuid7()
    items = [inbox.NewItem(site_id, "wire", batch, "event", json.dumps(event).encode()) for event in events]
    items += [inbox.NewItem(site_id, "wire", batch, f"reading.{r['kind']}", json.dumps(r).encode()) for r in readings]
    with engine.begin() as connection:
        inbox.store(connection, items)
    process.drain(engine, ENCRYPTION_KEY)
    settle(engine, now)
    with Session(engine) as session:
        assert inbox_is_done(session)


def settle(engine: Engine, now: datetime = NOW) -> None:
    """Reconcile whatever is marked."""
    reconcile.reconcile_dirty(engine, lambda: now)


def inbox_is_done(session: Session) -> bool:
    """Whether nothing failed, waits or was put aside."""
    return session.scalar(select(func.count()).where(InboxItem.status != "done")) == 0
