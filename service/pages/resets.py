"""Forgotten passwords: a mail with a one-time link, and the same answer for everybody who asks."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import structlog
from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import api_tokens, mail, users
from records.actor import SYSTEM
from records.mail import Kind
from records.models import User
from service import mail_words
from service.context import Context, context
from service.i18n import language_now, speaking
from service.links import setup_link

blueprint = Blueprint("resets", __name__)
log = structlog.get_logger()
A_DAY = 3
"""So many links a day are mailed to one address, however often somebody asks."""


@blueprint.get("/forgotten")
def form() -> str:
    """Where to ask for a new password; `asked`: it was asked for."""
    settings = context().settings
    return render_template(
        "forgotten.html",
        asked="asked" in request.args,
        mails=settings.sends_mail,
        hours=settings.reset_link_hours,
        mailed=bool(settings.smtp_host),
    )


@blueprint.post("/forgotten")
def ask() -> Response:
    """Have a link mailed to an address that somebody signs in with.

    Whose address it is, is looked up once the answer is out: neither what it says nor how long it took tells who has
    an account here.
    """
    here, address, spoken = context(), request.form.get("email", ""), language_now()
    answer = redirect(url_for("resets.form", asked=1), 303)
    # A thread of its own, for the next request may wait behind this one.
    answer.call_on_close(lambda: later().submit(_afterwards, here, address, spoken))
    return answer


@cache
def later() -> ThreadPoolExecutor:
    """What is done when the answers are out, one thing after the other."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="resets")


def _afterwards(here: Context, address: str, spoken: str) -> None:
    try:
        with speaking(spoken):
            _mail(here, address)
    except Exception as err:  # noqa: BLE001 - nobody is there to be told any more; who waits for the mail asks again
        log.error("reset_failed", error=type(err).__name__)


def _mail(here: Context, address: str) -> None:
    if not here.settings.sends_mail:
        return
    with Session(here.engine) as session, session.begin():
        user = session.scalars(
            select(User).where(func.lower(User.email) == address.strip().lower(), User.active).with_for_update()
        ).one_or_none()
        if user is None:
            return
        if mail.posted_within_a_day(session, user.id, Kind.RESET) >= A_DAY:
            log.info("reset_limit_reached", user=str(user.id))
            return
        hours = here.settings.reset_link_hours
        # By nobody who is known: an invitation that is still open stays so.
        token = users.make_setup_link(session, SYSTEM, user.id, now=here.clock(), hours=hours, ends_earlier=False)
        held = api_tokens.held(session, user.id, here.clock())
        with speaking(user.language):
            letter = mail_words.reset(user.name, setup_link(here.settings, token), hours, held)
        mail_words.post(session, here.settings, user.id, letter)
    wake(here.redis, QueueName.MAIL)
