"""Communities, and how they stand in numbers."""

from datetime import datetime
from uuid import UUID

from pydantic import Field
from werkzeug.wrappers import Response

from records.queries import community_list
from records.queries.community_list import Filters, Listed, Numbers
from service.access import actor
from service.api.answers import after_id, cursor_after, page, reading, shown
from service.api.blueprint import read
from service.api.problems import Refusal
from service.api.wire import CommunityPath, NoQuery, Page, PageQuery, Told


class Host(Told):
    """The organisation that hosts a community."""

    code: str
    name: str


class Community(Told):
    """A community."""

    id: UUID
    program: str
    topic: str
    region: str
    timezone: str
    host: Host | None
    titles: list[str] = Field(description="Of its courses, or of the groups in them.")
    created_at: datetime


class CommunityStanding(Told):
    """How a community stands. Minutes and counts are of active participants."""

    community: UUID
    participants: int
    facilitators: int
    minutes: int
    average_minutes: int
    met: int
    behind: int
    cannot_reach: int
    on_their_way: int = Field(description="Activities that Moodle has told of and that aren't credited yet.")
    band_min: int | None = Field(description="The minimum that is asked of a participant, in minutes.")
    band_max: int | None
    computing: int = Field(description="Members whose hours are about to be computed again.")


class Communities(Page):
    """A piece of the list of communities."""

    items: list[Community]


class CommunityStandings(Page):
    """A piece of the list of communities' standings."""

    items: list[CommunityStanding]


class CommunitiesQuery(PageQuery):
    """Which communities are wanted."""

    program: str = Field(default="", max_length=100, description="A program's code.")
    region: str = Field(default="", max_length=100, description="A region's code.")
    topic: str = Field(default="", max_length=100, description="A topic's code.")
    host: str = Field(default="", max_length=100, description="The code of the organisation that hosts it.")


def _community(row: Listed) -> Community:
    return Community(
        id=row.id,
        program=row.program,
        topic=row.topic,
        region=row.region,
        timezone=row.timezone,
        host=Host(code=row.host[0], name=row.host[1]) if row.host else None,
        titles=list(row.titles),
        created_at=row.created_at,
    )


def _standing(community_id: UUID, row: Numbers) -> CommunityStanding:
    return CommunityStanding(
        community=community_id,
        participants=row.participants,
        facilitators=row.facilitators,
        minutes=row.minutes,
        average_minutes=row.average,
        met=row.met,
        behind=row.behind,
        cannot_reach=row.cannot_reach,
        on_their_way=row.on_their_way,
        band_min=row.band_min,
        band_max=row.band_max,
        computing=row.dirty,
    )


def _filters(query: CommunitiesQuery) -> Filters:
    return Filters(query.program, query.region, query.topic, query.host)


@read("/communities", Communities, "communities")
def communities(query: CommunitiesQuery) -> Response:
    """The communities that the token's user covers."""
    after = after_id(query.cursor)
    with reading() as session:
        rows = community_list.listed(session, actor(), _filters(query), after=after, limit=query.limit + 1)
    following = cursor_after(rows[query.limit - 1].id) if len(rows) > query.limit else None
    return page(Communities(items=[_community(row) for row in rows[: query.limit]], next=following), following)


@read("/communities/<uuid:community_id>", Community, "communities")
def community(path: CommunityPath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """One community."""
    with reading() as session:
        row = community_list.one(session, actor(), path.community_id)
    if row is None:
        raise Refusal("not-found")
    return shown(_community(row))


@read("/standings", CommunityStandings, "standings")
def standings(query: CommunitiesQuery) -> Response:
    """How the communities stand that the token's user covers."""
    after = after_id(query.cursor)
    with reading() as session:
        rows = community_list.listed(session, actor(), _filters(query), after=after, limit=query.limit + 1)
        found = community_list.numbers(session, [row.id for row in rows[: query.limit]])
    following = cursor_after(rows[query.limit - 1].id) if len(rows) > query.limit else None
    items = [_standing(community_id, row) for community_id, row in found.items()]
    return page(CommunityStandings(items=items, next=following), following)


@read("/communities/<uuid:community_id>/standing", CommunityStanding, "standings")
def community_standing(path: CommunityPath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """How one community stands."""
    with reading() as session:
        row = community_list.one(session, actor(), path.community_id)
        if row is None:
            raise Refusal("not-found")
        found = community_list.numbers(session, [row.id])[row.id]
    return shown(_standing(path.community_id, found))
