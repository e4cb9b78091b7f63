"""Milestones: what was recorded of participants, teams, organisations, communities and programs."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from mappings.conditions import Reached
from mappings.earning import Subject as SubjectKind
from mappings.facts import Ended, Fact, FactKind, Milestone
from records.counted import NOW, AsOf, recorded
from records.keys import among
from records.merged import counts_in
from records.models import Account, Membership, MilestoneRow, MirrorGroupMember, SessionRow, Team

Subject = tuple[SubjectKind, UUID]
"""(kind, id): a membership, team, organisation, community or program."""


def milestones_of(
    session: Session, membership_ids: Sequence[UUID], as_of: AsOf = NOW
) -> Iterable[tuple[UUID, Fact, UUID]]:
    """(membership, fact, correlation id) of the participant's own milestones, and of his or her teams; also of those
    recorded of a membership that was merged into the participant's."""
    own = counts_in(session, membership_ids)
    subjects: dict[Subject, list[UUID]] = {("participant", m): [into] for m, into in own.items()}
    for membership, team in teams_of(session, membership_ids):
        subjects.setdefault(("team", team), []).append(membership)
    for subject, row, follows in _rows(session, subjects, as_of):
        for membership in subjects[subject]:
            fact = _fact(row, follows)
            if subject[0] == "participant" and subject[1] != membership:
                # Recorded of both, it is one milestone of one person all the same.
                item = row.key.replace(str(subject[1]), str(membership))
                fact = replace(fact, item=item, several=True)
            yield membership, fact, row.correlation_id


def teams_of(session: Session, membership_ids: Sequence[UUID], *, ever: bool = False) -> list[tuple[UUID, UUID]]:
    """(membership, team) for everybody who is in a team's group now, or ever was."""
    group = MirrorGroupMember
    rows = session.execute(
        select(Membership.id, Team.id)
        .join(Team, Team.community_id == Membership.community_id)
        .join(Account, (Account.person_id == Membership.person_id) & (Account.site_id == Team.site_id))
        .join(
            group,
            (group.site_id == Team.site_id)
            & (group.group_id == Team.group_id)
            & (group.moodle_user_id == Account.moodle_user_id),
        )
        .where(among(Membership.id, membership_ids), true() if ever else group.present)
        .distinct()
        .order_by(Membership.id, Team.id)
    )
    return [(membership, team) for membership, team in rows]


def reached_by(session: Session, subjects: Iterable[Subject], as_of: AsOf = NOW) -> dict[Subject, list[Reached]]:
    """The milestones of subjects that stand."""
    wanted: dict[Subject, list[Reached]] = {subject: [] for subject in subjects}
    for subject, row, follows in _rows(session, wanted, as_of):
        if row.ended is None:
            proven = bool(row.evidence)
            wanted[subject].append(Reached(row.code, row.key, row.happened_at, row.cycle, follows, proven))
    return wanted


def _rows(
    session: Session, subjects: Iterable[Subject], as_of: AsOf
) -> Iterable[tuple[Subject, MilestoneRow, str | None]]:
    """Milestones with their subject, and the item of the session that they follow: what follows one that makes another
    session up follows that one."""
    row = MilestoneRow
    found = session.execute(
        select(row, func.coalesce(SessionRow.makes_up, row.session_id))
        .outerjoin(SessionRow, SessionRow.id == row.session_id)
        .where(among((row.subject_kind, row.subject_id), list(subjects)), recorded(row, as_of))
        .order_by(row.key)
    )
    for milestone, follows in found:
        subject: Any = (milestone.subject_kind, milestone.subject_id)
        yield subject, milestone, str(follows) if follows else None


def _fact(row: MilestoneRow, follows: str | None) -> Fact:
    return Fact(
        id=str(row.id),
        key=f"milestone:{row.key}",
        kind=FactKind.MILESTONE,
        happened_at=row.happened_at,
        ended=Ended(row.ended) if row.ended else None,
        milestone=Milestone(row.code, row.cycle, follows, proven=bool(row.evidence)),
        item=row.key,
    )
