"""Hands mail to the SMTP server, or writes it into a folder while there is none."""

import os
import smtplib
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import mail
from records.settings import Settings

log = structlog.get_logger()
TIMEOUT_SECONDS = 20
AT_ONCE = 20
"""Mails a turn: a worker has other things to do, too."""
NAME = "CoP Bridge"
NONE: Mapping[str, str] = MappingProxyType({})
PERMANENT = 500
"""SMTP's answers from here on say that trying again doesn't help."""


class Undelivered(Exception):
    """A mail didn't go out. `code` is ours and never what a server said; `permanent`: trying again doesn't help;
    `everyone`: nobody's mail would go out now."""

    def __init__(self, code: str, *, permanent: bool, everyone: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.permanent = permanent
        self.everyone = everyone


def deliver(settings: Settings, address: str, subject: str, text: str, *, headers: Mapping[str, str] = NONE) -> None:
    """Hand one mail of plain text over. Raises Undelivered."""
    message = _message(settings, address, subject, text, headers)
    if settings.smtp_host:
        _send(settings, settings.smtp_host, message)
    elif settings.mail_folder:
        _write(settings.mail_folder, message)
    else:
        raise Undelivered("no_way", permanent=False, everyone=True)


def _message(settings: Settings, address: str, subject: str, text: str, headers: Mapping[str, str]) -> EmailMessage:
    sender = settings.smtp_sender or "copbridge@localhost.localdomain"
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(NAME, addr_spec=sender)
        message["To"] = Address(addr_spec=address)
        # A line break would begin another header.
        message["Subject"] = " ".join(subject.split())
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = headers.get("Message-ID") or make_msgid(domain=sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        for name, value in headers.items():
            if name not in message:
                message[name] = value
    except (ValueError, IndexError, MessageError, HeaderParseError) as err:
        raise Undelivered("bad_address", permanent=True) from err
    message.set_content(text)
    return message


def _send(settings: Settings, host: str, message: EmailMessage) -> None:
    try:
        with _connected(settings, host) as server:
            server.send_message(message)
    except smtplib.SMTPAuthenticationError as err:
        raise Undelivered("login_refused", permanent=False, everyone=True) from err
    except smtplib.SMTPRecipientsRefused as err:
        worst = max((code for code, _ in err.recipients.values()), default=0)
        raise Undelivered("address_refused", permanent=worst >= PERMANENT) from err
    except smtplib.SMTPSenderRefused as err:
        raise Undelivered("sender_refused", permanent=False, everyone=True) from err
    except smtplib.SMTPDataError as err:
        raise Undelivered("mail_refused", permanent=err.smtp_code >= PERMANENT) from err
    except smtplib.SMTPNotSupportedError as err:
        # An address in letters that the server doesn't take.
        raise Undelivered("bad_address", permanent=True) from err
    except ssl.SSLError as err:
        raise Undelivered("tls_failed", permanent=False, everyone=True) from err
    except (smtplib.SMTPException, OSError) as err:
        raise Undelivered("unreachable", permanent=False, everyone=True) from err


def _connected(settings: Settings, host: str) -> smtplib.SMTP:
    """A connection that is as safe as the settings ask, and logged in."""
    safely = ssl.create_default_context()
    server: smtplib.SMTP
    if settings.smtp_security == "tls":
        server = smtplib.SMTP_SSL(host, settings.smtp_port, timeout=TIMEOUT_SECONDS, context=safely)
    else:
        server = smtplib.SMTP(host, settings.smtp_port, timeout=TIMEOUT_SECONDS)
    try:
        if settings.smtp_security == "starttls":
            # A server that doesn't offer it raises SMTPNotSupportedError: nothing was said in clear by then.
            server.starttls(context=safely)
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    except smtplib.SMTPNotSupportedError as err:
        server.close()
        raise Undelivered("not_supported", permanent=False, everyone=True) from err
    except BaseException:
        server.close()
        raise
    return server


def _write(folder: Path, message: EmailMessage) -> None:
    """One file a mail, for its owner's eyes: a link in it signs somebody in."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:8]}.eml"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
    except OSError as err:
        raise Undelivered("folder", permanent=False, everyone=True) from err


def send_due(engine: Engine, settings: Settings) -> int:
    """Send what is due, each mail claimed by a commit of its own; how many were sent.

    Where nobody's mail goes out, one is tried and the others stay due: 0.
    """
    done = 0
    for _ in range(AT_ONCE):
        with Session(engine) as session, session.begin():
            claimed = mail.claim(session, settings.encryption_key)
        if claimed is None:
            break
        trouble = _try(settings, claimed)
        with Session(engine) as session, session.begin():
            if trouble is None:
                mail.sent(session, claimed)
                log.info("mail_sent", mail=str(claimed.id), kind=claimed.kind)
                done += 1
            else:
                over = mail.failed(session, claimed, trouble.code, permanent=trouble.permanent)
                log.warning("mail_failed", mail=str(claimed.id), kind=claimed.kind, code=trouble.code, given_up=over)
        if trouble is not None and trouble.everyone:
            return 0
    return done


def _try(settings: Settings, claimed: mail.Claimed) -> Undelivered | None:
    # The same for each attempt: of two that arrive, a mail program shows one.
    sender = settings.smtp_sender or ""
    headers = {"Message-ID": f"<{claimed.id}@{sender.rpartition('@')[2] or 'copbridge.invalid'}>"}
    try:
        deliver(settings, claimed.address, claimed.subject, claimed.text, headers=headers)
    except Undelivered as err:
        return err
    return None
