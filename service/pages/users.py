"""Those who sign in: the list, an account with its roles, and what is done to it."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import granting
from records.actor import Grant, Role, Scope
from records.granting import Fault, GrantError
from records.models import User
from records.queries import users as queries
from records.queries.users import Listed, UserPage, Wanted
from service import inviting, user_forms, user_words
from service.access import actor
from service.context import context
from service.i18n import _
from service.inviting import Invited
from service.pages.live import reading
from service.wording import ROLES

blueprint = Blueprint("users", __name__)
Page = str | tuple[str, int] | Response
NOTHING: Mapping[str, str] = {}


@blueprint.get("/users")
def listed() -> str:
    """The accounts that the reader may know of, by name."""
    wanted = asked_for()
    with reading() as session:
        found = queries.listed(session, actor(), wanted)
        places = queries.places(session, [grant for line in found.lines for grant in line.grants])
        timezone = queries.timezone(session, actor())
    return render_template(
        "users.html",
        who=g.signed_in,
        found=found,
        called=places,
        timezone=timezone,
        wanted=wanted,
        roles=ROLES,
        words=user_words,
        pages=_pages(found, wanted),
        **_mail_way(),
    )


def asked_for() -> Wanted:
    """Which users the address asks for."""
    role = request.args.get("role", "")
    return Wanted(
        words=request.args.get("q", ""),
        role=Role(role) if role in set(Role) else None,
        off=request.args.get("off") == "1",
        after=_id(request.args.get("after", "")),
        before=_id(request.args.get("before", "")),
    )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        abort(404)


def _pages(found: Listed, wanted: Wanted) -> tuple[str, str]:
    """The addresses of the pages before and after; empty where there is none."""
    same: dict[str, Any] = {"q": wanted.words or None, "role": wanted.role, "off": "1" if wanted.off else None}
    before = url_for("users.listed", before=found.before, **same) if found.before else ""
    return before, url_for("users.listed", after=found.after, **same) if found.after else ""


def _mail_way() -> dict[str, Any]:
    """What a page says of where mail goes."""
    settings = context().settings
    return {"mailed": bool(settings.smtp_host), "folder": None if settings.smtp_host else settings.mail_folder}


@blueprint.get("/users/new")
def new() -> str:
    """The form that invites somebody; `community` offers a role in that one, too."""
    return _form(NOTHING, NOTHING)


@blueprint.post("/users/new")
def invite() -> Page:
    """Invite somebody to a role."""
    person, grant = user_forms.newcomer(request.form), user_forms.chosen_grant(request.form)
    faults = dict(person.faults)
    if grant is None:
        faults["role"] = _("Choose a role, and where it reaches.")
    if faults or grant is None:
        return _form(request.form, faults), HTTPStatus.BAD_REQUEST
    here = context()
    try:
        with Session(here.engine) as session, session.begin():
            if not granting.can_give(session, actor(), grant):
                raise GrantError(Fault.OUTSIDE)
            user_id, invited = inviting.invite(session, here.settings, actor(), person, grant, here.clock())
    except GrantError as err:
        where = "email" if err.fault in (Fault.OFF, Fault.OWN, Fault.THERE) else "role"
        return _form(request.form, {where: user_words.fault(err.fault)}), HTTPStatus.BAD_REQUEST
    wake(here.redis, QueueName.MAIL)
    return _done(user_id, invited, "given" if invited is None else "invited")


def _form(typed: Mapping[str, str], faults: Mapping[str, str]) -> str:
    community = _id(request.values.get("community", ""))
    wanted = [Grant(Role.FACILITATOR, Scope.COMMUNITY, str(community))] if community else []
    with reading() as session:
        places = queries.places(session, [*actor().grants, *wanted])
    scopes = user_forms.scope_choices(actor(), places)
    chosen = f"community:{community}"
    if community and chosen not in dict(scopes):
        abort(404)
    return render_template(
        "user_new.html",
        who=g.signed_in,
        typed=typed or {"scope": chosen},
        faults=faults,
        community=community,
        roles=user_forms.role_choices(actor()),
        role_help=user_words.ROLE_HELP,
        scopes=scopes,
        **_mail_way(),
    )


def _done(user_id: UUID, invited: Invited | None, did: str) -> Page:
    """On to the account's page; a link that isn't mailed is shown here, once: no address and no cookie holds it."""
    if invited is not None and not invited.mailed:
        return _link_page(user_id, invited)
    return redirect(url_for("users.show", user_id=user_id, did=did), 303)


def _link_page(user_id: UUID, invited: Invited) -> str:
    with Session(context().engine) as session:
        name = session.get_one(User, user_id).name
    back = url_for("users.show", user_id=user_id)
    return render_template("user_link.html", who=g.signed_in, name=name, invited=invited, back=back)


@blueprint.get("/users/<uuid:user_id>")
def show(user_id: UUID) -> str:
    """An account."""
    return _page(user_id)


def _page(user_id: UUID, fault: str = "", typed: Mapping[str, str] = NOTHING) -> str:
    with reading() as session:
        found = _find(session, user_id)
        named = [*found.line.grants, *actor().grants, *_grants_of(found)]
        places = queries.places(session, named)
        timezone = queries.timezone(session, actor())
    # Of communities those are offered that the actor's own roles name, whatever else the page speaks of.
    own = {UUID(grant.scope) for grant in actor().grants if grant.scope_kind is Scope.COMMUNITY}
    offered = queries.Places(places.programs, {k: v for k, v in places.communities.items() if k in own})
    return render_template(
        "user.html",
        who=g.signed_in,
        found=found,
        line=found.line,
        called=places,
        timezone=timezone,
        words=user_words,
        forms=user_forms,
        itself=found.line.id == actor().user_id,
        roles=user_forms.role_choices(actor()),
        scopes=user_forms.scope_choices(actor(), offered),
        fault=fault,
        typed=typed,
        did=request.args.get("did", ""),
        mails=context().settings.sends_mail,
        **_mail_way(),
    )


def _grants_of(found: UserPage) -> list[Grant]:
    """Those that the account's history names."""
    said = [each for change in found.changes for each in (change.before, change.after)]
    named = [each for data in said for each in data.get("grants", [data] if "scope_kind" in data else [])]
    return [Grant(Role(each["role"]), Scope(each["scope_kind"]), each["scope"]) for each in named]


def _find(session: Session, user_id: UUID) -> UserPage:
    found = queries.one(session, actor(), user_id, context().clock())
    if found is None:
        abort(404)
    return found


def _act(user_id: UUID, did: str, act: Callable[[Session], Invited | None]) -> Page:
    """Carry something out on an account that the actor may know of, and go on to its page."""
    here = context()
    try:
        with Session(here.engine) as session, session.begin():
            _find(session, user_id)
            invited = act(session)
            still = queries.one(session, actor(), user_id, here.clock())
    except GrantError as err:
        return _page(user_id, user_words.fault(err.fault), request.form), HTTPStatus.BAD_REQUEST
    wake(here.redis, QueueName.MAIL)
    if still is None:
        # Who has no role in scope any more isn't the actor's to know.
        return redirect(url_for("users.listed"), 303)
    return _done(user_id, invited, did)


@blueprint.post("/users/<uuid:user_id>/roles")
def give(user_id: UUID) -> Page:
    """Give somebody another role, who is told so by mail."""
    grant = user_forms.chosen_grant(request.form)
    if grant is None:
        return _page(user_id, _("Choose a role, and where it reaches."), request.form), HTTPStatus.BAD_REQUEST

    def act(session: Session) -> None:
        granting.give(session, actor(), user_id, grant)
        inviting.tell_granted(session, context().settings, user_id, grant)

    return _act(user_id, "given", act)


@blueprint.post("/users/<uuid:user_id>/roles/withdraw")
def withdraw(user_id: UUID) -> Page:
    """Withdraw a role from somebody."""
    grant = user_forms.chosen_grant(request.form)
    if grant is None:
        abort(404)
    return _act(user_id, "withdrawn", lambda session: granting.withdraw(session, actor(), user_id, grant))


@blueprint.post("/users/<uuid:user_id>/off")
def switch_off(user_id: UUID) -> Page:
    """Switch an account off."""
    now = context().clock()
    return _act(user_id, "off", lambda session: granting.switch_off(session, actor(), user_id, now))


@blueprint.post("/users/<uuid:user_id>/on")
def switch_on(user_id: UUID) -> Page:
    """Switch an account on again."""
    return _act(user_id, "on", lambda session: granting.switch_on(session, actor(), user_id))


@blueprint.post("/users/<uuid:user_id>/link")
def link(user_id: UUID) -> Page:
    """A new link to set a password: by mail; else shown, to who could have given all that the user is."""
    here = context()

    def act(session: Session) -> Invited:
        found = _find(session, user_id)
        if not found.looked_after or not (here.settings.sends_mail or found.shown_links):
            raise GrantError(Fault.OWN if user_id == actor().user_id else Fault.OUTSIDE)
        if not found.line.active:
            raise GrantError(Fault.OFF)
        return inviting.send_link(session, here.settings, actor(), user_id, here.clock())

    return _act(user_id, "link", act)
