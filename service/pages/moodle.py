"""What Moodle says of a community: when all of it was last read, how far a reading is, and what no event had told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records.asked_sweeps import ask_now
from records.drift import Drift
from records.queries.community import CommunityPage
from records.queries.drift import SHOWN, SweepState, sweep_states, unmapped, zone_of
from service import moodle_words
from service.access import actor, may
from service.context import context
from service.pages.live import if_changed, live_part, reading
from service.permissions import Permission

blueprint = Blueprint("moodle", __name__)
TOO_OLD = 2
"""So many times as old as readings should be: something keeps them from being made."""


@dataclass(frozen=True, slots=True)
class Row:
    """Drift of one kind; `often`: somebody should look."""

    title: str
    sentence: str
    times: int
    often: bool


@dataclass(slots=True)
class Advice:
    """What to do about kinds of drift that are frequent, and the command for it; empty where there is none."""

    hint: str
    command: str
    titles: list[str] = field(default_factory=list)
    times: int = 0


@dataclass(frozen=True, slots=True)
class Marks:
    """What the board says of how a community was read."""

    failed: bool
    never: bool
    old: datetime | None
    frequent: bool


@blueprint.get("/communities/<uuid:community_id>/moodle")
def live(community_id: UUID) -> Response | str:
    """The part about readings, if it changed."""
    with reading() as session:
        timezone = zone_of(session, actor(), community_id)
        if timezone is None:
            abort(404)
        state = sweep_states(session, [community_id])[community_id]
        return if_changed(_part(session, community_id, timezone, state))


@blueprint.post("/communities/<uuid:community_id>/moodle")
def ask(community_id: UUID) -> Response:
    """Have the community read now, before everything else; the page says so at once."""
    here = context()
    with Session(here.engine) as session, session.begin():
        if not ask_now(session, actor(), community_id):
            abort(404)
    wake(here.redis, QueueName.SWEEP)
    # IT staff may ask, and see nobody's hours.
    if not may(Permission.SEE_PEOPLE):
        return redirect(url_for("board.show"), 303)
    return redirect(url_for("community.show", community_id=community_id, _anchor="h-moodle"), 303)


def of_community(session: Session, found: CommunityPage) -> Markup:
    """The section of a community's page."""
    state = sweep_states(session, [found.id])[found.id]
    who = may(Permission.ASK_MOODLE)
    # The form stays out of what is renewed: its token is another one at every load.
    return Markup(  # noqa: S704 - jinja escaped it
        render_template(
            "parts/moodle.html",
            part=_part(session, found.id, found.timezone, state)[0],
            may_ask=bool(who and who.reaches(found.program.program, found.region, found.id)) and _readable(state),
            community_id=found.id,
        )
    )


def _part(session: Session, community_id: UUID, timezone: str, state: SweepState) -> tuple[Markup, str]:
    settings = context().settings
    failure = state.failure
    frequent = state.alerts(settings.drift_alert)
    return live_part(
        "parts/moodle_live.html",
        url_for("moodle.live", community_id=community_id),
        "refresh" if state.running or state.waiting else "refresh-slowly",
        state=state,
        failure=moodle_words.failure(failure, str(community_id)) if failure else None,
        retry_at=failure.retry_at if failure else None,
        rows=[Row(*moodle_words.kind(kind), times, kind in frequent) for kind, times in state.drift.items()],
        frequent=_advice(frequent, state.site),
        differences=sum(state.drift.values()),
        unmapped=unmapped(session, community_id),
        timezone=timezone,
        hours_between=_hours_between(state),
        days=SHOWN.days,
    )


def _hours_between(state: SweepState) -> int:
    settings = context().settings
    return settings.plugin_sweep_hours if state.by_plugin else settings.sweep_hours


def _advice(frequent: Mapping[Drift, int], site: str) -> list[Advice]:
    """One for kinds that ask for the same."""
    found: dict[tuple[str, str], Advice] = {}
    for kind, times in frequent.items():
        to_do = moodle_words.hint(kind, site)
        advice = found.setdefault(to_do, Advice(*to_do))
        advice.titles.append(moodle_words.kind(kind)[0])
        advice.times += times
    return list(found.values())


def _readable(state: SweepState) -> bool:
    """Whether there is something to read, and something to read it with."""
    return bool(state.able and state.courses)


def marks(state: SweepState, now: datetime) -> Marks:
    """The marks of a community; none where there is nothing to read, or nothing to read it with."""
    settings = context().settings
    readable = _readable(state)
    oldest = now - timedelta(hours=TOO_OLD * _hours_between(state))
    last = state.finished_at
    return Marks(
        failed=readable and state.failure is not None,
        never=readable and last is None and state.failure is None,
        old=last if readable and last and last < oldest else None,
        frequent=bool(state.alerts(settings.drift_alert)),
    )
