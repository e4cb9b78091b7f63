"""Sign-in, sign-out, and the one-time links that set a password."""

import structlog
from flask import Blueprint, g, redirect, render_template, request, session, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import identities, lockout, passwords, sign_ins, users
from service import access, limits, mail_words, wording
from service.context import context
from service.i18n import _

log = structlog.get_logger()
blueprint = Blueprint("sign_in", __name__)
Page = str | tuple[str, int] | Response


@blueprint.get("/sign-in")
def form() -> Page:
    """The sign-in form."""
    return _form()


@blueprint.post("/sign-in")
def submit() -> Page:
    """Sign in and go on to the page that was asked for.

    Whatever stands in the way, the same words: they tell nobody which addresses have an account.
    """
    here = context()
    now, hours = here.clock(), here.settings.sign_in_hours
    email, password = request.form.get("email", ""), request.form.get("password", "")
    with Session(here.engine) as database, database.begin():
        tried = lockout.begin(database, here.settings.secret_key, email, limits.network(), now)
    with Session(here.engine) as database, database.begin():
        token = sign_ins.sign_in(database, email, password, now=now, hours=hours, locked=tried.locked is not None)
        if token:
            lockout.succeeded(database, tried)
        elif tried.begins:
            lockout.tell(database, tried, users.find_user(database, email.replace("\x00", " ")))
    if token is None:
        if tried.begins:
            log.warning("sign_in_locked", of=str(tried.begins))
        fault = _(
            "That didn't work. The e-mail address or the password is wrong, or it was tried too often: then it is"
            " locked for up to an hour."
        )
        return _form(email, fault)
    return go_on(token, _wanted())


def _form(email: str = "", fault: str = "") -> Page:
    with Session(context().engine) as database:
        providers = identities.active_providers(database)
    page = render_template("sign_in.html", wanted=_wanted(), email=email, fault=fault, providers=providers)
    return (page, 401) if fault else page


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the sign-in, on the server too."""
    here = context()
    with Session(here.engine) as database, database.begin():
        sign_ins.sign_out(database, request.cookies.get(access.cookie_name(), ""), here.clock())
    session.clear()
    g.pop("signed_in", None)
    answer = redirect(url_for("sign_in.form"), 303)
    access.take_cookie(answer)
    return answer


@blueprint.get("/set-up/<token>")
def setup_form(token: str) -> Page:
    """The form that sets a password. Looking at it uses nothing up: mail scanners look at links."""
    here = context()
    with Session(here.engine) as database:
        email = users.setup_email(database, token, here.clock())
        return _setup_page(database, token, email)


@blueprint.post("/set-up/<token>")
def setup_submit(token: str) -> Page:
    """Set the password and sign in."""
    here = context()
    now = here.clock()
    password = request.form.get("password", "")
    with Session(here.engine) as database, database.begin():
        email = users.setup_email(database, token, now)
        if email and password != request.form.get("repeated", ""):
            return _setup_page(database, token, email, "differs")
        replaced, held = users.replaces_password(database, token, now), users.tokens_at_stake(database, token, now)
        try:
            user_id = users.use_setup_link(database, token, password, now)
        except passwords.WeakPassword as err:
            return _setup_page(database, token, email, err.reason)
        if user_id is None:
            return _setup_page(database, token, None)
        # Whoever has the link has shown who he or she is: wrong passwords before don't matter any more.
        lockout.lift(database, here.settings.secret_key, email or "")
        if replaced:
            mail_words.tell_changed(database, here.settings, user_id, held)
        cookie = sign_ins.begin(database, user_id, "setup_link", now=now, hours=here.settings.sign_in_hours)
    wake(here.redis, QueueName.MAIL)
    return go_on(cookie, url_for("board.show"))


def _setup_page(database: Session, token: str, email: str | None, reason: str | None = None) -> Page:
    if email is None:
        return render_template("setup_used.html"), 404
    fault = wording.password_fault(reason) if reason else None
    least, most = passwords.PASSWORD_LENGTH.start, passwords.PASSWORD_LENGTH.stop - 1
    held = users.tokens_at_stake(database, token, context().clock())
    page = render_template(
        "setup.html", token=token, email=email, fault=fault, least=least, most=most, tokens_held=held
    )
    return (page, 400) if fault else page


def _wanted() -> str:
    """The page to go on to: a path of this site, whatever the address or the form says."""
    return access.own_path(request.values.get("next", "")) or url_for("board.show")


def go_on(token: str, address: str) -> Response:
    """Signed in: on to a page of this site, with a new cookie; the browser's former sign-in ends."""
    here = context()
    with Session(here.engine) as database, database.begin():
        sign_ins.sign_out(database, request.cookies.get(access.cookie_name(), ""), here.clock())
    session.clear()
    answer = redirect(address, 303)
    access.give_cookie(answer, token)
    return answer
