"""The sandbox's web pages and its web-service endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from sandbox import view, webservice
from sandbox.actions import ActionRefusedError, Done
from sandbox.faults import Fault
from sandbox.site import Site
from sandbox.term import Term

Action = Callable[[int, int], Done]

WEBSERVICE = "/webservice/rest/server.php"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def create_app(site: Site, term: Term, secret_key: str) -> Flask:
    """The application of one site."""
    app = Flask(__name__)
    app.secret_key = secret_key
    app.config.update(MAX_CONTENT_LENGTH=1_000_000, SESSION_COOKIE_SAMESITE="Strict")
    app.config.update(SESSION_COOKIE_NAME="sandbox")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["clock"] = _clock
    app.before_request(lambda: _guard(site))
    app.after_request(_headers)
    app.register_error_handler(HTTPException, _sorry)
    _add_reading(app, site, term)
    _add_doing(app, site, term)
    _add_untold(app, site)
    _add_webservice(app, site)
    return app


def _guard(site: Site) -> None:
    """Only this page changes the site: another one's forms, or another name that leads here, are
    refused. Web services are let through, their token is their proof."""
    host = urlsplit(f"//{request.host}").hostname or ""
    if host not in ("127.0.0.1", "localhost", "::1", urlsplit(site.wwwroot).hostname):
        abort(403, "This page is called by another name.")
    if request.method != "POST" or request.path == WEBSERVICE:
        return
    origin = request.headers.get("Origin")
    elsewhere = origin is not None and urlsplit(origin).netloc != request.host
    if elsewhere or request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        abort(403, "A change can only be asked for on this page itself.")


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _sorry(error: HTTPException) -> tuple[str, int]:
    return render_template("error.html", error=error), error.code or 500


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%d %b %H:%M:%S UTC")


def _add_reading(app: Flask, site: Site, term: Term) -> None:
    def shown() -> dict[str, Any]:
        return {
            "sending": view.sending(site),
            "term": term.progress,
            "waiting_words": view.waiting_words,
            "term_words": view.term_words,
        }

    app.context_processor(shown)

    @app.get("/healthz")
    def healthz() -> dict[str, Any]:
        return {"status": "ok", "waiting": view.sending(site).waiting}

    @app.get("/")
    def home() -> str:
        return render_template("home.html", courses=view.courses(site), people=view.people(site))

    @app.get("/course/<int:course>/as/<int:user>")
    def course(course: int, user: int) -> str:
        found = view.course_page(site, course, user)
        if found is None:
            abort(404, "There is no such course or person.")
        return render_template("course.html", page=found)

    @app.get("/state.json")
    def state() -> dict[str, Any]:
        return view.live(site, term.progress)


def _add_doing(app: Flask, site: Site, term: Term) -> None:
    act = site.act
    activity_actions: dict[str, Action] = {
        "complete": act.complete,
        "undo": act.undo,
        "fail": lambda user, module: act.attempt_quiz(user, module, passes=False),
        "override": lambda user, module: act.override(user, module, complete=True),
    }
    course_actions: dict[str, Action] = {
        "leave": act.leave,
        "enrol": act.enrol,
        "suspend": act.suspend,
        "resume": act.resume,
    }

    @app.post("/course/<int:course>/as/<int:user>/<action>")
    def enrolment(course: int, user: int, action: str) -> AnyResponse:
        _do(course_actions.get(action), user, course)
        return redirect(url_for("course", course=course, user=user), 303)

    @app.post("/course/<int:course>/as/<int:user>/activity/<int:module>/<action>")
    def activity(course: int, user: int, module: int, action: str) -> AnyResponse:
        _do(activity_actions.get(action), user, module)
        back = url_for("course", course=course, user=user)
        return redirect(f"{back}#module-{module}", 303)

    @app.post("/term")
    def play() -> AnyResponse:
        started = term.start()
        flash("The term is being played." if started else "A term is being played already.", "done")
        return redirect(url_for("home"), 303)

    @app.post("/sync")
    def sync() -> AnyResponse:
        if site.sender is not None:
            site.sender.sync_everything()
        flash("Everything that the site holds will be sent.", "done")
        return redirect(url_for("home"), 303)


def _add_untold(app: Flask, site: Site) -> None:
    silent = site.silent

    def first(course: int, modname: str) -> int:
        sql = "SELECT id FROM course_modules WHERE course = ? AND modname = ? AND completion = 2 ORDER BY id"
        rows = site.rows(sql, course, modname)
        if not rows:
            raise ActionRefusedError("The course has no activity of this kind.")
        return int(rows[0]["id"])

    def grade(course: int) -> Done:
        return silent.grade_in_bulk(first(course, "assign"), dict.fromkeys(site.participants(course), 8.0))

    actions: dict[str, Callable[[int], Done]] = {
        "grade": grade,
        "unlock": lambda course: silent.unlock(first(course, "page")),
        "reset": silent.reset,
        "copy": lambda course: silent.duplicate(course)[1],
    }

    @app.post("/course/<int:course>/untold/<action>")
    def untold(course: int, action: str) -> AnyResponse:
        chosen = actions.get(action)
        _do(None if chosen is None else lambda _, thing: chosen(thing), 0, course)
        return redirect(url_for("home"), 303)


def _do(action: Action | None, user: int, thing: int) -> None:
    """Act, and keep for the next page what came of it."""
    if action is None:
        abort(404)
    try:
        flash(view.told(action(user, thing)), "done")
    except ActionRefusedError as err:
        flash(str(err), "error")
    except LookupError:
        abort(404, "There is no such course, activity or person.")


def _answer(site: Site, form: dict[str, str], refused: Fault | None = None) -> Any:
    try:
        if refused is not None:
            raise webservice.MoodleError("core\\exception\\moodle_exception", refused.errorcode, refused.errorcode)
        return webservice.call(site, form)
    except webservice.MoodleError as err:
        return err.payload


def _add_webservice(app: Flask, site: Site) -> None:
    @app.route(WEBSERVICE, methods=["GET", "POST"])
    def rest() -> Response:
        form = request.values.to_dict()
        fault = site.faults.take(form.get("wsfunction", ""))
        if fault is not None and not fault.errorcode:
            if fault.after:
                site.gate.serve(form, lambda: _answer(site, form))
            site.faults.suffer(fault)
            return Response(b"", 500, mimetype="text/html")
        answer = site.gate.serve(form, lambda: _answer(site, form, fault))
        if form.get("moodlewsrestformat") == "json":
            response = Response(json.dumps(answer), mimetype="application/json")
        else:
            response = Response(webservice.to_xml(answer), mimetype="application/xml")
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response
