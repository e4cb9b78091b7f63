"""Somebody asks for a community to be read from Moodle now."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records import audit, sweeps
from records.actor import Actor, in_scope
from records.keys import among
from records.models import Community, CommunityCourse, MirrorCourse, Sweep


def ask_now(session: Session, actor: Actor, community: UUID) -> bool:
    """Have a community's courses swept before all others, once while that is open; put off, they are tried at once.

    False for a community that doesn't exist, and for one out of the actor's scope alike.
    """
    known = select(Community.id).where(Community.id == community, in_scope(actor))
    if session.scalar(known) is None:
        return False
    # Of two who ask at once, one asks.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"ask:{community}"))))
    c, course, s = CommunityCourse, MirrorCourse, Sweep
    courses = session.execute(
        select(c.site_id, c.course_id)
        .distinct()
        .join(course, (course.site_id == c.site_id) & (course.course_id == c.course_id) & course.present)
        .where(c.community_id == community, sweeps.has_token(c.site_id))
        .order_by(c.site_id, c.course_id)
    ).all()
    under_way = select(s.site_id, s.course_id).where(
        among((s.site_id, s.course_id), [(row.site_id, row.course_id) for row in courses]),
        s.status.in_(sweeps.OPEN),
        s.reason == "asked",
        s.due_at <= func.clock_timestamp(),
    )
    asked = {(site, number) for site, number in session.execute(under_way)}
    new = [(site, number) for site, number in courses if (site, number) not in asked]
    for site, number in new:
        sweeps.ask(session, site, [number], "asked")
    if new:
        audit.record(session, actor, "sweep.asked", str(community), after={"courses": len(new)})
    return True
