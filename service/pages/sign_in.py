"""Sign-in, sign-out, and the one-time links that set a password."""

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records import users
from service import access, wording
from service.context import context
from service.i18n import _

blueprint = Blueprint("sign_in", __name__)
Page = str | tuple[str, int] | Response


@blueprint.get("/sign-in")
def form() -> Page:
    """The sign-in form."""
    return render_template("sign_in.html", wanted=_wanted())


@blueprint.post("/sign-in")
def submit() -> Page:
    """Sign in and go on to the page that was asked for."""
    here = context()
    email, password = request.form.get("email", ""), request.form.get("password", "")
    with Session(here.engine) as database, database.begin():
        token = users.sign_in(database, email, password, now=here.clock(), hours=here.settings.sign_in_hours)
    if token is None:
        fault = _("The e-mail address or the password is wrong.")
        return render_template("sign_in.html", wanted=_wanted(), email=email, fault=fault), 401
    return _begin(token, _wanted())


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the sign-in, on the server too."""
    here = context()
    name = access.cookie_name()
    with Session(here.engine) as database, database.begin():
        users.sign_out(database, request.cookies.get(name, ""), here.clock())
    session.clear()
    g.pop("signed_in", None)
    answer = redirect(url_for("sign_in.form"), 303)
    answer.delete_cookie(name, path="/", secure=access.is_https(), httponly=True, samesite="Lax")
    return answer


@blueprint.get("/set-up/<token>")
def setup_form(token: str) -> Page:
    """The form that sets a password. Looking at it uses nothing up: mail scanners look at links."""
    here = context()
    with Session(here.engine) as database:
        email = users.setup_email(database, token, here.clock())
    return _setup_page(token, email)


@blueprint.post("/set-up/<token>")
def setup_submit(token: str) -> Page:
    """Set the password and sign in."""
    here = context()
    now = here.clock()
    password = request.form.get("password", "")
    with Session(here.engine) as database, database.begin():
        email = users.setup_email(database, token, now)
        if email and password != request.form.get("repeated", ""):
            return _setup_page(token, email, "differs")
        try:
            user_id = users.use_setup_link(database, token, password, now)
        except users.WeakPassword as err:
            return _setup_page(token, email, err.reason)
        if user_id is None:
            return _setup_page(token, None)
        cookie = users.begin_sign_in(database, user_id, now=now, hours=here.settings.sign_in_hours)
    return _begin(cookie, url_for("board.show"))


def _setup_page(token: str, email: str | None, reason: str | None = None) -> Page:
    if email is None:
        return render_template("setup_used.html"), 404
    fault = wording.password_fault(reason) if reason else None
    least, most = users.PASSWORD_LENGTH.start, users.PASSWORD_LENGTH.stop - 1
    page = render_template("setup.html", token=token, email=email, fault=fault, least=least, most=most)
    return (page, 400) if fault else page


def _wanted() -> str:
    """The page to go on to: a path of this site, whatever the address or the form says."""
    return access.own_path(request.values.get("next", "")) or url_for("board.show")


def _begin(token: str, address: str) -> Response:
    here = context()
    session.clear()
    answer = redirect(address, 303)
    answer.set_cookie(
        access.cookie_name(),
        token,
        max_age=here.settings.sign_in_hours * 3600,
        path="/",
        secure=access.is_https(),
        httponly=True,
        samesite="Lax",
    )
    return answer
