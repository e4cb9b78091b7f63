"""Have a provisioned course be the community that it was made for, before the first person enters."""

import threading
from datetime import timedelta
from uuid import UUID

from jobs import process
from jobs.provision.house import House
from jobs.provision.plan import InTheWay, Problem
from jobs.sweep.items import store
from mappings.provision_wanted import WantedCourse
from records.adopting import Wanted, decide
from records.adoptions import Status, waiting
from records.continuing import places_of
from records.deciding import By

PATIENCE = timedelta(seconds=60)
"""So long a worker may have the course's readings in its hands."""
LOOK_SECONDS = 0.5
REASON = "Provisioned as a community of its own"


def community_of(house: House, course: int) -> UUID | None:
    """The community that a course is; None: none."""
    with house.transaction() as session:
        held = places_of(session, (house.site_id, course)).get(0)
        return held[0] if held else None


def become_community(house: House, wanted: WantedCourse, course: int) -> UUID:
    """Make the course known, and let it in as a community of its own where it is a copy of one. Returns the community.
    Raises MoodleError, InTheWay where the records take it for none."""
    known = community_of(house, course)
    if known is not None:
        return known
    readings = house.moodle.get_course_map(course).data.readings
    with house.transaction() as session:
        store(session, house.site_id, readings)
    until, pause = house.clock() + PATIENCE, threading.Event()
    while True:
        process.drain(house.engine, house.encryption_key)
        with house.transaction() as session:
            key = (house.site_id, course)
            if waiting(session, [key]):
                by = By(house.actor, house.role, REASON, house.clock())
                decide(session, key, Wanted(Status.NEW_COMMUNITY), by)
            held = places_of(session, key).get(0)
        if held:
            return held[0]
        if house.clock() > until:
            raise InTheWay(Problem.NOT_READ_BACK, what="community", about=wanted.idnumber)
        # A worker has the readings in its hands.
        pause.wait(LOOK_SECONDS)
