"""The pages by which staff decide about a person or a group: what they show first, what they do, and its undoing."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from records.actor import Grant, Role, Scope
from records.models import AuditEntry, Community, Decision, Membership, Organisation, ProgramRow, Team
from service.context import EXTENSION, Context
from tests.support.deciding_pages import hidden, page, post, steps
from tests.support.deeds import AMARA, HAO, LENA, community_id, membership_id, net, standing
from tests.support.house import House
from tests.support.seed import sign_in
from tests.support.web import application


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


@pytest.fixture
def client(house: House) -> Iterator[FlaskClient]:
    with application(house.settings) as app, app.test_client() as made:
        here = app.extensions[EXTENSION]
        app.extensions[EXTENSION] = Context(here.settings, here.engine, here.redis, lambda: datetime.now(UTC))
        sign_in(made, house.engine, [Grant(Role.STAFF)])
        yield made


def acts_of(house: House, user: int, region: str = "BAY") -> str:
    return f"/memberships/{membership_id(house, user, region)}/acts"


def settle(house: House) -> None:
    house.now = datetime.now(UTC)
    house.work()
    assert house.differences() == []


def decisions(house: House) -> list[Decision]:
    with Session(house.engine, expire_on_commit=False) as session:
        return list(session.scalars(select(Decision).order_by(Decision.id)))


def test_an_adjustment_is_seen_first_then_done_and_undone(house: House, client: FlaskClient) -> None:
    path = acts_of(house, AMARA)
    assert "Nothing was decided about this person here." in page(client, path)
    form = {"direction": "give", "hours": "1", "minutes": "30", "component": "online", "reason": "A talk she gave."}
    status, seen = post(client, f"{path}/adjust", path, **form)
    assert (status, decisions(house)) == (200, [])
    assert all(words in seen for words in ("+1 h 30 min", "A talk she gave.", "2 h 30 min", "In progress"))
    # Twice the same form decides once.
    again = hidden(seen) | {"step": "do"}
    status, done = post(client, f"{path}/adjust", path, **again)
    assert post(client, f"{path}/adjust", path, **again)[0] == status == 303
    (decision,) = decisions(house)
    assert (decision.kind, decision.data) == ("adjustment", {"minutes": 90, "component": "online"})
    assert (decision.reason, decision.actor_role) == ("A talk she gave.", "staff")
    settle(house)
    assert (net(house, AMARA), standing(house, AMARA)[0]) == (150, 150)
    with Session(house.engine) as session:
        (moved,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "decision.moved")).all()
        member = str(membership_id(house, AMARA))
        assert (moved.before, moved.after) == ({member: [60, "in_progress"]}, {member: [150, "in_progress"]})
    shown = page(client, done)
    assert "Done: Adjustment, +1 h 30 min online." in shown
    assert "Robin Ellery" in shown
    status, _ = post(client, f"{path}/undo", path, decision=decision.id, reason="A slip.")
    assert status == 303
    settle(house)
    assert net(house, AMARA) == 60
    assert "taken back" in page(client, path)
    with Session(house.engine) as session:
        person = session.get_one(Membership, membership_id(house, AMARA)).person_id
    ledger = page(client, f"/people/{person}").partition("The ledger: ")[2]
    assert ledger.count("Adjustment: A talk she gave.") == 2
    assert re.search(r"Taken back \(Program staff, [^)]+\): A slip\.", ledger)
    assert "No longer listed" not in ledger


def test_more_hours_taken_than_there_are_are_asked_about_again(house: House, client: FlaskClient) -> None:
    path = acts_of(house, AMARA)
    form = {"direction": "take", "component": "online", "reason": "Mistyped."}
    little = post(client, f"{path}/adjust", path, hours="1", **form)[1]
    assert ("less than nothing" in little, "Do it all the same" in little) == (False, False)
    much = post(client, f"{path}/adjust", path, hours="100", **form)[1]
    assert ("less than nothing" in much, "Do it all the same" in much) == (True, True)
    assert decisions(house) == []
    # Taking back hours that others were taken from does the same.
    for direction in ("give", "take"):
        steps(client, f"{path}/adjust", path, **form | {"direction": direction, "hours": "2"})
        settle(house)
    given = decisions(house)[0]
    status, asked = post(client, f"{path}/undo", path, decision=given.id, reason="None.")
    assert (status, len(decisions(house)), "less than nothing" in asked) == (400, 2, True)
    assert post(client, f"{path}/undo", path, decision=given.id, reason="None.", meant="1")[0] == 303
    settle(house)
    assert net(house, AMARA) == -60
    offered = dict(re.findall(r'name="(decision|reason|meant)" value="([^"]*)"', asked)[:3])
    assert offered == {"decision": str(given.id), "reason": "None.", "meant": "1"}


def test_what_changed_meanwhile_is_shown_again(house: House, client: FlaskClient) -> None:
    path = acts_of(house, AMARA)
    form = {"direction": "take", "minutes": "20", "component": "online", "reason": "Counted twice."}
    seen = post(client, f"{path}/adjust", path, **form)[1]
    steps(client, f"{path}/adjust", path, minutes="5", component="online", reason="Another one.")
    status, again = post(client, f"{path}/adjust", path, **hidden(seen), step="do")
    assert (status, "Something else changed meanwhile" in again, len(decisions(house))) == (200, True, 1)
    assert post(client, f"{path}/adjust", path, **hidden(again), step="do")[0] == 303
    settle(house)
    assert net(house, AMARA) == 45


def test_forms_say_what_is_wrong_and_keep_what_was_typed(house: House, client: FlaskClient) -> None:
    path = acts_of(house, AMARA)
    right = {"minutes": "30", "component": "online", "reason": "So many words", "of": "adjust"}
    for wrong, says in (
        ({"minutes": "0"}, "Give an amount from 1 minute to 166 hours."),
        ({"minutes": "many"}, "Give an amount from 1 minute"),
        ({"hours": "9999"}, "Give an amount from 1 minute"),
        ({"component": "lunch"}, "The program doesn&#39;t count hours in that"),
        ({"reason": " "}, "Say why: it is kept with the decision."),
    ):
        status, told = post(client, f"{path}/adjust", path, **right | wrong)
        assert (status, says in told) == (400, True), wrong
        assert ("So many words" in told) is ("reason" not in wrong)
    report = {"minutes": "30", "component": "own_work", "day": "2026-01-20", "reason": "R", "of": "report"}
    for wrong, says in (
        ({"day": "2096-01-20"}, "That day has yet to come"),
        ({"day": ""}, "That day has yet to come"),
        ({"link": "ftp://a"}, "The link has to begin with https://"),
        ({"component": "online"}, "The program doesn&#39;t count hours in that"),
    ):
        status, told = post(client, f"{path}/report", path, **report | wrong)
        assert (status, says in told) == (400, True), wrong
    for act, more in (("waive", {"code": "none"}), ("explain", {"code": ""}), ("transfer", {"source": "x"})):
        assert post(client, f"{path}/{act}", path, reason="R", **more)[0] == 400
    assert post(client, f"{path}/adjust", path, **right, step="do", once="x", digest="")[0] == 404
    assert post(client, f"{path}/undo", path, decision=UUID(int=7), reason="R")[0] == 404
    assert decisions(house) == []


def test_reports_waivers_rationales_and_transfers(house: House, client: FlaskClient) -> None:
    path = acts_of(house, HAO)
    more = {"link": "https://example.org/log", "note": "Seen", "day": "2026-01-20"}
    done = steps(client, f"{path}/report", path, minutes="45", component="own_work", reason="As he said", **more)
    assert "It counts as soon as somebody else has approved it." in done
    steps(client, f"{path}/waive", path, code="artifact", reason="He is new")
    steps(client, f"{path}/explain", path, code="from-schools", reason="He moved")
    settle(house)
    assert (net(house, HAO), standing(house, HAO)[2]) == (0, {"artifact": "waived"})
    source = membership_id(house, AMARA, "LA")
    assert post(client, f"{path}/transfer", path, source=source, reason="R")[0] == 400
    path = acts_of(house, AMARA)
    steps(client, f"{path}/transfer", path, source=source, reason="She moved")
    settle(house)
    assert (net(house, AMARA), standing(house, AMARA)[0]) == (60, 120)
    kinds = [row.kind for row in decisions(house)]
    assert kinds == ["self_report", "waiver", "rationale", "transfer"]
    pieces = [{"kind": "link", "value": "https://example.org/log"}, {"kind": "note", "value": "Seen"}]
    assert decisions(house)[0].data["evidence"] == pieces
    listed = page(client, "/decisions")
    assert all(words in listed for words in ("Reported hours", "Waiver", "Rationale", "Transfer", "Robin Ellery"))
    assert "Waiver</th>" not in page(client, "/decisions?kind=waiver&by=cli")
    assert page(client, "/decisions?kind=waiver").count('id="d-') == 1


def subjects(house: House) -> list[tuple[str, str, str, str]]:
    """(Address, act, code, what stands on the page afterwards)."""
    with Session(house.engine) as session:
        team = session.scalars(select(Team.id)).one()
        school = session.scalars(select(Organisation.id).where(Organisation.code == "S1")).one()
        program = session.scalars(select(ProgramRow.id).where(ProgramRow.code == "deeds")).one()
        bay = session.get_one(Community, community_id(house, "BAY")).id
    return [
        (f"/acts/team/{team}", "waive", "cycle", "A cycle"),
        (f"/acts/team/{team}", "explain", "team-size", "Size"),
        (f"/acts/community/{bay}", "waive", "launched", "Launched"),
        (f"/acts/organisation/{school}?program=deeds", "waive", "reports", "Reports"),
        (f"/acts/program/{program}", "waive", "shared", "Shared"),
    ]


def test_waivers_and_rationales_of_groups(house: House, client: FlaskClient) -> None:
    for path, act, code, title in subjects(house):
        base, _, query = path.partition("?")
        target = f"{base}/{act}" + (f"?{query}" if query else "")
        done = steps(client, target, path, code=code, reason="The board agreed")
        assert f"Done: {'Waiver' if act == 'waive' else 'Rationale'}, {title}." in done
        made = decisions(house)[-1]
        assert made.data["subject_kind"] == base.split("/")[2]
        status, again = post(client, target, path, code=code, reason="Once more")
        assert (status, "That was decided before." in again) == (400, True)
        target = f"{base}/undo" + (f"?{query}" if query else "")
        assert post(client, target, path, decision=made.id, reason="A slip")[0] == 303
        assert decisions(house)[-1].undoes == made.id
    assert client.get(f"/acts/person/{UUID(int=1)}").status_code == 404


def test_beyond_the_scope_nothing_is_there(house: House) -> None:
    grants = [Grant(Role.STAFF, Scope.REGION, "deeds/LA")]
    with application(house.settings) as app, app.test_client() as client:
        sign_in(client, house.engine, grants, "la@example.org")
        mine, other = acts_of(house, AMARA, "LA"), acts_of(house, AMARA)
        assert client.get(mine).status_code == 200
        # The other community of the same person isn't even named.
        assert str(membership_id(house, AMARA)) not in page(client, mine)
        for path, target, form in (
            (other, f"{other}/adjust", {"minutes": "5", "component": "online", "reason": "R"}),
            (other, f"{other}/undo", {"decision": UUID(int=1), "reason": "R"}),
        ):
            assert client.get(path).status_code == 404
            assert post(client, target, mine, **form)[0] == 404
        source = membership_id(house, AMARA)
        assert post(client, f"{mine}/transfer", mine, source=source, reason="R")[0] == 400
        assert [client.get(path).status_code for path, *_ in subjects(house)] == [404] * 5
    assert decisions(house) == []
    assert LENA not in (AMARA, HAO)


def test_somebody_in_another_region_sees_no_decision_of_this_one(house: House, client: FlaskClient) -> None:
    path = acts_of(house, HAO)
    steps(client, f"{path}/adjust", path, minutes="5", component="online", reason="Only for the Bay")
    team = subjects(house)[1][0]
    steps(client, f"{team}/explain", team, code="team-size", reason="Small on purpose")
    with application(house.settings) as app, app.test_client() as other:
        for scope, sees in (("deeds/LA", False), ("deeds/BAY", True), ("deeds", True), ("other", False)):
            kind = Scope.REGION if "/" in scope else Scope.PROGRAM
            sign_in(other, house.engine, [Grant(Role.AUDITOR, kind, scope)], f"{scope.replace('/', '.')}@example.org")
            listed = page(other, "/decisions")
            assert ("Only for the Bay" in listed, "Small on purpose" in listed) == (sees, sees), scope
    assert re.findall(r'id="d-[^"]+"', page(client, "/decisions")).__len__() == 2
