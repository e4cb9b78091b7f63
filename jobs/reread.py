"""Ask Moodle about users whose present state no event tells: what it answers takes the way of any reading.

Confirms what arrived from senders that also send rolled-back work, and settles what happened within one
second. A course as a whole (`user` None) is the sweep's to read.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from moodle_client import ActivityCompletion, MoodleClient, MoodleError, Reason
from records import inbox
from records.inbox import NewItem
from records.models import Reread, Site, uuid7
from records.secrets import Purpose, active_secrets
from records.settings import Settings

log = structlog.get_logger()
ABOUT_ONE = {Reason.NOT_FOUND, Reason.NO_PERMISSION, Reason.INVALID_PARAMETER}
"""Moodle's answer concerns this user and course; any other failure concerns the site."""
A_TURN = 20
"""So many users are asked about in one run; the next run goes on."""

Connect = Callable[[str, str], AbstractContextManager[MoodleClient]]


def reread(engine: Engine, settings: Settings, connect: Connect = MoodleClient) -> int:
    """Answer open asks about users on sites that have a web-services token. Returns how many were answered."""
    done = 0
    with Session(engine) as session:
        sites = session.execute(select(Site.id, Site.wwwroot).order_by(Site.id)).all()
        tokens = {
            site.id: active_secrets(session, site.id, Purpose.WEB_SERVICES, settings.encryption_key) for site in sites
        }
    for site in sites:
        if tokens[site.id]:
            with connect(site.wwwroot, tokens[site.id][0]) as moodle:
                done += _site(engine, site.id, moodle)
    return done


def _site(engine: Engine, site_id: UUID, moodle: MoodleClient) -> int:
    with Session(engine) as session:
        asks = session.execute(
            select(Reread.course_id, Reread.moodle_user_id)
            .where(Reread.site_id == site_id, Reread.done_at.is_(None), Reread.module_id.is_not(None))
            .group_by(Reread.course_id, Reread.moodle_user_id)
            .order_by(func.random())  # what Moodle won't answer must not stand before what it will
            .limit(A_TURN)
        ).all()
    answered = 0
    for course, user in ((course, user) for course, user in asks if user is not None):
        try:
            reply, rows = moodle.activity_completions(course, user)
        except MoodleError as err:
            log.warning(
                "reread_failed", site=str(site_id), course=course, reason=str(err.reason), permanent=err.permanent
            )
            if err.reason in ABOUT_ONE:
                continue
            return answered
        with engine.begin() as connection:
            items = [_item(site_id, course, user, row, reply.as_of) for row in rows if row.exists]
            inbox.store(connection, items)
        with Session(engine) as session, session.begin():
            inbox.settle(session, site_id, course, user, reply.as_of)
        answered += 1
    return answered


def _item(site_id: UUID, course: int, user: int, row: ActivityCompletion, read_at: datetime) -> NewItem:
    """A completion reading of the wire. An activity that the answer lacks is unknown, so it makes none."""
    reading = {
        "kind": "completion",
        "read_at": read_at.timestamp(),
        "module": row.cmid,
        "course": course,
        "user": user,
        "present": True,
        "state": row.state,
        "timemodified": row.timecompleted,
        "overrideby": row.overrideby or None,
    }
    return NewItem(site_id, "sweep", uuid7(), "reading.completion", json.dumps(reading).encode("ascii"))
