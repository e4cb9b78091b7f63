"""Invitations: who is new gets a link to set a password, by mail where mail is sent from here."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records import granting, users
from records.actor import Actor, Grant
from records.granting import Fault, GrantError
from records.models import User
from records.queries.users import places
from records.settings import Settings
from service import mail_words, user_words
from service.i18n import speaking
from service.links import setup_link, sign_in_page
from service.user_forms import Newcomer


@dataclass(frozen=True, slots=True)
class Invited:
    """A user who may set a password. `mailed`: the link is on its way; else it is for who invites to hand over."""

    user_id: UUID
    link: str = field(repr=False)
    hours: int
    mailed: bool


def send_link(
    session: Session, settings: Settings, actor: Actor, user_id: UUID, now: datetime, *, by_mail: bool = True
) -> Invited:
    """A new link for somebody; earlier ones stop working. Raises users.UnknownUser."""
    hours = settings.setup_link_hours
    link = setup_link(settings, users.make_setup_link(session, actor, user_id, now=now, hours=hours))
    mailed = False
    if by_mail:
        user = session.execute(select(User.name, User.language).where(User.id == user_id)).one()
        with speaking(user.language):
            letter = mail_words.invitation(user.name, link, hours)
        mailed = mail_words.post(session, settings, user_id, letter)
    return Invited(user_id, link, hours, mailed)


def tell_granted(session: Session, settings: Settings, user_id: UUID, grant: Grant) -> None:
    """Tell somebody who signs in already of a new role."""
    user = session.execute(select(User.name, User.language).where(User.id == user_id)).one()
    with speaking(user.language):
        words = user_words.grant(grant, places(session, [grant]))
        letter = mail_words.granted(user.name, words, sign_in_page(settings))
    mail_words.post(session, settings, user_id, letter)


def invite(
    session: Session, settings: Settings, actor: Actor, person: Newcomer, grant: Grant, now: datetime
) -> tuple[UUID, Invited | None]:
    """Give somebody a role that the caller knows to be the actor's to give: who has an account gets it there and is
    told by mail; who is new is invited. Raises GrantError.

    Returns the user's id, and the invitation of who is new.
    """
    known = users.find_user(session, person.email)
    if known is not None:
        granting.add(session, actor, known, grant)
        tell_granted(session, settings, known, grant)
        return known, None
    try:
        made = users.create_user(session, actor, person.email, person.name, [grant], language=person.language)
    except users.UserExists as err:
        raise GrantError(Fault.THERE) from err
    return made, send_link(session, settings, actor, made, now)
