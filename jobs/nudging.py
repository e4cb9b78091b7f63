"""Sends messages to participants: as messages of Moodle's, or by e-mail. One at a time, claimed before it goes."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs import mailing
from jobs.letters import Letter, Writer
from jobs.sites import Reachable, gently, with_tokens
from jobs.sweep.run import Connect
from moodle_client import Function, MoodleClient, MoodleError, Reason
from records import nudges, opt_outs
from records.nudge_recipients import Channel
from records.nudges import Claimed
from records.settings import Settings

log = structlog.get_logger()
SECONDS = 20.0
"""A turn: a worker has other things to do, too."""
HTML_FORMAT = 1
LONGEST = 4_096
"""Bytes that Moodle takes."""


class NotSent(Exception):
    """A message certainly didn't go out. `code` is one of ours; `permanent`: trying again doesn't help."""

    def __init__(self, code: str, *, permanent: bool) -> None:
        super().__init__(code)
        self.code = code
        self.permanent = permanent


class MaybeSent(Exception):
    """Nobody knows whether a message went out."""


@dataclass(frozen=True, slots=True)
class Post:
    """What sending needs."""

    engine: Engine
    settings: Settings
    write: Writer
    clock: Callable[[], datetime]
    connect: Connect = MoodleClient


def turn(post: Post, seconds: float = SECONDS) -> int:
    """Send for a while what is due. Returns how many messages were dealt with."""
    began, done = time.monotonic(), 0
    with Session(post.engine) as session:
        batches = nudges.due(session, post.clock())
    with _Ways(post) as ways:
        for nudge_id in batches:
            while time.monotonic() - began < seconds and _one(post, ways, nudge_id):
                done += 1
            with Session(post.engine) as session, session.begin():
                if nudges.finish(session, nudge_id, post.clock()):
                    log.info("nudge_done", nudge=str(nudge_id))
    return done


def _one(post: Post, ways: "_Ways", nudge_id: UUID) -> bool:
    """Deal with the next message of a batch; False where none is ready."""
    with Session(post.engine) as session, session.begin():
        claimed = nudges.claim(session, nudge_id, post.settings.nudge_again_days, post.clock())
    if not isinstance(claimed, Claimed):
        return claimed is not None
    code, over = "", False
    try:
        _send(post, ways, claimed)
    except NotSent as err:
        code = err.code
        with Session(post.engine) as session, session.begin():
            over = nudges.failed(session, claimed, err.code, permanent=err.permanent)
    except MaybeSent:
        code = nudges.UNKNOWN
        with Session(post.engine) as session, session.begin():
            nudges.nobody_knows(session, claimed.id)
    else:
        with Session(post.engine) as session, session.begin():
            nudges.went_out(session, claimed.id, post.clock())
    if code:
        log.warning("nudge_not_sent", nudge=str(nudge_id), message=str(claimed.id), code=code, given_up=over)
    return True


def _send(post: Post, ways: "_Ways", claimed: Claimed) -> None:
    """Raises NotSent and MaybeSent."""
    settings = post.settings
    stop = opt_outs.address_of(settings.public_url, settings.secret_key, claimed.to.person_id)
    letter = post.write(claimed.to, claimed.text, claimed.contact, stop)
    if claimed.text.channel is Channel.MAIL:
        _mail(settings, ways, claimed, letter, stop)
    else:
        _moodle(ways, claimed, letter)


def _mail(settings: Settings, ways: "_Ways", claimed: Claimed, letter: Letter, stop: str) -> None:
    if ways.no_mail:
        raise NotSent(ways.no_mail.code, permanent=False)
    sender = parseaddr(settings.smtp_sender or "")[1]
    headers = {
        # RFC 8058: the mail program's own button posts to it, and nothing is asked.
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        # The same for each attempt: of two that arrive, a mail program shows one.
        "Message-ID": f"<{claimed.id}@{sender.rpartition('@')[2] or 'copbridge.invalid'}>",
    }
    if claimed.reply_to:
        headers["Reply-To"] = claimed.reply_to
    try:
        mailing.deliver(settings, claimed.to.email, letter.subject, letter.text, headers=headers)
    except mailing.Undelivered as err:
        trouble = NotSent(f"mail_{err.code}", permanent=err.permanent)
        if err.everyone:
            ways.no_mail = trouble
        raise trouble from err


def _moodle(ways: "_Ways", claimed: Claimed, letter: Letter) -> None:
    user, text = claimed.to.moodle_user, letter.html
    if claimed.to.site_id is None or not user:
        raise NotSent("no_address", permanent=True)
    if len(text.encode()) > LONGEST:
        raise NotSent("too_long", permanent=True)
    moodle = ways.of(claimed.to.site_id)
    row = {"touserid": user, "text": text, "textformat": HTML_FORMAT, "clientmsgid": claimed.id.hex}
    try:
        told = moodle.send_instant_messages([row]).data
    except MoodleError as err:
        if err.outcome_unknown and err.errorcode not in NEVER_ARRIVED:
            raise MaybeSent from err
        raise _refusal(err) from err
    if not told or not told[0].sent:
        # Why, Moodle says in a sentence of the site's language: gone, blocked, or not to be written to by strangers.
        raise NotSent("moodle_refused", permanent=True)


NEVER_ARRIVED = frozenset({"ConnectTimeout"})
"""What nobody was connected for can't have been sent."""


def _refusal(err: MoodleError) -> NotSent:
    if err.errorcode == "disabled":
        return NotSent("moodle_disabled", permanent=True)
    if err.reason in (Reason.NO_PERMISSION, Reason.NO_ACCESS, Reason.INVALID_TOKEN):
        return NotSent("moodle_not_allowed", permanent=True)
    return NotSent("moodle_unreachable" if not err.permanent else "moodle_failed", permanent=err.permanent)


class _Ways:
    """What messages go by in one turn. What turned out to be no way for anybody isn't tried for the next one."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._stack = ExitStack()
        self._sites: dict[UUID, Reachable] | None = None
        self._clients: dict[UUID, MoodleClient | NotSent] = {}
        self.no_mail: NotSent | None = None

    def __enter__(self) -> "_Ways":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, site_id: UUID) -> MoodleClient:
        """The client of a site that can be sent by. Raises NotSent."""
        if site_id not in self._clients:
            try:
                self._clients[site_id] = self._opened(site_id)
            except NotSent as err:
                self._clients[site_id] = err
        found = self._clients[site_id]
        if isinstance(found, NotSent):
            raise NotSent(found.code, permanent=found.permanent)
        return found

    def _opened(self, site_id: UUID) -> MoodleClient:
        settings = self._post.settings
        if self._sites is None:
            self._sites = {site.id: site for site in with_tokens(self._post.engine, settings)}
        site = self._sites.get(site_id)
        if site is None:
            raise NotSent("moodle_no_token", permanent=True)
        client = self._stack.enter_context(self._post.connect(site.wwwroot, site.token, pace=gently(settings)))
        try:
            about = client.site_info().data
        except MoodleError as err:
            raise _refusal(err) from err
        if not about.has(Function.SEND_INSTANT_MESSAGES):
            raise NotSent("moodle_no_function", permanent=True)
        return client
