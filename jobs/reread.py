"""Ask Moodle what only Moodle knows: what an unconfirmed or ambiguous event leaves open about one user, and who was at
a session of an attendance activity.

An event of a sender that also posts what Moodle rolls back, or several of one second, count once a reading says what
stands; that an enrolment was updated says nothing of what it is now. The answers are ordinary readings. Questions
about whole courses are the sweep's.
"""

from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from jobs.sites import gently, with_tokens
from jobs.sweep import attendance, core
from jobs.sweep.items import Reading, store
from jobs.sweep.run import Connect, way_of
from jobs.sweep.way import Way
from moodle_client import MoodleClient, MoodleError
from records import inbox
from records.models import Reread
from records.settings import Settings

log = structlog.get_logger()
A_TURN = 20
"""So many users are asked about in one run; the next run goes on."""


def reread(engine: Engine, settings: Settings, connect: Connect = MoodleClient) -> int:
    """Answer open asks about users, and about sessions of attendance activities, on sites that have a web-services
    token. Returns how many were answered."""
    done = 0
    for site in with_tokens(engine, settings):
        with connect(site.wwwroot, site.token, pace=gently(settings)) as moodle:
            done += _site(engine, settings, site.id, moodle)
            done += _sessions(engine, site.id, moodle)
    return done


def _site(engine: Engine, settings: Settings, site_id: UUID, moodle: MoodleClient) -> int:
    of_completions = Reread.module_id.is_not(None)
    with Session(engine) as session:
        asks = session.execute(
            select(Reread.course_id, Reread.moodle_user_id, of_completions)
            .where(Reread.site_id == site_id, Reread.done_at.is_(None), Reread.moodle_user_id.is_not(None))
            .group_by(Reread.course_id, Reread.moodle_user_id, of_completions)
            .order_by(func.random())  # what Moodle won't answer must not stand before what it will
            .limit(A_TURN)
        ).all()
    way: Way | None = None
    answered = 0
    for course, user, completions in asks:
        if user is None:
            continue
        try:
            way = way or way_of(moodle, engine, site_id, settings)
            readings, as_of = _ask(way, course, user, completions=completions)
        except MoodleError as err:
            log.warning(
                "reread_failed", site=str(site_id), course=course, reason=str(err.reason), permanent=err.permanent
            )
            if core.about_one(err):
                continue
            return answered
        with Session(engine) as session, session.begin():
            store(session, site_id, readings)
            inbox.settle(session, site_id, course, user, as_of, completions=completions)
        answered += 1
    return answered


def _sessions(engine: Engine, site_id: UUID, moodle: MoodleClient) -> int:
    """Read the sessions of attendance activities in which somebody recorded something; the next sweep does where the
    token's service can't."""
    with Session(engine) as session:
        asks = session.execute(
            select(Reread.course_id, Reread.module_id)
            .where(*inbox.open_about_sessions(site_id))
            .group_by(Reread.course_id, Reread.module_id)
            .order_by(func.random())
            .limit(A_TURN)
        ).all()
    answered = 0
    try:
        if not asks or not attendance.offered(moodle.site_info().data):
            return 0
        for course, module in asks:
            if module is None:
                continue
            readings = attendance.of_activities(moodle, course, [module])
            with Session(engine) as session, session.begin():
                store(session, site_id, readings)
                for reading in readings:
                    inbox.settle_sessions(session, site_id, module, datetime.fromtimestamp(reading["read_at"], UTC))
            answered += len(readings)
    except MoodleError as err:
        log.warning("reread_failed", site=str(site_id), reason=str(err.reason), permanent=err.permanent)
    return answered


def _ask(way: Way, course: int, user: int, *, completions: bool) -> tuple[list[Reading], datetime]:
    """What Moodle says now, and as of when: of completions an activity that the answer lacks stays unknown."""
    if completions:
        found = [way.completions_of(course, user)]
    else:
        found = way.participation(course, user)
    read_at = min((reading["read_at"] for reading in found), default=0.0)
    return found, datetime.fromtimestamp(read_at, UTC)
