"""Which facts count in which membership, as the engine reads them.

A query a table rather than one join over all: each goes by an index whatever the planner knows of the
tables, and a module that a thousand facts are about is read once.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from mappings.facts import Activity, Ended, Fact, FactKind, State
from mappings.facts import Session as Meeting
from records.keys import among
from records.models import Account, Binding, CommunityCourse, FactRow, Membership, MirrorModule, SessionRow

ModuleKey = tuple[UUID, int]
_FACT = tuple(
    getattr(FactRow, name)
    for name in (
        *("id", "key", "kind", "account_id", "site_id", "course_id", "module_id", "session_id"),
        *("happened_at", "state", "minutes", "ended", "provisional", "correlation_id"),
    )
)


def counted(session: Session, membership_ids: Sequence[UUID]) -> Iterable[tuple[UUID, Fact, UUID]]:
    """(membership, fact, correlation id): completions of the person's accounts in the community's courses, and
    attendances of its sessions."""
    members = session.execute(
        select(Membership.id, Membership.community_id, Account.id)
        .join(Account, Account.person_id == Membership.person_id)
        .where(among(Membership.id, membership_ids))
    ).all()
    by_account: dict[UUID, list[tuple[UUID, UUID]]] = {}
    for membership, community, account in members:
        by_account.setdefault(account, []).append((membership, community))
    communities = {community for _, community, _ in members}
    courses = _courses(session, communities)
    meetings = session.execute(
        select(
            SessionRow.id,
            SessionRow.community_id,
            SessionRow.title,
            SessionRow.mode,
            SessionRow.module_site_id,
            SessionRow.module_id,
        ).where(among(SessionRow.community_id, communities))
    ).all()
    by_id = {meeting.id: meeting for meeting in meetings}
    by_module = {(m.community_id, m.module_site_id, m.module_id): m for m in meetings}
    current = select(*_FACT).where(among(FactRow.account_id, by_account), FactRow.superseded_at.is_(None))
    rows = session.execute(current).all()
    activities = _activities(session, {(row.site_id, row.module_id) for row in rows if row.module_id is not None})
    for row in rows:
        for membership, community in by_account[row.account_id]:
            meeting = by_id.get(row.session_id)
            if meeting is not None and meeting.community_id == community:
                # One session credits one person once, whichever account or activity reported it.
                held = Meeting(meeting.title, meeting.mode)
                yield membership, _fact(row, session=held, alternative=str(meeting.id)), row.correlation_id
            elif (community, row.site_id, row.course_id) in courses and row.module_id is not None:
                stands_for = by_module.get((community, row.site_id, row.module_id))
                alternative = str(stands_for.id) if stands_for else None
                activity = activities.get((row.site_id, row.module_id))
                yield membership, _fact(row, activity=activity, alternative=alternative), row.correlation_id


def _courses(session: Session, communities: Iterable[UUID]) -> set[tuple[UUID, UUID, int]]:
    table = CommunityCourse
    found = session.execute(
        select(table.community_id, table.site_id, table.course_id).where(among(table.community_id, communities))
    )
    return {(community, site, course) for community, site, course in found}


def _activities(session: Session, modules: Iterable[ModuleKey]) -> dict[ModuleKey, Activity]:
    """The form of each module that counts: the bound one, else the present one."""
    keys = list(modules)
    found: dict[ModuleKey, Activity] = {}
    for table, counts in ((MirrorModule, true()), (Binding, Binding.status == "active")):
        forms = select(table.site_id, table.module_id, table.idnumber, table.modname, table.section_name, table.name)
        for site, module, *form in session.execute(forms.where(among((table.site_id, table.module_id), keys), counts)):
            found[(site, module)] = Activity(*form)
    return found


def _fact(row: Any, **more: Any) -> Fact:
    return Fact(
        id=str(row.id),
        key=row.key,
        kind=FactKind(row.kind),
        happened_at=row.happened_at,
        state=State(row.state) if row.state is not None else None,
        minutes=row.minutes,
        ended=Ended(row.ended) if row.ended else None,
        provisional=row.provisional,
        **more,
    )
