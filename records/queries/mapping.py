"""Changed activities that wait for staff: the form that counts, the one that is proposed, and whom it would move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from mappings.facts import Activity
from mappings.matching import hours_taken, rule_for
from mappings.program import Program
from records import bindings
from records.actor import Actor, in_scope
from records.bindings import Move, RefusedHours
from records.deciding import By
from records.keys import among
from records.models import Binding, Community, CommunityCourse, MirrorCourse
from records.module_forms import activity_of
from records.programs import newest, versions_by_program
from records.queries.community import Earning, names_of


@dataclass(frozen=True, slots=True)
class Place:
    """A community that a changed activity belongs to."""

    id: UUID
    program: Program
    topic: str
    region: str


@dataclass(frozen=True, slots=True)
class Changed:
    """An activity whose present form would earn something else than the form that counts."""

    id: UUID
    course: str
    """What Moodle calls the course."""
    places: list[Place]
    """Those in the actor's scope."""
    beyond: bool
    """The activity belongs to communities out of scope, too: deciding isn't the actor's."""
    since: datetime
    now: Activity | None
    """None: it earns nothing, whatever form it has."""
    now_earns: Earning | None
    then: Activity
    then_earns: Earning | None


@dataclass(frozen=True, slots=True)
class Moved:
    """Whose minutes a change would move: whole credited minutes, as it is and as it would be."""

    person_id: UUID
    name: str
    moodle_user_id: int
    topic: str
    region: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What accepting would do. `moved`: everybody in scope whose minutes differ; `others`: how many out of scope."""

    members: int
    before: int
    after: int
    moved: list[Moved]
    others: int

    @property
    def gain(self) -> int:
        return sum(one.after > one.before for one in self.moved)

    @property
    def lose(self) -> int:
        return sum(one.after < one.before for one in self.moved)


def _of_course(binding: type[Binding]) -> Select[UUID]:
    """The communities of a proposal's course, to be narrowed down."""
    c = CommunityCourse
    return (
        select(Community.id)
        .join(c, c.community_id == Community.id)
        .where(c.site_id == binding.site_id, c.course_id == binding.course_id)
        .correlate(binding)
    )


def _waits(actor: Actor) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Binding.status == "proposed", _of_course(Binding).where(in_scope(actor)).exists()


def how_many(session: Session, actor: Actor) -> int:
    """How many changes wait in scope."""
    return session.scalar(counted(actor)) or 0


def counted(actor: Actor) -> Select[int]:
    """The query for how many: cheap, by the small index of what is proposed."""
    return select(func.count()).select_from(Binding).where(*_waits(actor))


def oldest(session: Session, actor: Actor) -> datetime | None:
    """Since when the oldest of them waits."""
    return session.scalar(select(func.min(Binding.basis_as_of)).where(*_waits(actor)))


def changed(
    session: Session, actor: Actor, *, after: UUID | None = None, limit: int = 25
) -> tuple[list[Changed], UUID | None]:
    """Changes that wait in scope, in the order in which they were found, and after which one the next ones come."""
    wanted = select(Binding).where(*_waits(actor)).order_by(Binding.id).limit(limit + 1)
    rows = session.scalars(wanted.where(Binding.id > after) if after else wanted).all()
    return _described(session, actor, rows[:limit]), rows[limit - 1].id if len(rows) > limit else None


def one(session: Session, actor: Actor, binding_id: UUID) -> Changed | None:
    """One of them; None for one that doesn't wait, or lies out of scope."""
    rows = session.scalars(select(Binding).where(Binding.id == binding_id, *_waits(actor))).all()
    return _described(session, actor, rows)[0] if rows else None


def _described(session: Session, actor: Actor, rows: Sequence[Binding]) -> list[Changed]:
    if not rows:
        return []
    courses = {(row.site_id, row.course_id) for row in rows}
    modules = {(row.site_id, row.module_id) for row in rows}
    b, m = Binding, MirrorCourse
    active = {
        (form.site_id, form.module_id): form
        for form in session.scalars(select(b).where(among((b.site_id, b.module_id), modules), b.status == "active"))
    }
    named = select(m.site_id, m.course_id, m.fullname).where(among((m.site_id, m.course_id), courses))
    names = {(site, course): name for site, course, name in session.execute(named)}
    programs = {program_id: newest(versions) for program_id, versions in versions_by_program(session).items()}
    places, beyond = _places(session, actor, courses, programs)
    found = []
    for row in rows:
        course, counts = (row.site_id, row.course_id), active.get((row.site_id, row.module_id))
        now, then = activity_of(counts) if counts else None, activity_of(row)
        program = places[course][0].program
        found.append(
            Changed(
                row.id,
                names.get(course, ""),
                places[course],
                course in beyond,
                row.basis_as_of,
                now,
                earning(program, now) if now else None,
                then,
                earning(program, then),
            )
        )
    return found


def _places(
    session: Session, actor: Actor, courses: set[tuple[UUID, int]], programs: dict[UUID, Program]
) -> tuple[dict[tuple[UUID, int], list[Place]], set[tuple[UUID, int]]]:
    """The communities of courses that lie in scope, and which courses have others besides."""
    c = CommunityCourse
    rows = session.execute(
        select(c.site_id, c.course_id, Community, in_scope(actor).label("mine"))
        .join(Community, Community.id == c.community_id)
        .where(among((c.site_id, c.course_id), courses))
        .order_by(Community.topic, Community.region, Community.id)
    ).all()
    places: dict[tuple[UUID, int], list[Place]] = {}
    beyond = set()
    for site, course, community, mine in rows:
        if mine:
            place = Place(community.id, programs[community.program_id], community.topic, community.region)
            places.setdefault((site, course), []).append(place)
        else:
            beyond.add((site, course))
    return places, beyond


def earning(program: Program, activity: Activity) -> Earning | None:
    """What a form of an activity earns by a program; None: nothing."""
    rule = rule_for(program, activity)
    if rule is None:
        return None
    return Earning(rule.rule, rule.worth, rule.component, from_moodle=hours_taken(program, activity) is not None)


def effect(session: Session, actor: Actor, binding_id: UUID, now: datetime) -> Effect:
    """What accepting a change would do: whoever completed the activity is computed as it is and as it would be."""
    moves = bindings.moves(session, session.get_one(Binding, binding_id), now)
    mine = select(Community).where(among(Community.id, {move.community_id for move in moves}), in_scope(actor))
    places = {community.id: community for community in session.scalars(mine)}
    differ = [move for move in moves if move.before != move.after]
    names = names_of(session, {move.person_id for move in differ if move.community_id in places})
    moved = [_moved(move, places[move.community_id], names) for move in differ if move.community_id in places]
    return Effect(
        len(moves),
        sum(move.before for move in moves),
        sum(move.after for move in moves),
        sorted(moved, key=lambda one: (one.after - one.before, one.name, str(one.person_id))),
        sum(move.community_id not in places for move in differ),
    )


def _moved(move: Move, community: Community, names: dict[UUID, tuple[str, int]]) -> Moved:
    name, moodle_user_id = names.get(move.person_id, ("", 0))
    return Moved(move.person_id, name, moodle_user_id, community.topic, community.region, move.before, move.after)


def decide(session: Session, actor: Actor, binding_id: UUID, by: By, *, accept: bool) -> bool:
    """Accept a change or reject it. False: it isn't there for the actor, doesn't wait any more, or belongs to
    communities out of scope, too. Raises BindingError without a reason."""
    found = one(session, actor, binding_id)
    if found is None or found.beyond:
        return False
    if not bindings.still_waits(session, binding_id):
        return False
    act = bindings.accept if accept else bindings.reject
    act(session, binding_id, actor=by.actor, role=by.role, reason=by.reason, now=by.now)
    return True


def refused(session: Session, actor: Actor) -> list[tuple[RefusedHours, str]]:
    """The hours in Moodle's forms that are never taken, of courses in scope, with each course's name."""
    c, m = CommunityCourse, MirrorCourse
    rows = session.execute(
        select(c.site_id, c.course_id, m.fullname)
        .distinct()
        .join(Community, Community.id == c.community_id)
        .join(m, (m.site_id == c.site_id) & (m.course_id == c.course_id))
        .where(in_scope(actor))
    )
    names = {(site, course): name for site, course, name in rows}
    return [
        (found, names[found.site_id, found.course_id])
        for found in bindings.refused_hours(session)
        if (found.site_id, found.course_id) in names
    ]
