"""The check-in at the facilitator's desk: opening, striking, the end, personal links, and whose session it is."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from mappings.attending import Way
from mappings.intervals import Interval
from records import check_in, presences
from records.actor import CLI, Grant, Role, Scope
from records.check_in import Refusal, Refused, Visitor
from records.models import Account, AuditEntry, uuid7
from records.presences import NewPresence
from records.programs import add_version
from records.settings import Settings
from tests.support import checking_in, seed
from tests.support.checking_in import (
    HERE,
    Clock,
    account_of,
    check_in_as,
    meeting,
    post,
    rows_of,
    said,
    scan,
    with_clock,
)
from tests.support.seed import BAY, Seeded
from tests.support.web import application

AMARA, LUIS, MEI, NEW = 11, 12, 13, 4711


@pytest.fixture
def app(settings: Settings, engine: Engine, seeded: Seeded) -> Iterator[Flask]:
    checking_in.with_plugin(engine, settings, seeded.site)
    with application(settings) as made:
        yield made


@pytest.fixture
def clock(app: Flask) -> Clock:
    return with_clock(app)


@pytest.fixture
def at(engine: Engine, seeded: Seeded, clock: Clock) -> UUID:
    """A session whose check-in is open."""
    return meeting(engine, seeded, clock.now)


def test_a_personal_link_checks_in_and_dies_with_its_account(
    app: Flask, engine: Engine, seeded: Seeded, at: UUID
) -> None:
    client, staff = app.test_client(), app.test_client()
    seed.sign_in(staff, engine, [Grant(Role.STAFF)])
    with Session(engine) as session, session.begin():
        session.execute(update(Account).where(Account.moodle_user_id == LUIS).values(lastname="=HYPERLINK(1)"))
        session.execute(update(Account).where(Account.moodle_user_id == MEI).values(present=False))
    page = staff.get(f"/sessions/{at}/check-in").text
    path = f"/communities/{seeded.communities[BAY]}/personal-links.csv"
    text = post(staff, path, page).get_data().decode("utf-8-sig")
    rows = {row["First name"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["Luis"]["Last name"] == "'=HYPERLINK(1)"
    assert not {"Mei", "Nora", "Teo"} & set(rows), "gone from Moodle, left the community, of another one"
    with Session(engine) as session:
        audited = session.scalars(select(AuditEntry).where(AuditEntry.action == "personal_links.exported")).one()
        assert (audited.subject, audited.after) == (str(seeded.communities[BAY]), {"links": len(rows)})
    link = "/" + rows["Amara"]["Personal link"].split("/", 3)[3]
    scan(client, app, at)
    page = client.get(link, follow_redirects=True).text
    assert "You are Amara Okafor." in page
    assert "You are checked in" in post(client, HERE, page).text
    assert [row.account_id for row in rows_of(engine, at)] == [account_of(engine, AMARA)]
    with Session(engine) as session, session.begin():
        session.execute(update(Account).where(Account.moodle_user_id == AMARA).values(present=False))
    assert client.get(link).status_code == 404
    assert client.get(link[:-1]).status_code == 404


def test_who_was_struck_talks_to_the_facilitator(app: Flask, engine: Engine, at: UUID) -> None:
    client, staff = app.test_client(), app.test_client()
    seed.sign_in(staff, engine, [Grant(Role.FACILITATOR)])
    check_in_as(client, app, at, AMARA)
    page = staff.get(f"/sessions/{at}/check-in").text
    assert "Amara Okafor" in page
    presence = rows_of(engine, at)[0].id
    page = post(staff, f"/sessions/{at}/check-in/strike", page, presence=presence).text
    assert "Struck: Amara Okafor" in page
    # It was a mistake: the check-in counts as it did, and a second try changes nothing.
    for _ in range(2):
        page = post(staff, f"/sessions/{at}/check-in/let-in", page, presence=presence).text
        assert "Struck: Amara Okafor" not in page
        assert [row.id for row in rows_of(engine, at)] == [presence]
    assert "You are checked in already" in client.get(HERE).text + scan(client, app, at)[1]
    page = post(staff, f"/sessions/{at}/check-in/strike", page, presence=presence).text
    assert post(staff, f"/sessions/{at}/check-in/strike", page, presence="nonsense").status_code == 400
    assert rows_of(engine, at) == []
    for page in (client.get(HERE).text, scan(client, app, at)[1]):
        assert "Your check-in was taken back" in page
    with Session(engine) as session:
        assert session.scalar(select(func.count()).where(AuditEntry.action == "check_in.struck")) == 2


def test_the_end_for_who_is_still_there(app: Flask, engine: Engine, clock: Clock, at: UUID) -> None:
    staff, client, late = app.test_client(), app.test_client(), app.test_client()
    seed.sign_in(staff, engine, [Grant(Role.FACILITATOR)])
    with Session(engine) as session, session.begin():
        luis = account_of(engine, LUIS)
        joined = Interval(clock.now, None)
        online = [NewPresence(at, luis, Way.BIGBLUEBUTTON, intervals=(joined,))]
        presences.add(session, online, by=CLI, correlation_id=uuid7())
    check_in_as(client, app, at, AMARA)
    clock.pass_by(minutes=45)
    check_in_as(late, app, at, NEW)
    end, page = f"/sessions/{at}/check-in/end", staff.get(f"/sessions/{at}/check-in").text
    assert post(staff, end, page, until="tomorrow").status_code == 400
    page = post(staff, end, page, until="open").text
    assert "3 people haven't checked out" in page
    assert page.count("not checked out</span>") == 2, "of those who checked in here"
    assert said(engine, at, AMARA) is None
    assert scan(app.test_client(), app, at)[0] == 410
    for _ in range(2):
        page = post(staff, end, page, until="planned").text
    assert "haven't checked out" not in page
    assert (said(engine, at, AMARA), said(engine, at, LUIS)) == ((105, None), (105, None))
    unknown = [row.intervals for row in rows_of(engine, at) if row.account_id is None]
    assert [len(intervals) for intervals in unknown] == [1], "who waits stays one row"
    # Opened again for who came late, and ended: who was seen off stays so.
    page = post(staff, f"/sessions/{at}/check-in/open", page).text
    assert "data-address" in page
    assert "You are checked out" in client.get(HERE).text
    check_in_as(app.test_client(), app, at, MEI)
    # Ended the next day only: nobody stayed for longer than a check-in is open.
    clock.pass_by(hours=20)
    with Session(engine) as session, session.begin():
        assert check_in.end(session, at, clock.now, clock.now, CLI) == 1
    assert (said(engine, at, AMARA), said(engine, at, MEI)) == ((105, None), (16 * 60, None))


@pytest.mark.parametrize(
    ("rule", "planned", "expected"),
    [
        ("earns: fixed, minutes: 90", None, (90, None)),
        ("earns: weighted, weights: {L: 50, P: 100}", 120, (120, "P")),
        ("earns: weighted, weights: {L: 50, P: 100}", None, (None, "P")),
    ],
    ids=["fixed", "weighted", "weighted, length unknown"],
)
def test_where_minutes_are_not_counted_arriving_is_enough(
    app: Flask,
    engine: Engine,
    seeded: Seeded,
    clock: Clock,
    rule: str,
    planned: int | None,
    expected: tuple[int | None, str | None],
) -> None:
    text = seed.PROGRAM_FILE.read_text().replace(
        "attendance:\n", f"attendance:\n  {rule.replace(', ', chr(10) + '  ', 1)}\n", 1
    )
    with Session(engine) as session, session.begin():
        add_version(session, text.replace("2024-07-01", "2024-07-02", 1), "other.yaml")
    at = meeting(engine, seeded, clock.now, planned_minutes=planned)
    client, staff = app.test_client(), app.test_client()
    seed.sign_in(staff, engine, [Grant(Role.FACILITATOR)])
    assert "I'm leaving" not in check_in_as(client, app, at, AMARA)
    assert said(engine, at, AMARA) == expected
    page = staff.get(f"/sessions/{at}/check-in").text
    assert ("hasn't been stated" in page) is (expected[0] is None)
    post(staff, f"/sessions/{at}/check-in/end", page, until="now")
    assert said(engine, at, AMARA) == expected


def test_a_check_in_is_for_the_day_and_not_for_ever(
    app: Flask, engine: Engine, seeded: Seeded, clock: Clock, at: UUID
) -> None:
    staff = app.test_client()
    seed.sign_in(staff, engine, [Grant(Role.FACILITATOR)])
    early = meeting(engine, seeded, clock.now, is_open=False, starts_at=clock.now + timedelta(days=3), ends_at=None)
    old = meeting(engine, seeded, clock.now, is_open=False, starts_at=clock.now - timedelta(days=3), ends_at=None)
    cancelled = meeting(engine, seeded, clock.now, is_open=False, cancelled_at=clock.now)
    form = staff.get(f"/sessions/{at}/check-in").text
    for session_id, why in ((early, "on the day"), (old, "too long ago"), (cancelled, "was cancelled")):
        page = post(staff, f"/sessions/{session_id}/check-in/open", form).text
        assert why in page
        assert "data-address" not in page
    with Session(engine) as session, session.begin():
        account = account_of(engine, AMARA)
        with pytest.raises(Refused, match=Refusal.CANCELLED):
            check_in.arrive(session, cancelled, Visitor(account), clock.now, grant=uuid7())
        with pytest.raises(Refused, match=Refusal.CLOSED):
            check_in.arrive(session, at, Visitor(account), clock.now + check_in.LONGEST, grant=uuid7())
        assert check_in.open_now(session, clock.now) == [at]
        assert check_in.open_now(session, clock.now + check_in.LONGEST) == []


def test_what_lies_elsewhere(app: Flask, engine: Engine, seeded: Seeded, clock: Clock, at: UUID) -> None:
    other = app.test_client()
    seed.sign_in(other, engine, [Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")])
    there = meeting(engine, seeded, clock.now, community_id=seeded.communities[seed.LA])
    form = other.get(f"/sessions/{there}/check-in").text
    check_in_as(app.test_client(), app, at, AMARA)
    presence = rows_of(engine, at)[0].id
    base = f"/sessions/{at}/check-in"
    for path in (f"{base}/open", f"{base}/end", f"{base}/strike"):
        assert post(other, path, form, until="now", presence=presence).status_code == 404
    links = f"/communities/{seeded.communities[BAY]}/personal-links.csv"
    assert post(other, links, form).status_code == 404
    # Of one's own session nobody else's presence can be struck.
    post(other, f"/sessions/{there}/check-in/strike", form, presence=presence)
    assert len(rows_of(engine, at)) == 1


def test_the_screen_shows_no_name_and_the_list_changes_by_itself(
    app: Flask, engine: Engine, clock: Clock, at: UUID
) -> None:
    staff = app.test_client()
    seed.sign_in(staff, engine, [Grant(Role.FACILITATOR)])
    base = f"/sessions/{at}/check-in"
    code = staff.get(f"{base}/code")
    assert code.status_code == 200
    assert "style=" not in code.text
    seen = staff.get(f"{base}/live").text.split("seen=")[1].split('"')[0]
    assert staff.get(f"{base}/live?seen={seen}").status_code == 204
    check_in_as(app.test_client(), app, at, AMARA)
    page = staff.get(f"{base}/live?seen={seen}").text
    folded = page.split("<details")[1]
    assert "Amara Okafor" in folded
    assert "open" not in folded.split(">")[0]
    assert "Amara" not in page.split("<details")[0]
    assert "Amara" not in staff.get(f"{base}/code").text
    with Session(engine) as session, session.begin():
        check_in.end(session, at, None, clock.now, CLI)
    ended = staff.get(f"{base}/code")
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (204, "true")
