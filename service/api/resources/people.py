"""People: by an exact key, and one with every membership."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.queries import membership_list
from records.queries.membership_list import Found
from service.access import actor
from service.api.answers import reading, shown
from service.api.blueprint import read, write
from service.api.problems import Refusal
from service.api.resources.memberships import Membership, membership_of
from service.api.wire import Given, NoQuery, PersonPath, Told


class Key(Given):
    """What somebody is known by."""

    key: str = Field(
        min_length=1,
        max_length=254,
        pattern=r"\S",
        description="All of an e-mail address, user name, ID number or Moodle user id. It is sent in the body, so that"
        " no address or log holds it.",
    )


class Person(Told):
    """Somebody, with the memberships that the token's user covers."""

    id: UUID
    name: str = Field(description="Empty while Moodle hasn't told it, and of who was erased.")
    erased: bool
    memberships: list[Membership]


class People(Told):
    """Who has a key: one person, or few."""

    items: list[Person]


def _people(session: Session, found: Sequence[Found]) -> list[Person]:
    rows = membership_list.of_people(session, actor(), [each.id for each in found])
    return [
        Person(
            id=each.id,
            name=each.name,
            erased=each.erased,
            memberships=[membership_of(row) for row in rows[each.id]],
        )
        for each in found
    ]


@write("/people/search", People, "people")
def find_people(body: Key) -> Response:
    """Who has exactly this key. It changes nothing."""
    with reading() as session:
        found = membership_list.by_key(session, actor(), body.key)
        people = People(items=_people(session, found))
    return shown(people)


@read("/people/<uuid:person_id>", Person, "people")
def person(path: PersonPath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """One person with every membership."""
    with reading() as session:
        found = membership_list.people(session, actor(), [path.person_id])
        if not found:
            raise Refusal("not-found")
        (answer,) = _people(session, found)
    return shown(answer)
