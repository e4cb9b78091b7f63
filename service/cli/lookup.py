"""Whom a person at the terminal means."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.models import Account, Community, CommunityCourse, MirrorCourse
from records.people import AccountKey
from records.sites import find_site
from service.cli.errors import UserError
from service.cli.output import clean


class UnknownAccount(UserError):
    """No account is known by this site and Moodle user id."""

    def __init__(self, site: str, key: AccountKey) -> None:
        super().__init__(f"The site '{site}' has no account {key[1]} that we know of.")
        self.key = key


def find_person(session: Session, text: str) -> UUID:
    """The person of an id, known or not, or of SITE:MOODLE_ID. Raises UserError."""
    site, _, number = text.rpartition(":")
    if not site:
        try:
            return UUID(text)
        except ValueError as err:
            raise UserError(f"'{clean(text)}' is neither a person's id nor SITE:MOODLE_ID.", code=2) from err
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise UserError(f"'{clean(number)}' is not a Moodle user id.", code=2)
    site_id = find_site(session, site).id
    wanted = (Account.site_id == site_id, Account.moodle_user_id == int(number))
    found = session.scalar(select(Account.person_id).where(*wanted))
    if found is None:
        raise UnknownAccount(site, (site_id, int(number)))
    return found


def find_communities(session: Session, text: str) -> list[UUID]:
    """The communities of an id, or of a course's ID number: several where its groups are some. Raises UserError."""
    try:
        wanted = select(Community.id).where(Community.id == UUID(text))
    except ValueError:
        c, course = CommunityCourse, MirrorCourse
        wanted = (
            select(c.community_id)
            .join(course, (course.site_id == c.site_id) & (course.course_id == c.course_id))
            .where(course.idnumber == text)
            .distinct()
        )
    found = list(session.scalars(wanted))
    if not found:
        raise UserError(f"No community has the id or ID number '{clean(text)}'.")
    return found
