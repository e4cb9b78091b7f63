"""Have Moodle show who was at a session: the activity that stands for it is complete for whoever was there.

By the companion plugin, many at once; without it by Moodle's own override, after a look at what is there. Whatever
somebody changed in Moodle stands: it is remembered and never told again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.sites import gently, with_tokens
from jobs.sweep.run import Connect
from moodle_client import Function, MoodleClient, MoodleError
from records import telling_presence
from records.settings import Settings
from records.telling_presence import PresenceTelling

log = structlog.get_logger()
TURNS = 10
"""Turns a job; the next one goes on."""
COMPLETE, INCOMPLETE = 1, 0
Outcomes = dict[tuple[int, int], str]
"""What became of each (activity, user): see docs/plugin-functions.md, set_presence."""


def tell(engine: Engine, settings: Settings, now: datetime, connect: Connect = MoodleClient) -> int:
    """Tell every site what is new. Returns of how many people at sessions."""
    with Session(engine) as session:
        programs = telling_presence.switched_on(session, now)
    sent = 0
    for site in with_tokens(engine, settings) if programs else ():
        with connect(site.wwwroot, site.token, pace=gently(settings)) as moodle:
            try:
                sent += _site(engine, site.id, moodle, programs, now)
            except MoodleError as err:
                # The next look tries again; the doctor tells what is wrong.
                log.warning("presence_failed", site=str(site.id), reason=str(err.reason), permanent=err.permanent)
    return sent


def _site(engine: Engine, site_id: UUID, moodle: MoodleClient, programs: set[UUID], now: datetime) -> int:
    sent = 0
    for _ in range(TURNS):
        with Session(engine) as session, session.begin():
            due = telling_presence.due(session, site_id, programs, now)
            telling_presence.remember(session, [one for one in due if one.known], {}, now)
        news = [one for one in due if not one.known]
        if news:
            outcomes = _write(engine, site_id, moodle, news)
            if outcomes is None:
                break
            with Session(engine) as session, session.begin():
                telling_presence.remember(session, news, outcomes, now)
            sent += len(news)
        if not due:
            break
    return sent


def _write(engine: Engine, site_id: UUID, moodle: MoodleClient, news: Sequence[PresenceTelling]) -> Outcomes | None:
    """What became of each; None where the token can't write any."""
    about = moodle.site_info().data
    by_plugin = about.has(Function.SET_PRESENCE)
    if not by_plugin and not (about.has(Function.OVERRIDE_COMPLETION) and about.has(Function.ACTIVITY_COMPLETIONS)):
        log.warning("presence_without_function", site=str(site_id))
        return None
    with Session(engine) as session, session.begin():
        telling_presence.write_as(session, site_id, about.userid)
    if not by_plugin:
        return {(one.module, one.user): _override(moodle, one, about.userid) for one in news}
    rows = [{"cmid": one.module, "userid": one.user, "present": int(one.present)} for one in news]
    answers = {(row.cmid, row.userid): row.outcome for row in moodle.set_presence(rows).data}
    # One that the answer leaves out is tried again another day.
    return {(one.module, one.user): answers.get((one.module, one.user), "failed") for one in news}


def _override(moodle: MoodleClient, one: PresenceTelling, own: int) -> str:
    """Moodle's own override, where nobody else has had a hand in it."""
    held = next((row for row in moodle.activity_completions(one.course, one.user).data if row.cmid == one.module), None)
    if held is None:
        return "not_tracked"
    if bool(held.state) == one.present:
        return "unchanged"
    if held.overrideby != own and (held.exists or not one.present):
        return telling_presence.FINAL
    moodle.override_completion(one.user, one.module, COMPLETE if one.present else INCOMPLETE)
    return "written"
