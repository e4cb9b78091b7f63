"""Close a term: its courses are hidden, and its file is done with them."""

from collections.abc import Iterator
from dataclasses import dataclass

from jobs.provision import writing
from jobs.provision.house import House
from jobs.provision.reading import read_setup
from records import provisioning


@dataclass(frozen=True, slots=True)
class Closing:
    """A course of a term that is over."""

    key: str
    course: int
    shortname: str
    participants: int
    visible: bool


def closings(house: House) -> list[Closing]:
    """The courses that are to be closed. It reads, and writes nothing. Raises MoodleError, InTheWay."""
    with house.transaction() as session:
        records = provisioning.courses_of(session, house.code)
    found = []
    for key, row in records.items():
        if row.course_id is None or row.stage == "closed":
            continue
        setup = read_setup(house.moodle, row.course_id)
        if setup is not None:
            course = setup.course
            found.append(Closing(key, course.id, course.shortname, setup.participants, course.visible))
    return found


def close(house: House, found: list[Closing]) -> Iterator[Closing]:
    """Hide them, one after the other; each is told when it is done. Hours, people and activities stay as they are.
    Raises MoodleError."""
    for one in found:
        if one.visible:
            writing.write_visible(house.moodle, one.course, visible=False)
        with house.transaction() as session:
            provisioning.got_to(session, house.code, one.key, "closed")
        yield one
