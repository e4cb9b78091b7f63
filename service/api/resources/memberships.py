"""Memberships: who is in a community, how each stands, and each minute explained."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from werkzeug.wrappers import Response

from mappings.standing import Status
from records.models import StandingRow
from records.queries import membership_list
from records.queries.look_back import LiesAhead, LookBack, When
from records.queries.membership_list import Filters, Listed
from records.queries.person import person as explained_person
from service.access import actor
from service.api.answers import after_id, cursor_after, page, reading, shown
from service.api.blueprint import read
from service.api.problems import Refusal, Wrong
from service.api.wire import CommunityPath, MembershipPath, NoQuery, Page, PageQuery, Told
from service.context import context
from service.explained_json import as_data
from service.explanations import tell
from service.i18n import language_now
from service.moments import NotADay, read_when

Data = dict[str, Any]


class Standing(Told):
    """How a membership stands, as it was computed last. Amounts are whole minutes."""

    membership: UUID
    status: str = Field(description="`met`, `above`, `on_pace`, `behind`, `cannot_reach` and the like.")
    minutes: int = Field(description="In the present period.")
    all_minutes: int = Field(description="Over all.")
    by_component: dict[str, int]
    band_min: int | None
    band_max: int | None
    on_their_way: int
    missing: list[Data] = Field(description="What is still to do: a `code` and its parameters.")
    requirements: list[Data] = Field(description="Each requirement, how it stands.")
    computed_at: datetime | None = Field(description="Null: it wasn't computed yet.")
    computing: bool = Field(description="It is about to be computed again.")


class Membership(Told):
    """A person in a community."""

    id: UUID
    community: UUID
    program: str
    person: UUID
    name: str = Field(description="Empty while Moodle hasn't told it, and of who was erased.")
    role: str = Field(description="`participant`, `facilitator`, `other` or `unknown`.")
    status: str = Field(description="`active`, `suspended` or `left`.")
    organisation: str | None = Field(description="The code of where the person works.")
    created_at: datetime
    standing: Standing


class Memberships(Page):
    """A piece of the list of a community's memberships."""

    items: list[Membership]


class MembershipsQuery(PageQuery):
    """Which memberships are wanted."""

    role: Literal["", "participant", "facilitator", "other", "unknown"] = ""
    status: Literal["", "active", "suspended", "left"] = ""
    standing: Status | SkipJsonSchema[None] = Field(default=None, description="How they stand.")


class LookQuery(NoQuery):
    """What moment the explanation is of; left out: now."""

    known_on: str = Field(default="", max_length=40, description="Only what was known then: a day or a moment.")
    true_on: str = Field(default="", max_length=40, description="Only what had happened until then.")


class Explanation(Told):
    """Each minute of a membership, by the functions that computed it; as `copbridge explain --json` has it."""

    membership: UUID
    community: UUID
    program: str
    topic: str
    region: str
    role: str
    status: str
    known_on: datetime | None
    true_on: datetime | None
    standing: str
    minutes: int
    all_minutes: int
    carried: int
    by_component: dict[str, int]
    brought: dict[str, int] = Field(description="Minutes that a transfer brought along, by component.")
    band: list[int | None]
    on_their_way: int
    missing: list[Data]
    to_do: list[str]
    forecast: Data | None
    dirty: bool
    lines: list[Data] = Field(description="Each fact and decision: what it earned by which rule, or why nothing.")
    requirements: list[Data]
    ledger: Data | None = Field(description="Looking back: what the ledger held then, where it differs.")


def standing_of(row: Listed) -> Standing:
    """A membership's standing; zeros where it wasn't computed yet."""
    s: StandingRow | None = row.standing
    return Standing(
        membership=row.id,
        status=s.status if s else str(Status.NO_COMMITMENT),
        minutes=s.minutes if s else 0,
        all_minutes=s.all_minutes if s else 0,
        by_component=s.by_component if s else {},
        band_min=s.band_min if s else None,
        band_max=s.band_max if s else None,
        on_their_way=s.on_their_way if s else 0,
        missing=s.missing if s else [],
        requirements=s.outcomes if s else [],
        computed_at=s.computed_at if s else None,
        computing=row.dirty or s is None,
    )


def membership_of(row: Listed) -> Membership:
    """A membership as it is answered."""
    return Membership(
        id=row.id,
        community=row.community_id,
        program=row.program,
        person=row.person_id,
        name=row.name,
        role=row.role,
        status=row.status,
        organisation=row.organisation,
        created_at=row.created_at,
        standing=standing_of(row),
    )


@read("/communities/<uuid:community_id>/memberships", Memberships, "memberships")
def memberships(path: CommunityPath, query: MembershipsQuery) -> Response:
    """Who is in a community."""
    after, wanted = after_id(query.cursor), Filters(query.role, query.status, query.standing or "")
    with reading() as session:
        rows = membership_list.listed(session, actor(), path.community_id, wanted, after=after, limit=query.limit + 1)
    if rows is None:
        raise Refusal("not-found")
    following = cursor_after(rows[query.limit - 1].id) if len(rows) > query.limit else None
    return page(Memberships(items=[membership_of(row) for row in rows[: query.limit]], next=following), following)


@read("/memberships/<uuid:membership_id>", Membership, "memberships")
def membership(path: MembershipPath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """One membership."""
    return shown(membership_of(_one(path.membership_id)))


@read("/memberships/<uuid:membership_id>/standing", Standing, "standings")
def membership_standing(path: MembershipPath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """How one membership stands."""
    return shown(standing_of(_one(path.membership_id)))


def _one(membership_id: UUID) -> Listed:
    with reading() as session:
        row = membership_list.one(session, actor(), membership_id)
    if row is None:
        raise Refusal("not-found")
    return row


@read("/memberships/<uuid:membership_id>/explanation", Explanation, "standings")
def explanation(path: MembershipPath, query: LookQuery) -> Response:
    """Each minute of a membership explained, now or on a past day. Words are in the language that the
    token's user chose, else in that of `Accept-Language`."""
    look = LookBack(_when("known_on", query.known_on), _when("true_on", query.true_on))
    with reading() as session:
        row = membership_list.one(session, actor(), path.membership_id)
        if row is None:
            raise Refusal("not-found")
        try:
            found = explained_person(session, actor(), row.person_id, context().clock(), look, only=[row.community_id])
        except LiesAhead as err:
            wrong = Wrong(detail="It lies ahead: one can look back only.")
            raise Refusal("invalid", errors=[wrong]) from err
        if found is None or not found.communities:
            raise Refusal("not-found", "The program wasn't known yet then.")
        one = found.communities[0]
        # Moments that aren't JSON yet become so here.
        told = Explanation.model_validate(as_data(one, tell(one, language_now())))
    return shown(told, {"Vary": "Accept-Language"})


def _when(name: str, text: str) -> When | None:
    try:
        return read_when(text) if text else None
    except NotADay as err:
        wrong = Wrong(parameter=name, detail="A day is written 2026-05-01, a moment 2026-05-01T16:00:00-07:00.")
        raise Refusal("invalid", errors=[wrong]) from err
