"""Accounts, roles, enrolments and groups: readings, and the events of one row each."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.kinds.batch import Batch, Source
from jobs.wire import AccountReading, EnrolmentReading, EventData, MalformedEvent, RoleReading, storable
from mappings.completion import EVENT, READING
from records.inbox import Question
from records.mirror import PairReport, Row, stand_in
from records.models import Base, MirrorEnrolment, MirrorGroupMember, MirrorRoleAssignment


def account_reading(batch: Batch, source: Source, reading: AccountReading) -> None:
    if source.swept:
        batch.swept.accounts.add((source.site_id, reading.user))
    batch.accounts.append(
        {
            "site_id": source.site_id,
            "moodle_user_id": reading.user,
            "present": reading.present,
            "as_of": reading.read_at,
            "rank": READING,
            **(
                reading.model_dump(
                    include={"username", "idnumber", "email", "firstname", "lastname", "suspended", "profile"}
                )
                if reading.present
                else {}
            ),
        }
    )


def user_deleted(batch: Batch, source: Source, data: EventData) -> None:
    batch.accounts.append(
        {
            "site_id": source.site_id,
            "moodle_user_id": data.row,
            "present": False,
            "as_of": data.timecreated,
            "rank": EVENT,
        }
    )


def _role(site_id: UUID, role_id: int, shortname: str, as_of: datetime) -> Row:
    return {
        "site_id": site_id,
        "role_id": role_id,
        "shortname": shortname,
        "present": True,
        "as_of": as_of,
        "rank": READING,
    }


def role_reading(batch: Batch, source: Source, reading: RoleReading) -> None:
    batch.roles.append(_role(source.site_id, reading.role, reading.shortname, reading.read_at))


def enrolment_reading(batch: Batch, source: Source, reading: EnrolmentReading) -> None:
    """All rows of one user in one course: what is not named is gone."""
    batch.roles += [_role(source.site_id, row.role, row.shortname, reading.read_at) for row in reading.roles]
    batch.groups += [
        {
            "site_id": source.site_id,
            "group_id": row.id,
            "course_id": reading.course,
            "name": row.name,
            "idnumber": row.idnumber,
            # In one order: the same groupings told in another one are no news.
            "groupings": sorted(set(row.groupings)),
            "present": True,
            "as_of": reading.read_at,
            "rank": READING,
        }
        for row in reading.groups
    ]
    rows: dict[type[Base], list[Row]] = {
        MirrorEnrolment: [
            {
                "enrolment_id": r.id or stand_in(reading.course, reading.user),
                "present": True,
                "method": r.method,
                "status": r.status,
                "timestart": r.timestart,
                "timeend": r.timeend,
            }
            for r in reading.enrolments
        ],
        MirrorRoleAssignment: [
            {
                "assignment_id": r.id or stand_in(reading.course, reading.user, r.role),
                "present": True,
                "role_id": r.role,
            }
            for r in reading.roles
        ],
        MirrorGroupMember: [{"group_id": r.id, "present": True} for r in reading.groups],
    }
    pair = (source.site_id, reading.course, reading.user)
    batch.pairs.append(PairReport(pair, reading.read_at, READING, True, rows))
    batch.causes[pair] = source.cause
    if source.swept:
        batch.swept.pairs.add(pair)


EventHandler = Callable[..., None]


def _rows(model: type[Base], rows_of: Callable[[EventData], list[dict[str, Any]]], *, present: bool) -> EventHandler:
    """A handler of events about one row of one user in one course; the participant is relateduserid."""

    def handle(batch: Batch, source: Source, data: EventData) -> None:
        pair = (source.site_id, data.course, data.participant)
        rows = [row | {"present": present} for row in rows_of(data)]
        batch.pairs.append(PairReport(pair, data.timecreated, EVENT, False, {model: rows}))
        batch.causes[pair] = source.cause

    return handle


def _other(data: EventData) -> dict[str, Any]:
    return data.other if isinstance(data.other, dict) else {}


def method_of(data: EventData) -> str:
    """The enrolment method that an event names. Raises MalformedEvent for what is no text."""
    try:
        return storable(str(_other(data).get("enrol", "")))[:50]
    except ValueError as err:
        raise MalformedEvent("other.enrol has to be text") from err


def _enrolment(data: EventData) -> list[dict[str, Any]]:
    # The event doesn't say the status or dates; a new enrolment is active unless a reading says otherwise.
    row = {"enrolment_id": data.row, "method": method_of(data), "status": 0, "timestart": None, "timeend": None}
    return [row]


def _last_enrolment(data: EventData) -> list[dict[str, Any]]:
    """The row that went; with the last one, what stood for all of them."""
    rows = _enrolment(data)
    row = _other(data).get("userenrolment")
    if isinstance(row, dict) and row.get("lastenrol") in (True, 1, "1"):
        rows.append(rows[0] | {"enrolment_id": stand_in(data.course, data.participant), "method": ""})
    return rows


def _assignment(data: EventData) -> list[dict[str, Any]]:
    return [{"assignment_id": data.detail("id"), "role_id": data.row}]


def _unassignment(data: EventData) -> list[dict[str, Any]]:
    """The row that went, and what stood for all of this role: whoever has the role twice is put right by a sweep."""
    return [
        *_assignment(data),
        {"assignment_id": stand_in(data.course, data.participant, data.row), "role_id": data.row},
    ]


def _group(data: EventData) -> list[dict[str, Any]]:
    return [{"group_id": data.row}]


enrolment_created = _rows(MirrorEnrolment, _enrolment, present=True)
enrolment_deleted = _rows(MirrorEnrolment, _last_enrolment, present=False)
role_assigned = _rows(MirrorRoleAssignment, _assignment, present=True)
role_unassigned = _rows(MirrorRoleAssignment, _unassignment, present=False)
group_member_added = _rows(MirrorGroupMember, _group, present=True)
group_member_removed = _rows(MirrorGroupMember, _group, present=False)


def enrolment_updated(batch: Batch, source: Source, data: EventData) -> None:
    """The event carries no new status: only a reading can tell."""
    batch.questions.append(
        Question(source.site_id, data.course, data.participant, None, "user_enrolment_updated", data.timecreated)
    )
