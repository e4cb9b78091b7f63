"""Mails to those who sign in: written in the reader's language, plain text, with what to do if it wasn't them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records import mail
from records.mail import Kind
from records.models import User
from records.settings import Settings
from service.i18n import _, ngettext, speaking
from service.links import sign_in_page


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's words. Its text may hold a one-time link, and stays out of any repr."""

    kind: Kind
    subject: str
    text: str = field(repr=False)


def _letter(kind: Kind, name: str, subject: str, paragraphs: Sequence[str]) -> Letter:
    greeting = _("Dear %(name)s,", name=name) if name else _("Hello,")
    return Letter(kind, subject, "\n\n".join((greeting, *paragraphs, _("CoP Bridge"))) + "\n")


def _within(hours: int) -> str:
    return ngettext("It can be used once, within an hour.", "It can be used once, within %(n)s hours.", hours)


def invitation(name: str, link: str, hours: int) -> Letter:
    """Somebody may sign in from now on, or gets a new link because the one before wasn't used."""
    paragraphs = (
        _("you are invited to CoP Bridge, where the hours of Communities of Practice are looked after."),
        _("Set your password here, and you are signed in:") + f"\n{link}",
        _within(hours) + " " + _("If it is too late by then, ask whoever invited you for a new one."),
        _("If you don't know what this is about, do nothing: without the password nobody gets in."),
    )
    return _letter(Kind.INVITATION, name, _("Your invitation to CoP Bridge"), paragraphs)


def reset(name: str, link: str, hours: int, tokens: int = 0) -> Letter:
    """Somebody, perhaps the user, has forgotten the password; `tokens`: how many of the API setting it would end."""
    ends = _("It ends all your sign-ins, on every device.")
    if tokens:
        ends += " " + ngettext(
            "It also ends your token of the API: the program that uses it needs a new one.",
            "It also ends your %(n)s tokens of the API: the programs that use them need new ones.",
            tokens,
        )
    paragraphs = (
        _("somebody, probably you, asked for a new password for CoP Bridge. Set it here:") + f"\n{link}",
        _within(hours) + " " + ends,
        _("If it wasn't you, do nothing: your password stays as it is."),
    )
    return _letter(Kind.RESET, name, _("A new password for CoP Bridge"), paragraphs)


def changed(name: str, address: str, tokens: int = 0) -> Letter:
    """The password was changed; `address`: of the sign-in page; `tokens`: how many of the API ended by it."""
    ended = (
        ngettext(
            "Your token of the API has ended, too: make a new one for the program that used it.",
            "Your %(n)s tokens of the API have ended, too: make new ones for the programs that used them.",
            tokens,
        ),
    )
    paragraphs = (
        _("your password for CoP Bridge was changed just now, and all sign-ins with the old one have ended."),
        *(ended if tokens else ()),
        _("If it wasn't you, ask for a new password at once, and tell whoever looks after CoP Bridge:")
        + f"\n{address}",
    )
    return _letter(Kind.CHANGED, name, _("Your password for CoP Bridge was changed"), paragraphs)


def granted(name: str, role: str, address: str) -> Letter:
    """Somebody who is known has a new role, told in words; `address`: of the sign-in page."""
    paragraphs = (
        _("you have a new role in CoP Bridge: %(role)s", role=role),
        _("You sign in as before:") + f"\n{address}",
    )
    return _letter(Kind.GRANTED, name, _("A new role for you in CoP Bridge"), paragraphs)


def post(session: Session, settings: Settings, user_id: UUID, letter: Letter) -> bool:
    """Queue a mail; False where none is sent from here. Wake QueueName.MAIL after the commit."""
    if not settings.sends_mail:
        return False
    mail.post(session, user_id, letter.kind, letter.subject, letter.text, settings.encryption_key)
    return True


def tell_changed(session: Session, settings: Settings, user_id: UUID, tokens: int) -> bool:
    """Tell a user by mail that the password was changed, and that so many tokens of the API ended; False where no mail
    is sent from here."""
    user = session.execute(select(User.name, User.language).where(User.id == user_id)).one()
    with speaking(user.language):
        letter = changed(user.name, sign_in_page(settings), tokens)
    return post(session, settings, user_id, letter)
