"""Messages to participants: who gets one, what it says, that it goes once, and how somebody gets no more."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from jobs.nudging import Post, turn
from moodle_client import Function, MoodleClient
from records import models, nudges, opt_outs
from records.actor import Grant, Role, Scope
from records.models import AuditEntry, Nudge, NudgeMessage, OptOut, SessionRow, StandingRow, uuid7
from records.settings import Settings
from service.nudge_words import write
from service.pages.nudge_form import begun
from tests.support import seed
from tests.support.fake_moodle import Refused
from tests.support.office import Office
from tests.support.seed import LA, Seeded, membership
from tests.support.web import application

BEHIND = {13: "Mei", 14: "Priya", 15: "Jonah"}


@pytest.fixture
def office(engine: Engine, settings: Settings, seeded: Seeded, tmp_path: Path) -> Iterator[Office]:
    mine = settings.model_copy(update={"mail_folder": tmp_path / "mail"})
    with Session(engine) as session, session.begin():
        mine_behind = [membership(engine, seeded, user) for user in BEHIND]
        session.execute(update(StandingRow).where(StandingRow.membership_id.in_(mine_behind)).values(status="behind"))
    with application(mine) as app, app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.STAFF)])
        yield Office(engine, seeded, mine, client)


def test_from_the_form_to_the_mail(office: Office) -> None:
    query = "region=BAY&status=behind"
    assert "3 people in communities match." in office.page(f"/messages/new?{query}")
    wrong = office.post(f"/messages/preview?{query}", 400, **office.typed(body="Hello {vorname}"))
    assert "Nothing is known to fill in {vorname} with" in wrong
    assert "Hello {vorname}</textarea>" in wrong
    looked = office.post(f"/messages/preview?{query}", 200, **office.typed())
    assert "3 people get this message" in looked
    for name in BEHIND.values():
        assert f"Hello {name}, " in looked
    changed = office.post(f"/messages/preview?{query}", 200, **office.typed(body="Hi {name}"), edit="1")
    assert "Hi {name}</textarea>" in changed
    form = uuid7()
    sent = office.send(query, form)
    assert office.send(query, form) == sent, "the same form twice"
    assert office.work(timedelta(0)) == 0, "it can still be called off"
    assert "Call it off" in office.page(f"/messages/{sent}")
    assert office.work() == 3
    assert office.work() == 0
    assert (office.status(sent), office.became(sent)) == ("done", dict.fromkeys(BEHIND, ("sent", "")))
    assert len(office.mails()) == 3
    (to_mei,) = [mail for mail in office.mails() if "Mei" in mail.get_content()]
    assert re.fullmatch(r"Hours in .+, .*Bay Area", to_mei["Subject"])
    assert "robin@example.org" in to_mei["Reply-To"]
    assert to_mei["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stop = opt_outs.address_of(office.settings.public_url, office.settings.secret_key, office.seeded.persons[13])
    assert to_mei["List-Unsubscribe"].strip() == f"<{stop}>"
    assert stop in to_mei.get_content()
    assert "https://moodle.example.org/course/view.php?id=2" in to_mei.get_content()
    shown = office.page(f"/messages/{sent}")
    assert "Mei Tanaka" in shown
    assert str(sent) in office.page("/messages")
    titles = [office.page(page) for page in ("/messages", f"/messages/{sent}")]
    titles.append(office.page(f"/people/{office.seeded.persons[13]}/messages"))
    for page in titles:
        assert re.search("<bdi>Hours in .+, .*Bay Area</bdi>", page)
    for page in titles[1:]:
        assert "Written to a file" in page
    for page in (looked, changed, titles[1]):
        assert "Mails are written to files" in page
    with Session(office.engine) as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.subject == str(sent))).all()
        nudge = session.get_one(Nudge, sent)
    assert [one.action for one in told] == ["nudge.ordered"]
    assert not re.search("Mei|Tanaka|@", f"{[one.after for one in told]} {nudge.asked}")
    again = office.post(f"/messages/preview?{query}", 200, **office.typed())
    assert "Was written to a short while ago" in again
    assert "0 people get this message" in again


def test_who_is_left_out_and_why(office: Office) -> None:
    outside = uuid7()
    query = f"{office.ticked(11, 13, 14, 17, 21)}&membership={outside}"
    with Session(office.engine) as session, session.begin():
        opt_outs.say(session, opt_outs.PARTICIPANT, office.seeded.persons[14], stands=True)
    looked = office.post(f"/messages/preview?{query}", 200, **office.typed())
    assert "1 person gets this message" in looked
    reasons = ("Has met it meanwhile", "Wants no messages", "Has left the community", "t a participant", "Not there")
    for words in reasons:
        assert words in looked
    more = office.post(f"/messages?{query}", 409, **office.typed(), form=str(uuid7()), shown="0")
    assert "More people than you were shown" in more
    sent = office.send(query)
    assert office.became(sent)[13] == ("waiting", "")
    assert office.became(sent)[14] == ("skipped", "opted_out")
    with Session(office.engine) as session, session.begin():
        mine = membership(office.engine, office.seeded, 13)
        session.execute(update(StandingRow).where(StandingRow.membership_id == mine).values(status="met"))
    office.work()
    assert (office.became(sent)[13], office.status(sent)) == (("skipped", "met"), "done")
    assert office.mails() == []
    nobody = office.post(f"/messages?{query}", 409, **office.typed(), form=str(uuid7()), shown="5")
    assert "Nobody would get this message" in nobody
    assert office.client.get("/messages/new?membership=nonsense").status_code == 404
    assert "Nobody matches." in office.page("/messages/new?membership="), "nobody was ticked"
    assert office.post(f"/messages?{query}", 400, **office.typed(), form="x", shown="5")


def test_called_off(office: Office) -> None:
    sent = office.send("region=BAY&status=behind")
    office.post(f"/messages/{sent}/call-off", 303)
    assert office.work() == 0
    assert set(office.became(sent).values()) == {("skipped", "called_off")}
    assert "It was called off" in office.page(f"/messages/{sent}")
    assert "fault=over" in office.post(f"/messages/{sent}/call-off", 303)
    assert office.mails() == []
    # Whoever was called off wasn't written to.
    office.send("region=BAY&status=behind")
    assert office.work() == 3


def test_in_moodle(office: Office) -> None:
    office.connect()
    query = office.ticked(13, 14, 15)
    with Session(office.engine) as session, session.begin():
        opt_outs.say(session, opt_outs.PARTICIPANT, office.seeded.persons[15], stands=True)
    sent = office.send(query, channel="moodle", body="A <b>note</b> for {name}:\n{missing_list}\n{link}")
    office.work()
    assert office.became(sent) == {13: ("sent", ""), 14: ("sent", ""), 15: ("skipped", "opted_out")}
    assert sorted(user for user, _ in office.got) == [13, 14]
    text = dict(office.got)[13]
    assert text.startswith("A &lt;b&gt;note&lt;/b&gt; for Mei Tanaka:<br>- ")
    assert '<a href="https://moodle.example.org/course/view.php?id=2">' in text
    assert "/stop/" in text
    assert office.work(timedelta(hours=3)) == 0
    assert len(office.got) == 2


def test_what_moodle_refuses_and_what_is_tried_again(office: Office) -> None:
    office.connect()
    answers = office.moodle.answers
    sent = office.send(office.ticked(13), channel="moodle")
    info = answers[Function.SITE_INFO]
    office.moodle.refuse(Function.SITE_INFO, "sitemaintenance")
    assert _hasty(office) == 1
    assert office.became(sent)[13] == ("waiting", "moodle_unreachable")
    answers[Function.SITE_INFO] = info
    assert _hasty(office, timedelta(seconds=90)) == 0, "not before a while"
    assert _hasty(office, timedelta(seconds=150)) == 1
    assert office.became(sent)[13] == ("sent", "")

    answers[Function.SEND_INSTANT_MESSAGES] = [{"msgid": -1, "errormessage": "You can't message this user"}]
    refused = office.send(office.ticked(14), channel="moodle")
    _hasty(office)
    assert office.became(refused)[14] == ("failed", "moodle_refused")
    assert "has blocked the account" in office.page(f"/messages/{refused}")
    office.moodle.refuse(Function.SEND_INSTANT_MESSAGES, "disabled")
    office.post(f"/messages/{refused}/again", 303)
    _hasty(office)
    assert office.became(refused)[14] == ("failed", "moodle_disabled")
    del office.moodle.functions[Function.SEND_INSTANT_MESSAGES]
    office.post(f"/messages/{refused}/again", 303)
    _hasty(office)
    assert office.became(refused)[14] == ("failed", "moodle_no_function")
    assert len(office.got) == 1


def _hasty(office: Office, ahead: timedelta = nudges.GRACE + timedelta(seconds=1)) -> int:
    """A worker whose client tries once: its own tries, which wait, are its own tests' business."""
    office.ahead = ahead
    with office.moodle.serving():
        return turn(Post(office.engine, office.settings, write, office.now, partial(MoodleClient, tries=1)))


def test_a_worker_that_died_sends_nothing_twice(office: Office) -> None:
    office.connect()

    class Killed(BaseException):
        pass

    def die(params: dict[str, str]) -> Any:
        office.take(params)
        raise Killed

    office.moodle.answers[Function.SEND_INSTANT_MESSAGES] = die
    sent = office.send(office.ticked(13), channel="moodle")
    with pytest.raises(Killed):
        office.work()
    office.moodle.answers[Function.SEND_INSTANT_MESSAGES] = office.take
    assert office.work() == 0
    assert office.work(timedelta(hours=1)) == 0
    assert (office.became(sent)[13], office.status(sent)) == (("sending", ""), "done")
    assert len(office.got) == 1, "it did go out"
    with Session(office.engine) as session, session.begin():
        session.execute(update(NudgeMessage).values(tried_at=datetime.now(UTC) - timedelta(hours=1)))
    assert "Unknown whether it went out" in office.page(f"/messages/{sent}")
    office.post(f"/messages/{sent}/again", 303)
    assert office.work() == 1
    assert (office.became(sent)[13], len(office.got)) == (("sent", ""), 2), "staff said so"


def test_no_answer_is_nothing_to_try_again(office: Office) -> None:
    office.connect()

    def fail(_: dict[str, str]) -> Any:
        raise Refused("dmlwriteexception")

    office.moodle.answers[Function.SEND_INSTANT_MESSAGES] = fail
    sent = office.send(office.ticked(13), channel="moodle")
    office.work()
    assert office.became(sent)[13] == ("sending", nudges.UNKNOWN)
    office.moodle.answers[Function.SEND_INSTANT_MESSAGES] = office.take
    assert office.work(timedelta(hours=5)) == 0
    assert office.got == []


def test_again_at_once_where_the_setting_says_so(office: Office) -> None:
    office.settings.nudge_again_days = 0
    for _ in range(2):
        office.send(office.ticked(13))
        assert office.work() == 1


def test_scope(office: Office) -> None:
    sent = office.send("region=BAY&status=behind")
    office.client.delete_cookie("copbridge")
    la = Grant(Role.FACILITATOR, Scope.COMMUNITY, str(office.seeded.communities[LA]))
    seed.sign_in(office.client, office.engine, [la], "teo@example.org")
    assert str(sent) not in office.page("/messages")
    office.page(f"/messages/{sent}", 404)
    for act in ("call-off", "again"):
        office.post(f"/messages/{sent}/{act}", 404)
    looked = office.post(f"/messages/preview?{office.ticked(13)}", 200, **office.typed())
    assert "0 people get this message" in looked
    assert "Mei" not in looked
    office.post(f"/people/{office.seeded.persons[13]}/messages", 404, wants="none", note="Asked")
    assert office.status(sent) == "due"


def test_nothing_goes_out_again_to_where_ones_account_reaches_no_more(office: Office) -> None:
    sent = office.send("region=BAY&status=behind")
    with Session(office.engine) as session, session.begin():
        mei = membership(office.engine, office.seeded, 13)
        session.execute(update(NudgeMessage).where(NudgeMessage.membership_id == mei).values(status="failed"))
        values = {"scope_kind": "community", "scope": str(office.seeded.communities[LA])}
        session.execute(update(models.Grant).where(models.Grant.role == "staff").values(values))
    office.post(f"/messages/{sent}/again", 404)
    office.post(f"/messages/{sent}/call-off", 303)
    assert office.status(sent) == "cancelled", "one's own may always be stopped"


def test_the_next_session(office: Office) -> None:
    body = "Next: {next_session}"
    looked = office.post("/messages/preview?community=x", 200, **office.typed(template="upcoming", body=body))
    assert "0 people get this message" in looked
    query = office.ticked(13)
    looked = office.post(f"/messages/preview?{query}", 200, **office.typed(template="upcoming", body=body))
    assert "No session is planned" in looked
    with Session(office.engine) as session, session.begin():
        first = session.scalars(select(SessionRow).order_by(SessionRow.code)).first()
        assert first
        first.starts_at, first.place = datetime.now(UTC) + timedelta(days=3), "Room 4"
    looked = office.post(f"/messages/preview?{query}", 200, **office.typed(template="upcoming", body=body))
    assert "Next: “Face-to-face session 1” on " in looked
    assert "(Room 4)" in looked


def test_opting_out(office: Office) -> None:
    person = office.seeded.persons[13]
    token = opt_outs.token_of(office.settings.secret_key, person)
    with office.client.application.test_client() as participant:
        asked = participant.get(f"/stop/{token}").get_data(as_text=True)
        assert "Send me no more messages" in asked
        with Session(office.engine) as session:
            assert session.get(OptOut, person) is None, "to look is not to say"
        answer = participant.post(f"/stop/{token}", data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert not answer.headers.getlist("Set-Cookie")
        other_token = opt_outs.token_of(office.settings.secret_key, office.seeded.persons[14])
        mailed = participant.post(f"/stop/{other_token}%3E).")
        assert "If the link was whole" in mailed.get_data(as_text=True)
        for strange in ("x", token[:-2] + "AA", opt_outs.token_of(office.settings.secret_key, uuid7())):
            other = participant.post(f"/stop/{strange}")
            same = answer.get_data(as_text=True).replace(token, strange)
            assert (other.status_code, other.get_data(as_text=True)) == (200, same)
            assert participant.get(f"/stop/{strange}").get_data(as_text=True) == asked.replace(token, strange)
    with Session(office.engine) as session:
        both = {person, office.seeded.persons[14]}
        assert {row.person_id for row in session.scalars(select(OptOut))} == both
        assert opt_outs.opted_out(session, office.seeded.persons.values()) == both
    page = f"/people/{person}/messages"
    assert "The person said so by the link in a message." in office.page(page)
    assert "Only the person can take it back" in office.page(page)
    for wants in ("again", "none"):
        # Nor by making it staff's word first.
        assert "Nothing was changed" in office.post(page, 400, wants=wants, note="Asked for it on the phone.")
    with office.client.application.test_client() as participant:
        again = participant.post(f"/stop/{token}", data={"again": "1"}).get_data(as_text=True)
        strange = token[:-2] + "AA"
        assert participant.post(f"/stop/{strange}", data={"again": "1"}).text == again.replace(token, strange)
    office.send(office.ticked(13))
    assert office.work() == 1
    office.post(page, 303, wants="none", note="Not any more.")
    assert "Say why" in office.post(page, 400, wants="again", note=" ")
    office.post(page, 303, wants="again", note="Asked us by phone.")
    assert "Asked us by phone." in office.page(page)
    office.post(page, 303, wants="none", note="Not any more.")
    with office.client.application.test_client() as participant:
        participant.post(f"/stop/{token}")
    office.post(page, 400, wants="again", note="Staff said it first; then the person did.")
    with Session(office.engine) as session:
        acts = session.scalars(select(AuditEntry).where(AuditEntry.action == "opt_out.said").order_by(AuditEntry.id))
        told = [(one.actor == "participant", one.after) for one in acts]
    by_link, by_staff = ((own, {"stands": True}) for own in (True, False))
    lifted = (False, {"stands": False})
    assert told == [by_link, by_link, (True, {"stands": False}), by_staff, lifted, by_staff, by_link]


def test_the_text_fits_whom_it_is_for(office: Office) -> None:
    fitting = {"behind": "behind", "on_pace": "hours", "in_progress": "hours", "above": "finished", "": "hours"}
    for status, template in fitting.items():
        with office.client.application.test_request_context(f"/messages/new?status={status}"):
            assert begun(()).template == template


def test_what_a_message_to_several_communities_is_called(office: Office) -> None:
    here, there = office.ticked(13), office.ticked(31, course=LA)
    sent = office.send(f"{here}&{there}", subject="Hours in {community}")
    assert "<bdi>Behind the pace, 2 communities</bdi>" in office.page("/messages")
    assert "<h1><bdi>Behind the pace, 2 communities</bdi></h1>" in office.page(f"/messages/{sent}")


def test_ready_made_texts_fill_in_all_they_name(office: Office) -> None:
    for template in nudges.Template:
        if template is nudges.Template.OWN:
            continue
        html = office.page(f"/messages/new?{office.ticked(13)}&template={template}&language=es")
        subject = re.search(r'name="subject" value="([^"]+)"', html)
        body = re.search(r'<textarea[^>]* name="body"[^>]*>([^<]+)</textarea>', html)
        assert subject
        assert body
        text = office.typed(template="own", subject=subject[1], body=body[1].replace("{next_session}", ""))
        looked = office.post(f"/messages/preview?{office.ticked(13)}", 200, **text)
        letter = re.search(r'class="letter-text"[^>]*>([^<]+)<', looked)
        assert letter
        assert "{" not in letter[1]
        assert "Mei" in letter[1]
