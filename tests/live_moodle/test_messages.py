"""Messages to participants on a real site: each arrives in Moodle's own messages, exactly once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.nudging import Post, turn
from moodle_client import MoodleClient
from records import nudges, opt_outs
from records.actor import Actor, Grant, Role
from records.models import Account, Membership, NudgeMessage, uuid7
from records.nudge_recipients import Channel
from records.nudges import Order, Template, Text
from records.queries.filters import PeopleFilter
from service.nudge_words import write
from tests.live_moodle.given import Given
from tests.live_moodle.world import LiveCourse, World

WHAT = "messages to participants"
STAFF = Actor(None, "staff", (Grant(Role.STAFF),))
BODY = "Hello {first_name} <b>& all</b>,\nyou have {hours}. {link}"


class Mailbox:
    """What the participants of a course have in Moodle from the account of the token."""

    def __init__(self, given: Given, sender: int, course: LiveCourse) -> None:
        self.given, self.sender, self.course = given, sender, course

    def do(self, what: str) -> Any:
        told = self.given.run_php(WHAT, "messages.php", do=what, user=self.sender, course=self.course.id)
        return json.loads(told.splitlines()[-1])

    def got(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for row in self.do("sent"):
            found.setdefault(int(row["userid"]), []).append(row["fullmessagehtml"])
        return found


@pytest.fixture
def mailbox(given: Given, moodle: MoodleClient, course: LiveCourse) -> Iterator[Mailbox]:
    made = Mailbox(given, moodle.site_info().data.userid, course)
    made.do("grant")
    try:
        yield made
    finally:
        made.do("revoke")


def test_a_message_arrives_once(world: World, course: LiveCourse, role: str, mailbox: Mailbox) -> None:
    world.connect(role)
    world.first_sweep(course.id)
    people = course.people[:3]
    with Session(world.engine) as session, session.begin():
        rows = session.execute(
            select(Account.moodle_user_id, Account.person_id, Membership.id)
            .join(Membership, Membership.person_id == Account.person_id)
            .where(Account.moodle_user_id.in_(people))
        )
        of = {row.moodle_user_id: row for row in rows}
        opt_outs.say(session, opt_outs.PARTICIPANT, of[people[2]].person_id, stands=True)
        text = Text(Channel.MOODLE, Template.OWN, "en", "Hours", BODY)
        whom = PeopleFilter(memberships=frozenset(row.id for row in of.values()))
        nudges.order(session, STAFF, Order(uuid7(), text, whom, 3, 7), datetime.now(UTC))

    def later() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=2)

    post = Post(world.engine, world.settings, write, later)
    assert turn(post) == 2
    assert turn(post) == 0
    got = mailbox.got()
    assert {user: len(texts) for user, texts in got.items()} == dict.fromkeys(people[:2], 1)
    (html,) = got[people[0]]
    assert html.startswith("Hello Live &lt;b&gt;&amp; all&lt;/b&gt;,<br>you have ")
    assert f'{world.given.url}/course/view.php?id={course.id}"' in html
    with Session(world.engine) as session:
        became = sorted(session.execute(select(NudgeMessage.status, NudgeMessage.reason)).all())
    assert [tuple(row) for row in became] == [("sent", ""), ("sent", ""), ("skipped", "opted_out")]

    mailbox.do("revoke")
    refused = Order(uuid7(), text, PeopleFilter(memberships=frozenset([of[people[0]].id])), 1, 0)
    with Session(world.engine) as session, session.begin():
        nudges.order(session, STAFF, refused, datetime.now(UTC))
    assert turn(Post(world.engine, world.settings.model_copy(update={"nudge_again_days": 0}), write, later)) == 1
    with Session(world.engine) as session:
        codes = session.scalars(select(NudgeMessage.reason).where(NudgeMessage.status == "failed")).all()
    assert set(codes) <= {"moodle_not_allowed", "moodle_refused"}
    assert len(codes) == 1, "the account may not write to people any more"
    assert mailbox.got() == got
