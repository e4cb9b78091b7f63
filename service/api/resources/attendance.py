"""Attendance of a session: what counts of whom by which ways; and one person's, recorded as on its roster."""

from typing import Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName
from mappings.attending import earned_at
from records import presences, roster, roster_saving
from records.actor import Actor
from records.attendance_file import DAY_MINUTES
from records.keys import among
from records.models import Account, uuid7
from records.presences import Held
from records.roster import Group, RosterPerson, sites_of
from records.roster_saving import Change, Refused, What
from records.sessions import find
from service import roster_words
from service.access import actor
from service.api.answers import Done, after_id, cursor_after, page, reading, written
from service.api.blueprint import read, write
from service.api.problems import Refusal, Wrong
from service.api.wire import Given, Page, PageQuery, SessionPath, Told, Whole
from service.context import context
from service.i18n import _

WAKES = (QueueName.ATTENDANCE, QueueName.RECONCILE)
STANDS = frozenset({Refused.CANCELLED, Refused.TOO_EARLY, Refused.USED, Refused.NOT_CLEARED, Refused.NOT_DECIDED})
"""What isn't wrong with the request: the session or what is recorded there is otherwise."""
POINTERS = {
    Refused.NO_REASON: "reason",
    Refused.NOBODY: "person",
    Refused.LENGTH_UNKNOWN: "minutes",
    Refused.NO_SUCH_STATUS: "status",
    Refused.NO_SUCH_MINUTES: "minutes",
}


class Stated(Told):
    """What one way of recording says of somebody."""

    way: str = Field(description="`roster`, `check_in`, `zoom`, `decided` and the like.")
    minutes: int | None
    status: str | None
    mode: str | None


class Attendance(Told):
    """Somebody on a session's roster."""

    person: UUID
    name: str
    membership: UUID | None = Field(description="Null for a guest.")
    group: str = Field(description="`participant`, `facilitator` or `guest`.")
    earned_minutes: int = Field(description="What the presence that counts is worth, before caps and closed periods.")
    stands: Stated | None = Field(description="What counts; null: nothing is recorded.")
    ways: list[Stated]
    disputed: bool = Field(description="Ways disagree, and staff have to decide.")
    version: UUID | None = Field(description="Send it as `seen` with a change; null: nothing was recorded by hand.")


class Attendances(Page):
    """A piece of a session's roster, by persons' ids."""

    items: list[Attendance]


class NewAttendance(Given):
    """What is to be recorded of one person."""

    person: UUID
    what: Literal["present", "part", "minutes", "status", "absent", "cleared"] = Field(
        description="`present`: all the time. `part`: `late` or gone early (`left`), by minutes. `minutes`: exactly so"
        " many. `status`: one of those that the program weighs. `cleared`: what was recorded by hand is taken back."
    )
    minutes: Whole | None = Field(default=None, ge=0, le=DAY_MINUTES)
    late: Whole = Field(default=0, ge=0, le=DAY_MINUTES)
    left: Whole = Field(default=0, ge=0, le=DAY_MINUTES)
    status: str | None = Field(default=None, max_length=20)
    mode: Literal["face_to_face", "virtual"] | None = Field(default=None, description="At a hybrid session.")
    seen: UUID | None = Field(default=None, description="The `version` that was read; null: nothing was recorded yet.")
    reason: str = Field(
        default="", max_length=2000, description="Needed from the second day after the session on: it is a correction."
    )


def _attendance(person: RosterPerson, meeting: Held) -> Attendance:
    stands = person.stands
    return Attendance(
        person=person.person_id,
        name=person.name,
        membership=person.membership_id,
        group=person.group,
        earned_minutes=earned_at(meeting.program, meeting.meeting)(stands)[0] if stands else 0,
        stands=Stated(way=stands.way, minutes=stands.minutes, status=stands.status, mode=stands.mode)
        if stands
        else None,
        ways=[
            Stated(way=one.said.way, minutes=one.said.minutes, status=one.said.status, mode=one.said.mode)
            for one in person.told
        ],
        disputed=person.disputed,
        version=person.version,
    )


@read("/sessions/<uuid:session_id>/attendance", Attendances, "attendance")
def attendance(path: SessionPath, query: PageQuery) -> Response:
    """Everybody on a session's roster: who belongs there, and who was there."""
    after = after_id(query.cursor)
    with reading() as session:
        if find(session, actor(), path.session_id) is None:
            raise Refusal("not-found")
        meeting = presences.held(session, {path.session_id})[path.session_id]
        # A roster is read as a whole, in as many queries whatever its length: what stands depends on all that is said.
        people = sorted(roster.of_meeting(session, meeting, actor()), key=lambda each: each.person_id)
    rest = [each for each in people if after is None or each.person_id > after]
    items = [_attendance(each, meeting) for each in rest[: query.limit]]
    following = cursor_after(items[-1].person) if len(rest) > query.limit else None
    return page(Attendances(items=items, next=following), following)


@write("/sessions/<uuid:session_id>/attendance", Attendance, "attendance")
def record_attendance(path: SessionPath, body: NewAttendance) -> Response:
    """Record one person's presence as on the session's roster. Hours follow within seconds."""

    def act(session: Session) -> Done:
        who, meeting = actor(), path.session_id
        if find(session, who, meeting) is None:
            raise Refusal("not-found")
        account = _account(session, meeting, body.person, who)
        change = Change(
            uuid7(),
            account,
            What(body.what),
            seen=body.seen,
            minutes=body.minutes,
            late=body.late,
            left=body.left,
            status=body.status,
            mode=body.mode,
        )
        # Corrections ask to be alone before anything is read.
        session.expire_all()
        saved = roster_saving.save(session, meeting, [change], who, context().clock(), body.reason)
        if saved.clashes:
            raise Refusal(
                "conflict", "Somebody recorded something else meanwhile: read it again, and send its version."
            )
        if change.id in saved.refused:
            raise _refused(saved.refused[change.id])
        return Done(_as_recorded(session, meeting, body.person, who))

    return written(act, *WAKES)


def _held(session: Session, session_id: UUID) -> Held:
    return presences.held(session, {session_id})[session_id]


def _account(session: Session, session_id: UUID, person_id: UUID, who: Actor) -> UUID:
    """The account that changes about a person go to; of a guest any that is present on the communities' sites."""
    for each in roster.people(session, session_id, who):
        if each.person_id == person_id:
            return each.account_id
    sites = sites_of(session, _held(session, session_id).communities)
    a = Account
    found = session.scalars(
        select(a.id).where(a.person_id == person_id, among(a.site_id, sites), a.present).order_by(a.id).limit(1)
    ).first()
    if found is None:
        raise _refused(Refused.NOBODY)
    return found


def _as_recorded(session: Session, session_id: UUID, person_id: UUID, who: Actor) -> Attendance:
    for each in roster.people(session, session_id, who):
        if each.person_id == person_id:
            return _attendance(each, _held(session, session_id))
    # A guest whose only record was taken back.
    return Attendance(
        person=person_id,
        name="",
        membership=None,
        group=Group.GUEST,
        earned_minutes=0,
        stands=None,
        ways=[],
        disputed=False,
        version=None,
    )


def _refused(why: Refused) -> Refusal:
    words = _(roster_words.REFUSED[why])
    if why in STANDS:
        return Refusal("conflict", words)
    return Refusal("refused", words, errors=[Wrong(pointer=f"/{POINTERS.get(why, 'what')}", detail=words)])
