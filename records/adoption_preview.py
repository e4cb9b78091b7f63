"""What a decision on a copied course would change: it is taken, looked at, and rolled back."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mappings.credit import credits_of
from records import answers
from records.adopting import Wanted, decide
from records.claims import CourseKey
from records.continuing import places_of
from records.deciding import By
from records.keys import among
from records.mirror import side_by_side
from records.models import Account, Membership, MirrorParticipation


@dataclass(frozen=True, slots=True)
class AdoptionPreview:
    """Of everybody in the copy and in the communities that it is or would be: as it is, and as it would be.

    `moved`: whole minutes (before, after) of each person whose minutes differ, over all communities.
    """

    people: int
    memberships_before: int
    memberships_after: int
    minutes_before: int
    minutes_after: int
    moved: dict[UUID, tuple[int, int]]
    communities: tuple[UUID, ...]
    """Those that the course would be; of one that would be made anew the id is another one when it is made."""
    groups: tuple[int, ...]

    @property
    def gains(self) -> int:
        """How many people would have more minutes."""
        return sum(after > before for before, after in self.moved.values())

    @property
    def loses(self) -> int:
        """How many people would have fewer minutes."""
        return sum(after < before for before, after in self.moved.values())


def preview(engine: Engine, course: CourseKey, wanted: Wanted, by: By) -> AdoptionPreview:
    """What the decision would change. Nothing of it is kept; whoever works on the site waits meanwhile.

    Raises AdoptionError, as deciding does.
    """
    with Session(engine) as session:
        try:
            # Locked before anything is read: the decision takes the same lock.
            side_by_side(session, [course[0]], alone=True)
            return _tried(session, course, wanted, by)
        finally:
            session.rollback()


def _tried(session: Session, course: CourseKey, wanted: Wanted, by: By) -> AdoptionPreview:
    persons = _persons(session, course)
    found = _nets(session, persons, by)
    decided = decide(session, course, wanted, by)
    joined = _persons(session, course) - persons
    persons |= joined
    after = _nets(session, persons, by)
    session.rollback()
    side_by_side(session, [course[0]], alone=True)
    found |= _nets(session, joined, by)
    was, would = _of_people(found), _of_people(after)
    return AdoptionPreview(
        len(persons),
        len(found),
        len(after),
        sum(was.values()),
        sum(would.values()),
        {
            person: (was.get(person, 0), would.get(person, 0))
            for person in sorted({*was, *would}, key=str)
            if was.get(person, 0) != would.get(person, 0)
        },
        decided.communities,
        decided.groups,
    )


def _persons(session: Session, course: CourseKey) -> set[UUID]:
    """Everybody who is or was in the course, or is a member of a community that it is."""
    a, p = Account, MirrorParticipation
    inside = select(a.person_id).join(p, (p.site_id == a.site_id) & (p.moodle_user_id == a.moodle_user_id))
    found = set(session.scalars(inside.where(p.site_id == course[0], p.course_id == course[1])))
    communities = {community for community, _ in places_of(session, course).values()}
    return found | set(session.scalars(select(Membership.person_id).where(among(Membership.community_id, communities))))


def _nets(session: Session, persons: Iterable[UUID], by: By) -> dict[UUID, tuple[UUID, int]]:
    """(Person, credited minutes) of all memberships of people, by membership, computed from the inputs."""
    wanted = select(Membership.id).where(among(Membership.person_id, set(persons))).order_by(Membership.id)
    ids = session.scalars(wanted).all()
    found = {}
    for start in range(0, len(ids), answers.AT_ONCE):
        for item in answers.inputs_of(session, ids[start : start + answers.AT_ONCE]):
            minutes = sum(credit.minutes for credit in credits_of(answers.answer(item, by.now).lines))
            found[item.membership.id] = (item.membership.person_id, minutes)
        session.expunge_all()
    return found


def _of_people(nets: dict[UUID, tuple[UUID, int]]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for person, minutes in nets.values():
        found[person] = found.get(person, 0) + minutes
    return found
