"""One's own account: name, language, password, sign-ins; and the language of whoever isn't signed in."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast
from uuid import UUID

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import api_tokens, lockout, passwords, sign_ins, users
from records.actor import Actor
from records.models import User
from records.queries import users as queries
from service import access, limits, mail_words, user_forms, user_words, wording
from service.context import context
from service.i18n import COOKIE, _
from service.pages.live import reading

blueprint = Blueprint("account", __name__)
Page = str | tuple[str, int] | Response
NOTHING: Mapping[str, str] = {}
A_YEAR = 365 * 24 * 3600
TOKENS = "tokens.listed"


def _me() -> Actor:
    who: Actor = g.signed_in.actor
    return who


def _my_id() -> UUID:
    return cast(UUID, _me().user_id)


def _cookie() -> str:
    return request.cookies.get(access.cookie_name(), "")


@blueprint.get("/account")
def show() -> str:
    """One's own account."""
    return _page()


def _page(typed: Mapping[str, str] = NOTHING, faults: Mapping[str, str] = NOTHING) -> str:
    me, now = _me(), context().clock()
    with reading() as session:
        user = session.get_one(User, me.user_id)
        places = queries.places(session, me.grants)
        return render_template(
            "account.html",
            who=g.signed_in,
            user=user,
            typed=typed or {"name": user.name, "language": user.language or ""},
            faults=faults,
            did=request.args.get("did", ""),
            grants=[user_words.grant(grant, places) for grant in me.grants],
            signed=queries.open_sign_ins(session, user.id, _cookie(), now, context().settings.sign_in_idle_minutes),
            ways=queries.ways(session, user.id),
            way_words=user_words.WAYS,
            timezone=queries.timezone(session, me),
            least=passwords.PASSWORD_LENGTH.start,
            tokens=url_for(TOKENS) if TOKENS in current_app.view_functions else "",
            tokens_held=api_tokens.held(session, user.id, now),
        )


def _again(faults: Mapping[str, str]) -> tuple[str, int]:
    return _page(request.form, faults), HTTPStatus.BAD_REQUEST


@blueprint.post("/account")
def save() -> Page:
    """Keep the name and the language."""
    name = request.form.get("name", "").strip()
    fault = user_forms.name_fault(name)
    if fault:
        return _again({"name": fault})
    with Session(context().engine) as session, session.begin():
        users.save_own(session, _my_id(), name, user_forms.language(request.form.get("language", "")))
    return redirect(url_for("account.show", did="saved"), 303)


@blueprint.post("/account/password")
def password() -> Page:
    """Change the password: all sign-ins end, and this browser gets a new one; the tokens end where that is ticked."""
    here, my_id = context(), _my_id()
    now, new, tokens_too = here.clock(), request.form.get("new", ""), "end_tokens" in request.form
    if new != request.form.get("repeated", ""):
        return _again({"new": wording.password_fault("differs")})
    with Session(here.engine) as session, session.begin():
        email = session.get_one(User, my_id).email
        # Whoever sits down at a browser that was left open guesses no more often than at the sign-in.
        tried = lockout.begin(session, here.settings.secret_key, email, limits.network(), now)
    if tried.locked:
        return _again({"present": _("It was tried too often: wait for an hour, then try again.")})
    try:
        with Session(here.engine) as session, session.begin():
            present = request.form.get("present", "")
            held = api_tokens.held(session, my_id, now) if tokens_too else 0
            if not users.change_password(session, my_id, present, new, now, end_tokens=tokens_too):
                return _again({"present": _("That isn't your present password.")})
            lockout.succeeded(session, tried)
            cookie = sign_ins.begin(session, my_id, "password", now=now, hours=here.settings.sign_in_hours)
            mail_words.tell_changed(session, here.settings, my_id, held)
    except passwords.WeakPassword as err:
        return _again({"new": wording.password_fault(err.reason)})
    wake(here.redis, QueueName.MAIL)
    answer = redirect(url_for("account.show", did="password_tokens" if tokens_too else "password"), 303)
    g.pop("fresh_cookie", None)
    access.give_cookie(answer, cookie)
    return answer


@blueprint.post("/account/sign-ins/end")
def end_others() -> Response:
    """End all sign-ins but this one."""
    here = context()
    with Session(here.engine) as session, session.begin():
        users.end_other_sign_ins(session, _my_id(), _cookie(), here.clock())
    return redirect(url_for("account.show", did="ended"), 303)


@blueprint.post("/language")
def speak() -> Response:
    """Have this browser's pages in a language; what a user chose for the account goes before it."""
    chosen = user_forms.language(request.form.get("language", ""))
    answer = redirect(access.own_path(request.form.get("next", "")) or url_for("sign_in.form"), 303)
    if chosen:
        answer.set_cookie(COOKIE, chosen, max_age=A_YEAR, secure=access.is_https(), httponly=True, samesite="Lax")
    return answer
