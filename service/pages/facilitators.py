"""Those who facilitate a community: invited, and their role taken, from the community's own page."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import granting
from records.actor import Grant, Role, Scope
from records.granting import Fault, GrantError
from records.queries.facilitators import Facilitators, of_community
from service import inviting, user_forms, user_words
from service.access import actor, may
from service.context import context
from service.pages.live import reading
from service.pages.titles import region_title, topic_title
from service.permissions import Permission

blueprint = Blueprint("facilitators", __name__)
Page = str | tuple[str, int] | Response
NOTHING: Mapping[str, str] = {}


@blueprint.get("/communities/<uuid:community_id>/facilitators")
def show(community_id: UUID) -> str:
    """The facilitators, and the form that invites one; `person`: filled in with somebody from Moodle's roster."""
    return _page(community_id)


def _page(community_id: UUID, typed: Mapping[str, str] = NOTHING, faults: Mapping[str, str] = NOTHING) -> str:
    with reading() as session:
        found = _find(session, community_id)
    asked = request.args.get("person", "")
    suggested = next((one for one in found.suggested if str(one.person_id) == asked), None)
    if suggested and not typed:
        typed = {"email": suggested.email, "name": suggested.name}
    settings = context().settings
    return render_template(
        "facilitators.html",
        who=g.signed_in,
        found=found,
        topic=topic_title(found.community.program, found.community.topic),
        region=region_title(found.community.program, found.community.region),
        typed=typed,
        faults=faults,
        did=request.args.get("did", ""),
        manages=may(Permission.MANAGE_USERS) is not None,
        mailed=bool(settings.smtp_host),
        folder=None if settings.smtp_host else settings.mail_folder,
    )


def _find(session: Session, community_id: UUID) -> Facilitators:
    found = of_community(session, actor(), community_id)
    if found is None:
        abort(404)
    return found


def _role(community_id: UUID) -> Grant:
    return Grant(Role.FACILITATOR, Scope.COMMUNITY, str(community_id))


@blueprint.post("/communities/<uuid:community_id>/facilitators")
def invite(community_id: UUID) -> Page:
    """Invite somebody to facilitate this community."""
    here = context()
    person = user_forms.newcomer(request.form)
    if person.faults:
        return _page(community_id, request.form, person.faults), HTTPStatus.BAD_REQUEST
    try:
        with Session(here.engine) as session, session.begin():
            _find(session, community_id)
            _user_id, invited = inviting.invite(
                session, here.settings, actor(), person, _role(community_id), here.clock()
            )
    except GrantError as err:
        return _page(community_id, request.form, {"email": user_words.fault(err.fault)}), HTTPStatus.BAD_REQUEST
    wake(here.redis, QueueName.MAIL)
    back = url_for("facilitators.show", community_id=community_id, did="invited" if invited else "given")
    if invited is not None and not invited.mailed:
        return render_template("user_link.html", who=g.signed_in, name=person.name, invited=invited, back=back)
    return redirect(back, 303)


@blueprint.post("/communities/<uuid:community_id>/facilitators/withdraw")
def withdraw(community_id: UUID) -> Page:
    """Take the role in this community from somebody."""
    here = context()
    try:
        user_id = UUID(request.form.get("user", ""))
    except ValueError:
        abort(404)
    try:
        with Session(here.engine) as session, session.begin():
            found = _find(session, community_id)
            if user_id not in {line.user_id for line in found.lines if line.here}:
                raise GrantError(Fault.UNKNOWN)
            granting.remove(session, actor(), user_id, _role(community_id))
    except GrantError as err:
        return _page(community_id, faults={"withdraw": user_words.fault(err.fault)}), HTTPStatus.BAD_REQUEST
    return redirect(url_for("facilitators.show", community_id=community_id, did="withdrawn"), 303)
