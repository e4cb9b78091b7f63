"""Decide what a copied course is: a continuation of the original, a community of its own, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from records import audit, communities
from records.adoptions import Status, mirrored, waiting
from records.claims import CourseKey, CourseSeen, accepted, claimants, groups_of, slugs_of
from records.continuing import matching_groups, places_of
from records.deciding import By
from records.decisions import Kind
from records.memberships import mark_courses
from records.mirror import side_by_side
from records.models import (
    Community,
    CommunityCourse,
    ContinuedModule,
    CourseCopy,
    Decision,
    uuid7,
)
from records.module_pairs import PairError, Pairs, proposed_pairs


class AdoptionError(Exception):
    """It can't be decided so; the message says why, and what to do, `code` what it is."""

    def __init__(self, message: str, code: str = "gone") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody decides about a copy: `proposed` takes the decision before back.

    `put` (new: old) and `taken` change the proposed pairs of a continuation's activities.
    """

    status: Status
    put: Mapping[int, int] = field(default_factory=dict)
    taken: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision."""

    decision_id: UUID
    communities: tuple[UUID, ...]
    """What the course is from now on; none: it earns nothing for now."""
    groups: tuple[int, ...] = ()
    """Groups of the original that are communities, and have no like in a continuation."""


def decide(session: Session, course: CourseKey, wanted: Wanted, by: By) -> Decided:
    """Decide about a copied course; the latest decision on it stands. Raises AdoptionError.

    Nobody else is at work on the site until the transaction ends. Memberships whose hours it moves are marked.
    """
    if not by.reason.strip():
        raise AdoptionError("A decision needs a reason.", "reason")
    side_by_side(session, [course[0]], alone=True)
    row = known_copy(session, course)
    original = (row.site_id, row.original_id)
    pairs = _checked(session, row, wanted)
    before = places_of(session, course)
    was = Status(row.status)
    decision = _write(session, row, wanted.status, pairs, before, by)
    row.status, row.decision_id = str(wanted.status), decision
    _continue(session, row, pairs.pairs if pairs else {}, decision)
    if was is not wanted.status:
        communities.take_out(session, course)
    if wanted.status is Status.NEW_COMMUNITY:
        _put_back(session, course)
    _place(session, course)
    return Decided(
        decision,
        tuple(sorted({community for community, _ in places_of(session, course).values()}, key=str)),
        tuple(unlike_groups(session, course, original)) if wanted.status is Status.CONTINUATION else (),
    )


def known_copy(session: Session, course: CourseKey) -> CourseCopy:
    """A course that is a copy. Raises AdoptionError."""
    row = session.get(CourseCopy, course, populate_existing=True)
    if row is None:
        raise AdoptionError(
            f"The course {course[1]} isn't known as a copy of another one: see `copbridge adoption list`."
        )
    return row


def unlike_groups(session: Session, course: CourseKey, original: CourseKey) -> list[int]:
    """Groups of the original that are communities, and that no group of the copy is like."""
    known = set(matching_groups(session, course, original).values())
    return [group for group in places_of(session, original) if group and group not in known]


def claimed(session: Session, course: CourseKey) -> bool:
    """Whether some program takes the course, or a group in it, for a community by what it is called."""
    row = mirrored(session, course)
    if row is None:
        return False
    programs = claimants(session)
    form = CourseSeen.of_mirror(row).form(slugs_of(session, [course[0]])[course[0]])
    names = [None, *(group.idnumber for group in groups_of(session, [course]))]
    return any(accepted(programs, form, name) for name in names)


def _checked(session: Session, row: CourseCopy, wanted: Wanted) -> Pairs | None:
    """The pairs of a continuation; raises AdoptionError where this can't be decided."""
    if wanted.status is Status.PROPOSED and row.status == Status.PROPOSED:
        raise AdoptionError(
            f"Nothing is decided about the course {row.course_id}: there is nothing to undo.", "nothing"
        )
    if wanted.status is not Status.CONTINUATION:
        if wanted.put or wanted.taken:
            raise AdoptionError("Activities are mapped for a continuation only.", "pairs")
        return None
    original = (row.site_id, row.original_id)
    if waiting(session, [original]):
        raise AdoptionError(
            f"The original, course {row.original_id}, is a copy that waits itself: decide about that one first.",
            "original",
        )
    if not places_of(session, original):
        raise AdoptionError(
            f"The original, course {row.original_id}, is no community: there is nothing to go on with.", "original"
        )
    try:
        return proposed_pairs(session, (row.site_id, row.course_id), original).changed(wanted.put, wanted.taken)
    except PairError as err:
        raise AdoptionError(str(err), "pairs") from err


def _write(
    session: Session,
    row: CourseCopy,
    status: Status,
    pairs: Pairs | None,
    places: Mapping[int, tuple[UUID, datetime]],
    by: By,
) -> UUID:
    data: dict[str, Any] = {
        "course": f"{row.site_id}:{row.course_id}",
        "choice": str(status),
        "original": row.original_id,
    }
    if pairs:
        data["modules"] = {str(new): old for new, old in pairs.pairs.items()}
    if row.status == Status.NEW_COMMUNITY:
        data["left"] = [
            {"group": group, "community": str(community), "since": since.isoformat()}
            for group, (community, since) in places.items()
        ]
    decision = Decision(
        id=uuid7(),
        kind=str(Kind.ADOPTION),
        actor=by.actor.name,
        actor_role=by.role,
        reason=by.reason.strip(),
        data=data,
        decided_at=by.now,
        correlation_id=uuid7(),
    )
    session.add(decision)
    session.flush()
    audit.record(session, by.actor, "decision.adoption", str(decision.id), before={"choice": row.status}, after=data)
    return decision.id


def _continue(session: Session, row: CourseCopy, pairs: Mapping[int, int], decision: UUID) -> None:
    """Keep which activities of the copy go on with which."""
    c = ContinuedModule
    session.execute(delete(c).where(c.site_id == row.site_id, c.course_id == row.course_id))
    session.add_all(
        c(site_id=row.site_id, module_id=new, original_id=old, course_id=row.course_id, decision_id=decision)
        for new, old in pairs.items()
    )
    session.flush()


def _put_back(session: Session, course: CourseKey) -> None:
    """Have a course be the communities of its own again that it was before another decision: sessions and decisions
    hang on them."""
    left = session.scalars(
        select(Decision.data["left"])
        .where(
            Decision.kind == str(Kind.ADOPTION),
            Decision.data["course"].astext == f"{course[0]}:{course[1]}",
            Decision.data.has_key("left"),
        )
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(1)
    ).first()
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(communities.PLACING))))
    held = places_of(session, course)
    for place in left or []:
        community = session.get(Community, UUID(place["community"]), populate_existing=True)
        if community and place["group"] not in held:
            new = CommunityCourse(site_id=course[0], course_id=course[1], group_id=place["group"])
            new.community_id, new.basis_as_of = community.id, datetime.fromisoformat(place["since"])
            session.add(new)
    session.flush()


def _place(session: Session, course: CourseKey) -> None:
    """Have the course be what it is to be by now, and all that follows."""
    row = mirrored(session, course)
    seen = [CourseSeen.of_mirror(row)] if row and row.present else []
    placed = communities.place(session, seen, groups_of(session, [course]))
    placed |= communities.follow(session, {course})
    communities.settle(session, placed | {course})
    mark_courses(session, {course})
