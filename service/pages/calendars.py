"""A community's sessions as a calendar feed, at an address that only who was given it knows."""

import hashlib
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from records import calendar_feed
from records.programs import newest, versions_by_program
from service.access import actor
from service.context import context
from service.pages.live import reading
from service.pages.titles import region_title, topic_title

blueprint = Blueprint("calendars", __name__)


@blueprint.get("/calendars/<token>.ics")
def feed(token: str) -> Answer:
    """The calendar. Programs that ask again and again are told that nothing changed."""
    secret = context().settings.secret_key.get_secret_value()
    with reading() as session:
        community = calendar_feed.community_of(session, token, secret)
        if community is None:
            abort(404)
        program = newest(versions_by_program(session)[community.program_id])
        title = f"{topic_title(program, community.topic)}, {region_title(program, community.region)}"
        made = calendar_feed.feed(session, community, title)
    answer = Response(made, content_type="text/calendar; charset=utf-8")
    answer.set_etag(hashlib.sha256(made).hexdigest())
    return answer.make_conditional(request)


@blueprint.post("/communities/<uuid:community_id>/calendar")
def renew(community_id: UUID) -> Answer:
    """Give the calendar another address; whoever has the old one sees nothing any more."""
    with Session(context().engine) as session, session.begin():
        if not calendar_feed.renew(session, actor(), community_id):
            abort(404)
    return redirect(url_for("sessions.listed", community_id=community_id), 303)
