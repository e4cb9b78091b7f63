"""What becomes of readings of attendance activities, and of joins of meetings, beside what staff do here."""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import presences, sessions
from records.actor import CLI, SYSTEM
from records.models import Account, Community, Presence, SessionChange, SessionRow, uuid7
from records.presences import NewPresence
from records.session_checks import Draft
from tests.golden import case as golden
from tests.support.house import House
from tests.support.lab import NAMESPACE

ATTENDANCE, BBB = 109, 21
START = 1_795_294_585
AT = 1_795_295_224.5
AMARA, HAO, LATE, GUEST = 6, 7, 8, 999


def entry(user: int, status: str = "P", points: float | None = 2, *, listed: bool = True) -> dict[str, Any]:
    return {"user": user, "status": status, "points": points, "listed": listed}


def theirs(
    number: int, *log: dict[str, Any], start: int = START, title: str = "", seconds: int = 3600
) -> dict[str, Any]:
    return {"id": number, "starts_at": start, "seconds": seconds, "title": title, "group": 0, "log": list(log)}


class Told:
    """A house that is told what an attendance activity holds, each time a little later."""

    def __init__(self, house: House) -> None:
        self.house, self._later = house, count()
        golden.given(house, {"students": {2: "6-10"}})

    def read(self, *held: dict[str, Any], at: float | None = None) -> None:
        reading = {"kind": "attendance", "read_at": at or AT + next(self._later), "course": 2, "module": ATTENDANCE}
        assert self.house.post(readings=[reading | {"sessions": list(held)}]) == [("accepted", None)]
        self.house.work()

    def judged_again(self, held: dict[str, Any], at: float) -> bool:
        """Whether what another way said of somebody is looked at anew after a reading."""
        (row,) = self.rows()
        with Session(self.house.engine) as session, session.begin():
            hao = session.scalars(select(Account.id).where(Account.moodle_user_id == HAO)).one()
            said = NewPresence(row.id, hao, Way.ROSTER, 0)
            presences.add(session, [said], by=CLI, correlation_id=uuid7())
        self.house.work()
        wanted = select(Presence.folded_at).where(Presence.way == str(Way.ROSTER))
        with Session(self.house.engine) as session:
            before = session.scalars(wanted).one()
        self.read(held, at=at)
        with Session(self.house.engine) as session:
            return session.scalars(wanted).one() != before

    def rows(self) -> list[SessionRow]:
        with Session(self.house.engine, expire_on_commit=False) as session:
            return list(session.scalars(select(SessionRow).order_by(SessionRow.created_at, SessionRow.id)))

    def credits(self) -> dict[str, int]:
        """Minutes by `code/user`."""
        net = self.house.books()["net"]
        return {key: part["minutes"] for of_member in net.values() for key, part in of_member.items()}

    def plan(self, code: str, start: int, module: int) -> UUID:
        """Somebody plans a session here and ties it to an activity."""
        with Session(self.house.engine) as session, session.begin():
            community = session.scalars(select(Community.id).where(Community.region == "BAY")).one()
            draft = Draft(
                title="Planned by hand",
                code=code,
                starts_at=datetime.fromtimestamp(start, UTC),
                timezone="America/Los_Angeles",
                mode="face_to_face",
                planned_minutes=45,
            )
            found = sessions.make(session, community, draft, CLI, self.house.now)
            tie = {"module_site_id": self.house.site_id, "module_id": module}
            session.execute(update(SessionRow).where(SessionRow.id == found).values(**tie))
        return found

    def change(self, session_id: UUID, **values: Any) -> None:
        """Somebody changes a session here, whatever it was."""
        with Session(self.house.engine) as session, session.begin():
            session.execute(update(SessionRow).where(SessionRow.id == session_id).values(**values))


@pytest.fixture
def told(house: House) -> Told:
    return Told(house)


def test_the_latest_reading_stands_and_what_staff_change_stays(told: Told) -> None:
    told.read(theirs(1, entry(AMARA), entry(HAO, "A", 0), entry(LATE, "L", 1), title="One"), at=AT + 100)
    assert told.credits() == {"attendance-1/6": 60, "attendance-1/8": 60}
    told.read(theirs(1, entry(AMARA, "A", 0), title="Older"), theirs(2, entry(HAO)), at=AT)
    assert [row.title for row in told.rows()] == ["One"], "an older reading says nothing any more"
    assert told.credits() == {"attendance-1/6": 60, "attendance-1/8": 60}

    (row,) = told.rows()
    assert told.judged_again(theirs(1, entry(AMARA), seconds=7200, title="One"), at=AT + 150)
    told.read(theirs(1, entry(AMARA), title="One"), at=AT + 160)
    told.change(row.id, title="A better title", planned_minutes=50)
    told.read(theirs(1, entry(AMARA), title="One"), at=AT + 200)
    assert [(r.title, r.planned_minutes) for r in told.rows()] == [("A better title", 50)]
    assert told.credits() == {"attendance-1/6": 50}, "whoever isn't in the log was not recorded"
    told.read(theirs(1, entry(AMARA), title="One, renamed"), at=AT + 300)
    assert [(r.title, r.planned_minutes) for r in told.rows()] == [("One, renamed", 50)]

    told.read(at=AT + 400)
    assert told.rows()[0].cancelled_at is not None
    assert told.credits() == {}
    told.change(row.id, cancelled_at=None)
    told.read(at=AT + 500)
    assert told.rows()[0].cancelled_at is None, "somebody restored it here"
    told.change(row.id, cancelled_at=told.house.now)
    told.read(theirs(1, entry(AMARA), title="One, renamed"), at=AT + 600)
    assert told.rows()[0].cancelled_at is None, "it is there again"
    assert told.credits() == {"attendance-1/6": 50}
    assert told.house.differences() == []


def test_who_is_nobody_here_and_what_a_status_no_longer_says(told: Told) -> None:
    with Session(told.house.engine) as session, session.begin():
        gone = session.scalars(select(Account).where(Account.moodle_user_id == 10)).one()
        gone_id = gone.id
    told.read(theirs(1, entry(AMARA), entry(GUEST, listed=False), entry(10), entry(9, "A", 0)))
    assert told.credits() == {"attendance-1/6": 60, "attendance-1/10": 60}
    with Session(told.house.engine) as session, session.begin():
        assert GUEST not in session.scalars(select(Account.moodle_user_id)).all()
        # What erasing somebody does to the account.
        session.execute(update(Account).where(Account.id == gone_id).values(moodle_user_id=-77))
    told.read(theirs(1, entry(AMARA, "", None), entry(9, "", None)))
    assert set(told.credits().values()) == {60}
    assert len(told.credits()) == 2, "a hidden status stays as it was, and so does an erased person"
    told.read(theirs(1))
    assert told.credits() == {"attendance-1/-77": 60}


@pytest.mark.parametrize("start", [START, START + 7200])
def test_a_session_planned_by_hand_and_tied_is_the_activitys(told: Told, start: int) -> None:
    """It is: where both begin together, or where the activity has no other one."""
    told.read(theirs(1, entry(AMARA)))
    planned = told.plan("by-hand", start, ATTENDANCE)
    told.read(theirs(1, entry(AMARA)))
    rows = {row.code: row for row in told.rows()}
    assert rows["by-hand"].source_id == 1
    assert rows["attendance-1"].cancelled_at is not None, "the one that was read is that one"
    assert told.credits() == {"by-hand/6": 45}
    told.read(theirs(1, entry(AMARA), start=START + 86_400), theirs(2, entry(HAO), start=START + 10))
    assert told.credits() == {"by-hand/6": 45, "attendance-2/7": 60}, "it stays that one when it is moved"
    with Session(told.house.engine) as session:
        actors = session.scalars(select(SessionChange.actor).where(SessionChange.session_id == planned)).all()
    assert actors == ["cli"], "the session of the staff is theirs alone"
    told.read(theirs(2, entry(HAO), start=START + 10))
    assert told.credits() == {"attendance-2/7": 60}, "when its session is gone, it isn't the next best"
    assert told.house.differences() == []


def test_nobody_guesses_between_several(told: Told) -> None:
    told.plan("by-hand", START + 600, ATTENDANCE)
    told.read(theirs(1, entry(AMARA)), theirs(2, entry(HAO), start=START + 7200))
    assert [row.code for row in told.rows()] == ["by-hand", "attendance-1", "attendance-2"]
    assert told.credits() == {"attendance-1/6": 60, "attendance-2/7": 60}


def join(house: House, user: int, at: int, times: int = 1) -> None:
    (event,) = golden.recorded("events/mod_bigbluebuttonbn.meeting_joined")
    data = event | {"userid": str(user), "timecreated": at}
    for turn in range(times):
        found = {"id": str(uuid5(NAMESPACE, f"{user}/{at}/{turn}")), "sequence": turn, "data": data}
        assert house.post([found]) == [("accepted", None)]
    house.work()


def test_a_join_counts_for_the_session_that_is_tied(told: Told) -> None:
    house = told.house
    join(house, AMARA, START)
    planned = told.plan("call", START, BBB)
    for user, at in ((AMARA, START - 3600), (HAO, START - 3601), (LATE, START + 45 * 60 + 3600), (9, START + 6301)):
        join(house, user, at, times=2)
    with Session(house.engine) as session:
        held = session.execute(
            select(Account.moodle_user_id, Presence.way, Presence.intervals).join(
                Account, Account.id == Presence.account_id
            )
        ).all()
    assert {user: pairs for user, _, pairs in held} == {
        AMARA: [[datetime.fromtimestamp(START - 3600, UTC).isoformat(), None]],
        LATE: [[datetime.fromtimestamp(START + 6300, UTC).isoformat(), None]],
    }, "an hour before the beginning, and until an hour after the end; each join once"
    assert {way for _, way, _ in held} == {"bigbluebutton"}
    assert told.credits() == {}, "nobody knows how long they stayed"

    with Session(house.engine) as session, session.begin():
        account = session.scalars(select(Account.id).where(Account.moodle_user_id == AMARA)).one()
        said = NewPresence(planned, account, Way.ROSTER, minutes=45)
        presences.add(session, [said], by=SYSTEM, correlation_id=uuid7())
    # BigBlueButton's own completion, set by Moodle's task for whoever attended: `overrideby` 2, worth 120 minutes.
    row = {"kind": "completion", "read_at": AT, "module": BBB, "course": 2, "user": AMARA, "present": True, "state": 1}
    house.post(readings=[row | {"timemodified": START, "overrideby": 2}])
    house.work()
    assert sum(told.credits().values()) == 120, "the better of both, once"
    assert house.differences() == []
