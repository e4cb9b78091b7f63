"""A session's presence as the completion of its activity in a real Moodle: once, taken back, never over a person's."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.telling_presence import tell
from mappings.attending import Way
from records import presences
from records.actor import CLI, SYSTEM
from records.models import Account, CommunityCourse, SessionRow, Site, uuid7
from records.presences import NewPresence
from records.program_loading import load_version
from tests.live_moodle.plugin import PluginWorld
from tests.live_moodle.throwaway import Throwaway
from tests.live_moodle.world import MINUTES, OURS, PROGRAM, LiveCourse

SWITCHED_ON = """\
write_back: {presence: true}
"""
THERE = 90
ROUNDS = 10


class Meeting:
    """A session that is tied to an activity of the course, and Moodle's completion rows of that activity."""

    def __init__(self, world: PluginWorld, course: int, cm: int) -> None:
        self.world, self.cm = world, cm
        self.id = uuid7()
        with Session(world.engine) as session, session.begin():
            community = session.scalars(
                select(CommunityCourse.community_id).where(CommunityCourse.course_id == course)
            ).one()
            starts = datetime.now(UTC) - timedelta(hours=3)
            row = SessionRow(id=self.id, community_id=community, code="S1", title="Session 1", starts_at=starts)
            row.timezone, row.mode, row.planned_minutes = "America/Los_Angeles", "face_to_face", THERE
            row.module_site_id, row.module_id = world.site, cm
            session.add(row)

    def attend(self, user: int, minutes: int) -> None:
        with Session(self.world.engine) as session, session.begin():
            account = session.scalars(select(Account.id).where(Account.moodle_user_id == user)).one()
            presences.add(session, [NewPresence(self.id, account, Way.FILE, minutes)], by=CLI, correlation_id=uuid7())
            presences.fold(session, presences.due(session))
        self.world.work()

    def tell(self) -> int:
        """One round: Moodle is told, and what it tells in turn is taken in."""
        told = tell(self.world.engine, self.world.settings, datetime.now(UTC))
        self.world.deliver()
        return told

    def rows(self) -> dict[int, tuple[int, int | None, int]]:
        """Moodle's own rows: (state, overrideby, timemodified) by user."""
        table = sql.Identifier(f"{self.world.given.prefix}course_modules_completion")
        query = sql.SQL(
            "SELECT userid, completionstate, overrideby, timemodified FROM {} WHERE coursemoduleid = %s"
        ).format(table)
        with psycopg.connect(self.world.given.database_url) as connection:
            return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query, [self.cm])}


@pytest.mark.parametrize("tracking", ["manual", "automatic"])
def test_presence_is_written_once_and_a_persons_change_stands(
    handed: PluginWorld, course: LiveCourse, throwaway: Throwaway, role: str, tracking: str
) -> None:
    cm = (course.manual if tracking == "manual" else course.automatic)[0]
    text = PROGRAM.format(claim=OURS, role=role.replace("'", "''"), minutes=MINUTES) + SWITCHED_ON
    with Session(handed.engine) as session, session.begin():
        load_version(session, text, "live.yaml", actor=SYSTEM, reason="Presence goes to Moodle")
    handed.work()
    meeting = Meeting(handed, course.id, cm)
    fresh = [user for user in course.people if user not in meeting.rows()]
    there, wrong, undone = fresh[:3]
    before = handed.minutes()
    for user in (there, wrong, undone):
        meeting.attend(user, THERE)
    attended = handed.minutes()
    assert {user: attended[user] - before.get(user, 0) for user in (there, wrong, undone)} == dict.fromkeys(
        (there, wrong, undone), THERE
    )
    assert meeting.tell() == 3
    written = meeting.rows()
    with Session(handed.engine) as session:
        [own] = session.scalars(select(Site.own_users)).one()
    assert {written[user][:2] for user in (there, wrong, undone)} == {(1, own)}
    for _ in range(ROUNDS):
        assert meeting.tell() == 0
    assert meeting.rows() == written
    assert handed.minutes() == attended, "what was written comes back as an event, and earns nothing"
    found = handed.compare(course.id).differences
    assert found == (), found

    throwaway.maker.override_completion(undone, cm, 0)
    meeting.attend(wrong, 0)
    meeting.attend(undone, THERE - 10)
    for _ in range(2):
        meeting.tell()
    states = {user: row[0] for user, row in meeting.rows().items()}
    assert (states[there], states[wrong], states[undone]) == (1, 0, 0)
    after = handed.minutes()
    assert (after[there], after.get(wrong, 0), after[undone]) == (
        attended[there],
        before.get(wrong, 0),
        attended[undone] - 10,
    )
