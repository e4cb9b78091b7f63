"""Tell the companion plugin how participants stand, so that Moodle shows it even while this service is away.

What has to be told is found in the records at each look, and remembered once Moodle has it: after a kill it is told
again, which changes nothing there, since an older `asof` never replaces a newer one.
"""

import json
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.sites import gently, with_tokens
from jobs.sweep.run import Connect
from moodle_client import Function, MoodleClient, MoodleError
from records import telling
from records.settings import Settings
from records.telling import CourseTelling, Telling

log = structlog.get_logger()
TURNS = 25
"""Calls a job; the next one goes on."""


def tell(engine: Engine, settings: Settings, now: datetime, connect: Connect = MoodleClient) -> int:
    """Tell every site with a token and the plugin what is new. Returns how many standings and courses were sent."""
    with Session(engine) as session:
        programs = telling.switched_on(session, now)
    sent = 0
    for site in with_tokens(engine, settings):
        with connect(site.wwwroot, site.token, pace=gently(settings)) as moodle:
            try:
                sent += _site(engine, settings, site.id, moodle, programs, now)
            except MoodleError as err:
                # The next look tries again; the doctor tells what is wrong.
                log.warning("telling_failed", site=str(site.id), reason=str(err.reason), permanent=err.permanent)
    return sent


def _site(
    engine: Engine, settings: Settings, site_id: UUID, moodle: MoodleClient, programs: set[UUID], now: datetime
) -> int:
    sent, able = 0, False
    for _ in range(TURNS):
        with Session(engine) as session, session.begin():
            courses = telling.due_courses(session, site_id, programs, settings.public_url, now)
            standings = telling.due_standings(session, site_id, programs, now)
            standings += telling.stale_standings(session, site_id, programs, now)
            telling.remember(session, [one for one in standings if one.known])
        news = [one for one in standings if not one.known]
        if not standings and not courses:
            break
        if news or courses:
            if not (able := able or moodle.site_info().data.has(Function.SET_STANDINGS)):
                break
            _send(engine, site_id, moodle, news, courses, now)
            sent += len(news) + len(courses)
    return sent


def _send(
    engine: Engine,
    site_id: UUID,
    moodle: MoodleClient,
    standings: list[Telling],
    courses: list[CourseTelling],
    now: datetime,
) -> None:
    answer = moodle.set_standings(
        [
            {
                "courseid": one.course,
                "userid": one.user,
                "asof": int(one.as_of.timestamp()),
                "data": json.dumps(one.document) if one.document is not None else "",
            }
            for one in standings
        ],
        [{"courseid": one.course, "asof": int(now.timestamp()), "data": json.dumps(one.document)} for one in courses],
    ).data
    refused = {(row.courseid, row.userid): row.reason for row in answer.refused}
    for (course, _), reason in refused.items():
        log.warning("standing_refused", site=str(site_id), course=course, reason=reason)
    with Session(engine) as session, session.begin():
        telling.remember(session, standings, refused=refused.keys())
        telling.remember_courses(session, site_id, courses)
        if answer.held is not None and telling.forget_lost(session, site_id, answer.held):
            log.warning("standings_lost", site=str(site_id), held=answer.held)
