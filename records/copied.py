"""Completions that came along when their course was copied: where they don't count, and which were done again."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.completion import EARNING, EVENT
from records.adoptions import Copy
from records.claims import CourseKey
from records.continuing import Continued
from records.keys import among, as_text
from records.models import Account, FactRow, MirrorCompletion

DONE = [int(state) for state in EARNING]
Done = tuple[str, str, int, int, datetime]
"""(fact, site, course, module, when) of a completion."""


def came_along(
    session: Session, copies: Mapping[CourseKey, Copy], goes_on: Continued, done: Iterable[Done]
) -> dict[str, datetime | None]:
    """The completions, by the fact's id, that were done before their course was copied, and don't count in it; each
    with when it was done again in the copy, if it was.

    Of a row that Moodle copied the first completion is the old one for ever. What the row says now tells the rest:
    where it is complete and was last changed after the copy, somebody completed it there.
    """
    ids = {site: UUID(site) for _, site, _, _, _ in done}
    until: dict[str, datetime] = {}
    for fact, site, course, module, when in done:
        copied_at = goes_on.came_along(copies, (ids[site], course), (site, module))
        if copied_at and when <= copied_at:
            until[fact] = copied_at
    again = _changed(session, until) if until else {}
    return {fact: moment if (moment := again.get(fact)) and moment > until[fact] else None for fact in until}


def _changed(session: Session, facts: Iterable[str]) -> dict[str, datetime]:
    """When the rows behind facts came to be as they are; only of those that are complete, as far as that is sure."""
    f, a, c = FactRow, Account, MirrorCompletion
    rows = session.execute(
        select(as_text(f.id), c.timemodified, c.state_as_of, c.state_rank)
        .join(a, a.id == f.account_id)
        .join(c, (c.site_id == f.site_id) & (c.module_id == f.module_id) & (c.moodle_user_id == a.moodle_user_id))
        .where(among(f.id, facts), c.state.in_(DONE), c.state_trusted.is_(True))
    )
    return {
        fact: moment
        for fact, modified, as_of, rank in rows
        # A bare event tells of the change itself; a reading only when it was looked at.
        if (moment := modified or (as_of if rank == EVENT else None))
    }
