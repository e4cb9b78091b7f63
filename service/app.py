"""The web application: intake, pages, health; made once for each web process."""

import secrets
import traceback
from http import HTTPStatus
from pathlib import Path

import structlog
from flask import Flask, Response, g, render_template, request, url_for
from flask_bootstrap import Bootstrap5
from flask_openapi.openapi import OpenAPI
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as WerkzeugResponse

from jobs.runtime import connect_redis, utcnow
from records.database import is_unreachable, make_engine
from records.settings import Settings
from service import access, i18n, limits, navigation, wording
from service.api import document, problems
from service.context import EXTENSION, Context
from service.gate import Gate
from service.intake import register_intake
from service.pages.all import PAGES

log = structlog.get_logger()
Answered = tuple[str, int] | WerkzeugResponse
RETRY_AFTER_SECONDS = 30
DEEPEST = 6
"""How many of the innermost frames of an error are logged."""
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What no page of ours asks a browser for, none shall get.
    "Permissions-Policy": ", ".join(
        f"{feature}=()" for feature in ("camera", "microphone", "geolocation", "payment", "usb")
    ),
}
HTTPS_ONLY = "max-age=31536000"
"""For a year, where it was reached by https once; for this host alone: the others of its domain aren't ours."""
CACHED = frozenset({"static", "bootstrap.static", "assets.htmx"})
"""Files of ours: they hold nobody's data and may be kept by browsers."""
ASKED_AGAIN = frozenset({"calendars.feed"})
"""May be kept by who got them, and are asked for again each time, with what was kept."""


def create_app(settings: Settings) -> Flask:
    """The application with all its routes. Raises UnsafeDatabase for a database that could lose the ledger.

    A database that can't be reached yet is no error: requests are answered 503 until it can.
    """
    # Flask as it is, which also collects what the API documents; its own pages are off.
    app = OpenAPI(__name__, **document.configured())
    https = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SESSION_COOKIE_NAME="__Host-copbridge-form" if https else "copbridge-form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        WTF_CSRF_TIME_LIMIT=settings.sign_in_hours * 3600,
        # Behind a proxy that speaks https, requests themselves look like http.
        WTF_CSRF_SSL_STRICT=False,
        BOOTSTRAP_SERVE_LOCAL=True,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    engine = make_engine(settings.database_url)
    app.extensions[EXTENSION] = Context(settings, engine, connect_redis(settings), utcnow)
    gate = Gate(engine)
    try:
        gate.check()
    finally:
        # The web server may fork after this: no connection is handed down.
        engine.dispose()
    i18n.install(app, settings.page_language)
    app.jinja_env.globals.update(wording.HELPERS, places=navigation.places)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _register(app)
    _answer_errors(app)
    _keep_shut(app, gate)
    limits.install(app, settings)
    limits.warn_of_untrusted_proxy(app, settings)
    access.guard(app)
    app.after_request(_add_headers)
    return app


def _register(app: OpenAPI) -> None:
    Bootstrap5(app)
    register_intake(app)
    for module in PAGES:
        app.register_blueprint(module.blueprint)
    document.put_on(app)


def _keep_shut(app: Flask, gate: Gate) -> None:
    @app.before_request
    def shut() -> Answered | None:
        if request.endpoint in CACHED or gate.is_open():
            return None
        reference = _new_reference()
        log.warning("page_shut", endpoint=request.endpoint, reference=reference)
        return error_page(503, reference=reference)


def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if access.is_https():
        response.headers["Strict-Transport-Security"] = HTTPS_ONLY
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers.setdefault("Retry-After", str(limits.retry_after()))
    if request.endpoint not in CACHED:
        again = request.endpoint in ASKED_AGAIN or (problems.asked() and "ETag" in response.headers)
        response.headers["Cache-Control"] = "private, no-cache" if again else "no-store"
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    if response.status_code == HTTPStatus.UNAUTHORIZED and "HX-Request" in request.headers:
        # The sign-in ended while the page was open: loading it again leads to the sign-in and back.
        response.headers["HX-Refresh"] = "true"
    return response


def error_page(status: int, err: HTTPException | None = None, reference: str = "") -> Answered:
    """The page for an error, in plain words; of the API a problem. `reference`: by which IT finds it in the log."""
    if problems.asked():
        return problems.of_status(status, err)
    title, text = wording.error(status)
    who = getattr(g, "signed_in", None)
    # Signed out while a form was open: after the sign-in it is asked for again.
    form = access.page_before() if status == HTTPStatus.UNAUTHORIZED and request.method == "POST" else ""
    # Nothing on it may be asked of a database that is perhaps what broke.
    told = {"broken": status >= HTTPStatus.INTERNAL_SERVER_ERROR, "reference": reference, "back": _back(status)}
    page = render_template("error.html", title=title, text=text, status=status, who=who, form=form, **told)
    return page, status


def _new_reference() -> str:
    return secrets.token_hex(4)


def _back(status: int) -> str | None:
    """Where a file that is too large was chosen, if that can be told."""
    if status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE or request.endpoint != "imports.upload":
        return None
    return url_for("imports.form", session=request.args.get("session"), **(request.view_args or {}))


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def refused(err: HTTPException) -> Answered | HTTPException:
        # A redirect is no error; so is an answer that some view made by itself.
        if err.response is not None or err.code is None or err.code < HTTPStatus.BAD_REQUEST:
            return err
        return error_page(err.code, err)

    @app.errorhandler(problems.Refusal)
    def refused_by_api(err: problems.Refusal) -> Answered:
        return problems.of_refusal(err)

    @app.errorhandler(CSRFError)
    def stale_form(err: CSRFError) -> Answered:
        log.info("form_token_refused", endpoint=request.endpoint)
        return error_page(int(err.code or HTTPStatus.BAD_REQUEST))

    @app.errorhandler(DBAPIError)
    def database(err: DBAPIError) -> Answered:
        if not is_unreachable(err):
            return failed(err)
        reference = _new_reference()
        log.warning("page_database_unreachable", endpoint=request.endpoint, reference=reference)
        return error_page(503, reference=reference)

    @app.errorhandler(Exception)
    def failed(err: Exception) -> Answered:
        # The message of an error may quote what somebody typed: its type and place have to do.
        original = err.original_exception if isinstance(err, InternalServerError) else err
        told = {"error": type(original).__name__, "at": _place(original), "reference": _new_reference()}
        log.error("page_failed", endpoint=request.endpoint, **told)
        return error_page(500, reference=str(told["reference"]))


def _place(err: BaseException | None) -> list[str]:
    frames = traceback.extract_tb(err.__traceback__)[-DEEPEST:] if err else []
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
