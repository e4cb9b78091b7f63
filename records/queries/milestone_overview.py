"""What schools, communities and their teams have reached of what a program asks of them, a page of them at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from mappings.outcomes import DONE, Outcome, OutcomeStatus
from mappings.program import Program, version_at
from mappings.together import Together
from records.actor import Actor, in_scope
from records.decisions import Kind, standing_decisions
from records.keys import among
from records.models import Community, Decision, MirrorGroup, Organisation, Team
from records.programs import versions_by_program
from records.queries import deciders
from records.queries.milestone_reach import Asking, organisations_in_reach
from records.reached import Subject
from records.together import Found, of_communities, of_organisations

COMMUNITIES, ORGANISATIONS = 10, 20
"""So many are on one page: each of them is computed when the page is asked for."""
LISTED = ("organisation", "community")
SHOWN_KINDS = ("organisation", "community", "team")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the page is asked for. `organisation`: part of a code or name."""

    of: str = ""
    region: str = ""
    community: UUID | None = None
    organisation: str = ""
    after: UUID | None = None
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """Why a requirement is waived, or a guideline isn't kept; `by`: the name of who decided."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One subject and how it stands. `topic` and `region` are of its community, empty of an organisation."""

    kind: str
    id: UUID
    code: str
    name: str
    timezone: str
    together: Together
    topic: str = ""
    region: str = ""
    whys: dict[str, Why] = field(default_factory=dict)
    """By requirement and guideline."""

    @property
    def urgency(self) -> tuple[bool, bool, datetime | None, str]:
        """What is overdue first, then what is due next."""
        due = next_due(self.together.outcomes)
        late = any(outcome.status is OutcomeStatus.OVERDUE for outcome in self.together.outcomes)
        return not late, due is None, due, self.name or self.code


@dataclass(frozen=True, slots=True)
class Overview:
    """A page of subjects. `program` as it is in force now; `after`, `before`: where the next and last pages begin."""

    program: Program
    lines: list[Line]
    after: UUID | None = None
    before: UUID | None = None


def next_due(outcomes: Iterable[Outcome]) -> datetime | None:
    """The first instant too late for what is to be done next."""
    return min((o.due for o in outcomes if o.due and o.status not in DONE), default=None)


def overview(
    session: Session, actor: Actor, asking: Asking, wanted: Wanted, now: datetime, size: int | None = None
) -> Overview | None:
    """A page of the organisations or communities in scope; None for a page that begins at one that isn't there.
    `size`: how many of them, where it isn't as many as are shown."""
    versions = versions_by_program(session)[asking.id]
    program = version_at(versions, now).program
    listed = _organisations if wanted.of == "organisation" else _communities
    page = listed(session, actor, asking, wanted, size)
    if page is None:
        return None
    ids, after, before = page
    if wanted.of == "organisation":
        found = of_organisations(session, asking.id, ids, now)
    else:
        found = [each for each in of_communities(session, ids, now) if each.subject[0] in SHOWN_KINDS]
    lines = _lines(session, asking, program, found)
    return Overview(program, lines, after, before)


def regions(session: Session, actor: Actor, program_id: UUID) -> list[tuple[str, str, UUID]]:
    """(Region, topic, id) of the communities in scope, for choices."""
    c = Community
    wanted = select(c.region, c.topic, c.id).where(c.program_id == program_id, in_scope(actor))
    return [(region, topic, key) for region, topic, key in session.execute(wanted.order_by(c.region, c.topic, c.id))]


Page = tuple[list[UUID], UUID | None, UUID | None]


def _organisations(session: Session, actor: Actor, asking: Asking, wanted: Wanted, size: int | None) -> Page | None:
    o = Organisation
    near = organisations_in_reach(
        actor, asking.id, whole=asking.whole, region=wanted.region, community=wanted.community
    )
    chosen = select(o.id).where(o.id.in_(near))
    if text := wanted.organisation.strip().lower():
        chosen = chosen.where(or_(func.lower(o.code).contains(text, autoescape=True), _named(o.name, text)))
    return _page(session, chosen, (o.code, o.id), o.id, wanted, size or ORGANISATIONS)


def _named(column: Any, text: str) -> ColumnElement[bool]:
    return func.lower(column).contains(text, autoescape=True)


def _communities(session: Session, actor: Actor, asking: Asking, wanted: Wanted, size: int | None) -> Page | None:
    c = Community
    chosen = select(c.id).where(c.program_id == asking.id, in_scope(actor))
    if wanted.region:
        chosen = chosen.where(c.region == wanted.region)
    if wanted.community:
        chosen = chosen.where(c.id == wanted.community)
    if text := wanted.organisation.strip().lower():
        of = select(Team.community_id).join(Organisation, Organisation.id == Team.organisation_id)
        called = or_(_named(Organisation.code, text), _named(Organisation.name, text))
        chosen = chosen.where(c.id.in_(of.where(called)))
    return _page(session, chosen, (c.region, c.topic, c.id), c.id, wanted, size or COMMUNITIES)


def _page(
    session: Session, chosen: Select[UUID], order: tuple[Any, ...], key: Any, wanted: Wanted, limit: int
) -> Page | None:
    """Some ids in an order, and those that the pages after and before begin behind."""
    cursor, back = wanted.after or wanted.before, wanted.before is not None and wanted.after is None
    if cursor:
        at = session.execute(chosen.with_only_columns(*order).where(key == cursor)).first()
        if at is None:
            return None
        there = tuple_(*order) < tuple_(*at) if back else tuple_(*order) > tuple_(*at)
        chosen = chosen.where(there)
    ordered = chosen.order_by(*(column.desc() if back else column for column in order)).limit(limit + 1)
    ids = list(session.scalars(ordered))
    more, ids = len(ids) > limit, ids[:limit]
    if back:
        ids.reverse()
    after = ids[-1] if ids and (more or back) else None
    before = ids[0] if ids and (more if back else bool(cursor)) else None
    return ids, after, before


def _lines(session: Session, asking: Asking, program: Program, found: Sequence[Found]) -> list[Line]:
    names = names_of(session, [each.subject for each in found])
    places = _places(session, [each.subject for each in found])
    whys = reasons(session, asking.id, [each.subject for each in found])
    lines = []
    for each in found:
        topic, region, timezone = places.get(each.subject, ("", "", program.timezone))
        name = names.get(each.subject, "")
        lines.append(
            Line(*each.subject, each.code, name, timezone, each.together, topic, region, whys.get(each.subject, {}))
        )
    return lines


def names_of(session: Session, subjects: Iterable[Subject]) -> dict[Subject, str]:
    """The names of teams and organisations."""
    subjects = list(subjects)
    g = MirrorGroup
    teams = select(Team.id, g.name).join(g, (g.site_id == Team.site_id) & (g.group_id == Team.group_id))
    of_team = session.execute(teams.where(among(Team.id, [key for kind, key in subjects if kind == "team"])))
    found: dict[Subject, str] = {("team", key): name for key, name in of_team}
    organisations = select(Organisation.id, Organisation.name)
    wanted = organisations.where(among(Organisation.id, [key for kind, key in subjects if kind == "organisation"]))
    return found | {("organisation", key): name for key, name in session.execute(wanted)}


def _places(session: Session, subjects: Iterable[Subject]) -> dict[Subject, tuple[str, str, str]]:
    """(Topic, region, time zone) of communities and of teams' communities."""
    subjects, c = list(subjects), Community
    of_community = select(c.id, c.topic, c.region, c.timezone)
    of_team = select(Team.id, c.topic, c.region, c.timezone).join(c, c.id == Team.community_id)
    found: dict[Subject, tuple[str, str, str]] = {}
    wanted = of_community.where(among(c.id, [key for kind, key in subjects if kind == "community"]))
    found |= {("community", key): (topic, region, zone) for key, topic, region, zone in session.execute(wanted)}
    wanted = of_team.where(among(Team.id, [key for kind, key in subjects if kind == "team"]))
    return found | {("team", key): (topic, region, zone) for key, topic, region, zone in session.execute(wanted)}


def reasons(session: Session, program_id: UUID, subjects: Iterable[Subject]) -> dict[Subject, dict[str, Why]]:
    """Why requirements are waived and guidelines not kept, of subjects in a program."""
    wanted: dict[tuple[object, object], Subject] = {(one[0], str(one[1])): one for one in subjects}
    of = (Decision.data["subject_kind"].as_string(), Decision.data["subject_id"].as_string())
    rows = session.scalars(
        standing_decisions()
        .where(
            Decision.kind.in_((str(Kind.WAIVER), str(Kind.RATIONALE))),
            Decision.program_id == program_id,
            among(of, [(kind, str(key)) for kind, key in wanted.values()]),
        )
        .order_by(Decision.decided_at, Decision.id)
    ).all()
    names = deciders.names_of(session, (row.actor for row in rows))
    found: dict[Subject, dict[str, Why]] = {}
    for row in rows:
        subject = wanted.get((row.data.get("subject_kind"), row.data.get("subject_id")))
        if subject:
            what = str(row.data.get("requirement") or row.data.get("notice"))
            found.setdefault(subject, {})[what] = Why(row.reason, names.get(row.actor, row.actor), row.decided_at)
    return found
