"""Sessions of communities: the list, one, plan one, move it, cancel it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import Session as Database
from werkzeug.wrappers import Response

from jobs.queues import QueueName
from records import sessions as planning
from records.models import SessionRow
from records.queries import session_list
from records.queries.session_list import Between
from records.session_checks import Draft, Fault, SessionError, check_length, with_length
from service import session_words
from service.access import actor, may
from service.api.answers import Done, after_id, as_it_was, cursor_after, page, reading, shown, written
from service.api.blueprint import read, write
from service.api.problems import Refusal, Wrong
from service.api.wire import (
    MAX_INT,
    CommunityPath,
    Given,
    Moment,
    NoQuery,
    Page,
    PageQuery,
    Reason,
    SessionPath,
    Text,
    Told,
    Whole,
    Yes,
)
from service.context import context
from service.permissions import Permission

WAKES = (QueueName.ATTENDANCE, QueueName.RECONCILE)
POINTERS = {
    Fault.CODE_TAKEN: "code",
    Fault.WHEN: "starts_at",
    Fault.DAY: "starts_at",
    Fault.NO_SUCH_TIME: "starts_at",
    Fault.ENDS: "ends_at",
    Fault.PLANNED: "planned_minutes",
    Fault.LENGTH: "planned_minutes",
    Fault.MAKES_UP_ITSELF: "makes_up",
    Fault.CHAIN: "makes_up",
    Fault.SHARED: "shared_with",
    Fault.CLOSED: "reason",
}
"""Where a fault lies that isn't called like its field."""
STANDS = frozenset({Fault.ATTENDED, Fault.CANCELLED, Fault.NOT_CANCELLED})
"""What isn't wrong with the request: the session is otherwise."""


class MeetingQuery(PageQuery):
    """When the wanted sessions begin."""

    since: Moment | SkipJsonSchema[None] = Field(default=None, description="Not before this moment.")
    until: Moment | SkipJsonSchema[None] = Field(default=None, description="Before this moment.")


class Meeting(Told):
    """A session of a community. Moments are in UTC."""

    id: UUID
    community: UUID
    shared_with: list[UUID] = Field(description="Other communities that the token's user covers.")
    code: str = Field(description="What files name it by; unique in its community.")
    title: str
    starts_at: datetime
    ends_at: datetime | None
    timezone: str
    mode: str
    kind: str
    planned_minutes: int | None
    place: str
    link: str
    capacity: int | None
    required: bool
    series: str
    makes_up: UUID | None = Field(description="The session that it is held again for.")
    cancelled_at: datetime | None
    revision: int = Field(description="Counts its changes.")


class Meetings(Page):
    """A piece of the list of a community's sessions."""

    items: list[Meeting]


class NewMeeting(Given):
    """A session to plan. It needs an end, or planned minutes."""

    title: Text
    code: str = Field(max_length=80)
    starts_at: Moment
    ends_at: Moment | None = None
    timezone: str | None = Field(default=None, max_length=64, description="Left out: the community's.")
    mode: str = Field(max_length=20, description="`face_to_face`, `virtual` or `hybrid`.")
    kind: str = Field(default="", max_length=40, description="One of the program's kinds of sessions; empty: none.")
    planned_minutes: Whole | None = Field(default=None, ge=0, le=MAX_INT)
    place: str = Field(default="", max_length=500)
    link: str = Field(default="", max_length=1000)
    capacity: Whole | None = Field(default=None, ge=1, le=MAX_INT)
    required: Yes = False
    series: str = Field(default="", max_length=80)
    makes_up: UUID | None = None
    shared_with: list[UUID] = Field(default_factory=list, max_length=100)
    reason: str = Field(default="", max_length=2000, description="Needed in a closed period.")


class Moved(Given):
    """When a session begins and ends from now on."""

    starts_at: Moment
    ends_at: Moment | None = None
    reason: str = Field(default="", max_length=2000, description="Needed in a closed period.")


class Why(Given):
    """Why something is taken back."""

    reason: Reason


def _meeting(row: SessionRow, shared: Mapping[UUID, Sequence[UUID]]) -> Meeting:
    same = ("id", "code", "title", "starts_at", "ends_at", "timezone", "mode", "kind", "planned_minutes", "place")
    more = ("link", "capacity", "required", "series", "makes_up", "cancelled_at", "revision")
    values = {name: getattr(row, name) for name in (*same, *more)}
    others = [each for each in shared.get(row.id, ()) if each != row.community_id]
    return Meeting(community=row.community_id, shared_with=others, **values)


def _shown(session: Database, session_id: UUID) -> Meeting:
    """As whoever reads it sees it, so that its ETag is the same for reading and writing. Raises Refusal."""
    row = planning.find(session, actor(), session_id)
    if row is None:
        raise Refusal("not-found")
    reader = may(Permission.SEE_PEOPLE) or actor()
    return _meeting(row, session_list.shared_with(session, reader, [row.id]))


def _refused(err: SessionError) -> Refusal:
    if err.fault is Fault.COMMUNITY:
        return Refusal("not-found")
    words = session_words.fault(err)
    if err.fault is Fault.MEANWHILE:
        return Refusal("changed")
    if err.fault in STANDS:
        return Refusal("conflict", words)
    return Refusal("refused", words, errors=[Wrong(pointer=f"/{POINTERS.get(err.fault, err.fault)}", detail=words)])


@read("/communities/<uuid:community_id>/sessions", Meetings, "sessions")
def sessions(path: CommunityPath, query: MeetingQuery) -> Response:
    """A community's sessions, those that others share with it among them."""
    between = Between(query.since, query.until)
    after, who = after_id(query.cursor), actor()
    with reading() as session:
        rows = session_list.listed(session, who, path.community_id, between, after=after, limit=query.limit + 1)
        if rows is None:
            raise Refusal("not-found")
        shared = session_list.shared_with(session, who, [row.id for row in rows])
        items = [_meeting(row, shared) for row in rows[: query.limit]]
    following = cursor_after(items[-1].id) if len(rows) > query.limit else None
    return page(Meetings(items=items, next=following), following)


@read("/sessions/<uuid:session_id>", Meeting, "sessions")
def session(path: SessionPath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """One session."""
    with reading() as opened:
        found = _shown(opened, path.session_id)
    return shown(found)


@write("/communities/<uuid:community_id>/sessions", Meeting, "sessions", status=201)
def plan_session(path: CommunityPath, body: NewMeeting) -> Response:
    """Plan a session."""

    def act(session: Database) -> Done:
        zone = body.timezone or session_list.timezone_of(session, actor(), path.community_id)
        if zone is None:
            raise Refusal("not-found")
        try:
            draft = with_length(_draft(body, zone))
            made = planning.make(session, path.community_id, draft, actor(), context().clock(), reason=body.reason)
        except SessionError as err:
            raise _refused(err) from err
        return Done(_shown(session, made), 201, {"Location": f"/api/v1/sessions/{made}"})

    return written(act, *WAKES)


def _draft(body: NewMeeting, zone: str) -> Draft:
    values = body.model_dump(exclude={"reason", "timezone", "shared_with"})
    return Draft(timezone=zone, shared_with=frozenset(body.shared_with), **values)


@write("/sessions/<uuid:session_id>/move", Meeting, "sessions", if_match=True)
def move_session(path: SessionPath, body: Moved) -> Response:
    """Have a session begin and end at other moments. It needs the session's ETag as `If-Match`."""

    def act(session: Database) -> Done:
        before = _shown(session, path.session_id)
        as_it_was(before, needed=True)
        try:
            check_length(body.ends_at, before.planned_minutes)
            times = (body.starts_at, body.ends_at)
            session.expire_all()
            planning.move(
                session,
                path.session_id,
                *times,
                actor(),
                context().clock(),
                reason=body.reason,
                revision=before.revision,
            )
        except SessionError as err:
            raise _refused(err) from err
        return Done(_shown(session, path.session_id))

    return written(act, *WAKES)


@write("/sessions/<uuid:session_id>/cancel", Meeting, "sessions")
def cancel_session(path: SessionPath, body: Why) -> Response:
    """Call a session off; with `If-Match` only as it was read."""

    def act(session: Database) -> Done:
        before = _shown(session, path.session_id)
        as_it_was(before, needed=False)
        session.expire_all()
        try:
            planning.cancel(session, path.session_id, actor(), body.reason, context().clock(), revision=before.revision)
        except SessionError as err:
            raise _refused(err) from err
        return Done(_shown(session, path.session_id))

    return written(act, *WAKES)
