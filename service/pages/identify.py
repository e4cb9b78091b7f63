"""Who somebody is, as Moodle says: without a password of ours, by the companion plugin's assertion.

The browser is sent to the plugin's page with a state that it alone has, and comes back with an assertion about it.
What a visitor was known as is kept in the browser's signed cookie, for a quarter of an hour.
"""

import secrets
from datetime import timedelta

import structlog
from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.models import Account, Site
from records.secrets import Purpose, active_secrets
from records.sites import SLUG
from service import assertions
from service.context import context
from service.visitors import MOODLE

blueprint = Blueprint("identify", __name__)
log = structlog.get_logger()
KNOWN_FOR = timedelta(minutes=15)
ASKED = "identify"
AFTERWARDS = {"check-in": "arrive.here"}
"""What `next` may ask for: pages of ours, by names, so that no address of anybody else's is ever gone on to."""


@blueprint.get("/identify/<slug>/begin")
def begin(slug: str) -> Response:
    """Ask Moodle who this is; `next` names the page to go on to."""
    state = secrets.token_urlsafe(32)
    address = f"{_site(slug).wwwroot}/local/copbridge/checkin.php?state={state}"
    session[ASKED] = {"site": slug, "state": state, "next": request.args.get("next", "")}
    return redirect(address, 303)


@blueprint.get("/identify/<slug>")
def answer(slug: str) -> str | tuple[str, int] | Response:
    """Take Moodle's answer. Each state is good for one."""
    site = _site(slug)
    asked = session.pop(ASKED, None) or {}
    session.pop(MOODLE, None)
    afterwards = asked.get("next", "")
    here = context()
    with Session(here.engine) as database:
        signing = active_secrets(database, site.id, Purpose.WIRE, here.settings.encryption_key)
        try:
            if asked.get("site") != slug:
                raise assertions.NotAsserted("not asked")
            user = assertions.read(
                request.args.get("assertion", ""),
                site=slug,
                epoch=site.epoch,
                state=asked["state"],
                secrets=signing,
                now=here.clock(),
            )
        except assertions.NotAsserted as err:
            log.info("assertion_refused", site=slug, why=str(err))
            return render_template("identified.html", name=None, slug=slug, afterwards=afterwards), 400
        account = database.scalars(
            select(Account).where(Account.site_id == site.id, Account.moodle_user_id == user)
        ).one_or_none()
        name = f"{account.firstname} {account.lastname}".strip() if account else ""
    session[MOODLE] = {"site": slug, "user": user, "until": (here.clock() + KNOWN_FOR).timestamp()}
    if afterwards in AFTERWARDS:
        return redirect(url_for(AFTERWARDS[afterwards]), 303)
    return render_template("identified.html", name=name, slug=slug, site=site.name)


def _site(slug: str) -> Site:
    if not SLUG.fullmatch(slug):
        abort(404)
    with Session(context().engine) as database:
        site = database.scalars(select(Site).where(Site.slug == slug)).one_or_none()
        if site is None:
            abort(404)
        database.expunge(site)
    return site
