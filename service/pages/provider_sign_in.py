"""Sign-in with the account of a district: to its provider and back (OpenID Connect).

What an answer is held against is in the browser's signed cookie, for ten minutes, and good for one.
"""

from dataclasses import asdict
from http import HTTPStatus

import structlog
from flask import Blueprint, abort, current_app, redirect, render_template, request, session, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records import identities, sign_ins
from records.models import IdentityProvider
from records.secrets import SecretError, unseal
from service import access, openid
from service.context import context
from service.links import provider_answer
from service.openid import Asked, Client, NotProven, Providers, Unreachable
from service.pages.sign_in import go_on

blueprint = Blueprint("provider_sign_in", __name__)
log = structlog.get_logger()
Page = tuple[str, int] | Response
EXTENSION = "copbridge.openid"
ASKED = "provider"
ASKED_FOR_SECONDS = 600


@blueprint.get("/sign-in/with/<code>")
def begin(code: str) -> Page:
    """Send the browser to the provider."""
    here = context()
    provider = _provider(code)
    try:
        address, asked = openid.ask(_providers(), _client(provider))
    except (Unreachable, SecretError) as err:
        return _unreachable(provider, err)
    wanted = access.own_path(request.args.get("next", ""))
    session[ASKED] = {"code": code, "at": here.clock().timestamp(), "next": wanted, **asdict(asked)}
    return redirect(address, 303)


@blueprint.get("/sign-in/with/<code>/back")
def answer(code: str) -> Page:
    """Take the provider's answer, and sign in whom it means."""
    here = context()
    now = here.clock()
    provider = _provider(code)
    asked = session.pop(ASKED, None) or {}
    if asked.get("code") != code or now.timestamp() - asked["at"] > ASKED_FOR_SECONDS:
        return _refused(provider, "not_asked")
    held = Asked(asked["state"], asked["nonce"], asked["verifier"])
    try:
        claims = openid.answered(_providers(), _client(provider), held, request.args.to_dict(), now.timestamp())
        with Session(here.engine) as database, database.begin():
            user_id = identities.recognise(database, provider, identities.Said.of(claims), now)
            hours = here.settings.sign_in_hours
            token = sign_ins.begin(database, user_id, "provider", now=now, hours=hours)
    except (Unreachable, SecretError) as err:
        return _unreachable(provider, err)
    except NotProven as err:
        return _refused(provider, str(err))
    except identities.NotLinked as err:
        return _refused(provider, err.reason)
    return go_on(token, asked["next"] or url_for("board.show"))


def _provider(code: str) -> IdentityProvider:
    if not identities.CODE.fullmatch(code):
        abort(404)
    with Session(context().engine) as database:
        found = identities.active_provider(database, code)
        if found is None:
            abort(404)
        database.expunge(found)
    return found


def _providers() -> Providers:
    known: Providers = current_app.extensions.setdefault(EXTENSION, Providers())
    return known


def _client(provider: IdentityProvider) -> Client:
    settings = context().settings
    sealed = provider.client_secret
    secret = unseal(sealed, settings.encryption_key) if sealed is not None else None
    return Client(provider.issuer, provider.client_id, secret, provider_answer(settings, provider.code))


def _refused(provider: IdentityProvider, why: str) -> Page:
    """What there is to say: `who` came back from the provider, and isn't let in."""
    log.info("provider_sign_in_refused", provider=provider.code, why=why)
    nobody = why in ("unknown", "inactive", "domain", "unverified", "another")
    page = render_template("provider_refused.html", provider=provider, nobody=nobody)
    return page, HTTPStatus.FORBIDDEN if nobody else HTTPStatus.BAD_REQUEST


def _unreachable(provider: IdentityProvider, err: Exception) -> Page:
    log.warning("provider_unreachable", provider=provider.code, error=type(err).__name__, why=str(err)[:60])
    return render_template("provider_away.html", provider=provider), HTTPStatus.BAD_GATEWAY
