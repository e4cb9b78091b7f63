"""The review queue: what waits, for whom it shows, what each act does, and that taking it back is exact."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs import attendance
from mappings.attending import Way
from mappings.intervals import Interval
from records import review, review_acts
from records.actor import Actor, Grant, Role, Scope
from records.deciding_presence import Choice
from records.matching_people import Reason, Who, Why, match
from records.models import Account, AttendanceReport, AuditEntry, FactRow, Presence, SharedSession
from records.review import Filter
from records.review_acts import NotThere, ReviewError
from records.review_items import Review, Waits
from tests.support.attended import HELD_AT, account_id, by, counted, meeting, record, said, whole_net
from tests.support.cli import Cli
from tests.support.deeds import AMARA, BAY, DEEDS, HAO, LENA, community_id, net
from tests.support.house import House
from tests.support.readings import account, enrolment

NEWCOMER = 77


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


def staff(scope: Scope = Scope.ALL, name: str = "") -> Actor:
    return Actor.user(uuid4(), (Grant(Role.STAFF, scope, name),))


ROBIN = staff()


def done(house: House, act: Callable[..., Any], *arguments: Any) -> Any:
    with Session(house.engine) as session, session.begin():
        found = act(session, *arguments)
    house.work()
    return found


def waits(house: House, actor: Actor = ROBIN, **wanted: Any) -> Review:
    with Session(house.engine) as session:
        return review.waiting(session, actor, Filter(**wanted))


def badge(house: House, actor: Actor = ROBIN) -> int:
    with Session(house.engine) as session:
        return review.how_many(session, actor)


def rename(house: House, user: int, **columns: str) -> None:
    with Session(house.engine) as session, session.begin():
        session.execute(update(Account).where(Account.id == account_id(house, user)).values(**columns))


def test_a_walk_in_whom_moodle_learns_of_later_is_credited_to_the_minute(house: House) -> None:
    there, elsewhere = meeting(house), meeting(house, "S2")
    who = {"name": "New Comer", "email": "U77@Example.org"}
    # Reconnected: 30 and 45 minutes, 5 of them twice.
    seen = [Interval.from_json(pair) for pair in _intervals((0, 30), (25, 70))]
    for interval in seen:
        record(house, said(there, None, Way.ZOOM, intervals=(interval,), who=who))
    record(house, said(elsewhere, None, Way.FILE, 50, who={"idnumber": "E0077"}))
    assert attendance.match_waiting(house.engine, house.settings.encryption_key) == 0
    assert (badge(house), len(waits(house).unmatched)) == (2, 2)

    house.post([], [account(NEWCOMER, "E0077")])
    house.work()
    assert attendance.match_waiting(house.engine, house.settings.encryption_key) == 3
    house.work()
    newcomer = account_id(house, NEWCOMER)
    found = waits(house)
    assert (found.unmatched, badge(house)) == ([], 0)
    assert {(one.meeting.id, one.person.account_id) for one in found.walk_ins} == {
        (there, newcomer),
        (elsewhere, newcomer),
    }
    assert net(house, NEWCOMER) == 0
    house.post([], [enrolment(NEWCOMER, BAY)])
    house.work()
    assert net(house, NEWCOMER) == 70 + 50
    assert waits(house).walk_ins == []
    assert attendance.match_waiting(house.engine, house.settings.encryption_key) == 0
    assert house.differences() == []


def _intervals(*minutes: tuple[int, int]) -> list[list[str | None]]:
    at = HELD_AT.replace(tzinfo=None)
    return [[f"{at:%Y-%m-%d}T{17 + m // 60:02}:{m % 60:02}:00+00:00" for m in pair] for pair in minutes]


def test_a_match_an_acceptance_a_dismissal_and_taking_each_back(house: House) -> None:
    there, amara, hao = meeting(house), account_id(house, AMARA), account_id(house, HAO)
    rename(house, HAO, firstname="María", lastname="García")
    who = {"name": "GARCIA, Maria"}
    with Session(house.engine) as session, session.begin():
        report = AttendanceReport(format="zoom", name="", sha256="0" * 64, actor="cli")
        session.add(report)
        session.flush()
        of_report = {"report_id": report.id, "who": who}
    rows = record(house, said(there, None, Way.ZOOM, 40, **of_report), said(there, None, Way.ZOOM, 60, **of_report))
    (other,) = record(house, said(there, None, Way.PAPER, 20, who=who))
    (phone,) = record(house, said(there, amara, Way.CHECK_IN, 120, held="device", device="d"))
    house.work()
    before = whole_net(house)

    found = waits(house)
    assert badge(house) == 3
    (grouped,) = [one for one in found.unmatched if one.ways == (Way.ZOOM,)]
    assert [(s.account_id, s.reasons) for s in grouped.suggestions] == [(hao, (Reason.TURNED_NAME,))]
    assert done(house, review_acts.match, ROBIN, grouped.presence_id, hao) == 2
    # What is matched by hand matches nothing else, not even the same words on paper, now or later.
    assert attendance.match_waiting(house.engine, house.settings.encryption_key) == 0
    assert (net(house, HAO), [one.presence_id for one in waits(house).unmatched]) == (60, [other])
    assert done(house, review_acts.unmatch, ROBIN, rows[0]) == 2
    assert (counted(house, there, hao), whole_net(house)) == (None, before)

    with pytest.raises(ReviewError, match="why"):
        done(house, review_acts.dismiss, ROBIN, other, " ")
    assert done(house, review_acts.dismiss, ROBIN, other, "A guest.") == 1
    assert badge(house) == 2
    with pytest.raises(ReviewError, match="already"):
        done(house, review_acts.match, ROBIN, other, hao)
    with pytest.raises(ReviewError, match="already"):
        done(house, review_acts.restore, staff(), other)
    assert done(house, review_acts.restore, ROBIN, other) == 1

    (one,) = waits(house, kind=Waits.HELD).held
    assert (one.presence_id, one.why, one.person.account_id) == (phone, "device", amara)
    done(house, review_acts.accept, ROBIN, phone)
    assert counted(house, there, amara) == 120
    done(house, review_acts.hold_again, ROBIN, phone, "device")
    assert (badge(house), whole_net(house)) == (3, before)
    assert house.differences() == []
    with Session(house.engine) as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action.like("presence.%"))).all()
    assert {entry.action.removeprefix("presence.") for entry in told} == {
        *("matched", "unmatched", "dismissed", "restored", "accepted", "held")
    }
    assert not any("GARCIA" in str(e.after) or "guest" in str(e.after) for e in told)


def test_conflicts_are_decided_together_and_only_within_scope(house: House) -> None:
    there, far = meeting(house), meeting(house, "S2", region="LA")
    amara, hao = account_id(house, AMARA), account_id(house, HAO)
    ways = [said(there, a, w, m) for a in (amara, hao) for w, m in ((Way.ROSTER, 120), (Way.TEAMS, 80))]
    record(house, *ways, said(far, amara, Way.ROSTER, 60), said(far, amara, Way.MEET, 50))
    house.work()
    before = whole_net(house)
    bay = staff(Scope.COMMUNITY, str(community_id(house, "BAY")))
    assert {one.key for one in waits(house).conflicts} == {(there, amara), (there, hao), (far, amara)}
    (one, _) = waits(house, bay, kind=Waits.CONFLICT).conflicts
    assert [(side.said.way, side.minutes, side.stands) for side in one.sides] == [
        (Way.ROSTER, 120, False),
        (Way.TEAMS, 80, True),
    ]
    assert (badge(house, bay), badge(house), len(waits(house, bay, session_id=far).conflicts)) == (2, 3, 0)

    batch = done(house, review_acts.decide, bay, there, [amara, hao], Way.ROSTER, by(house, bay))
    assert (net(house, HAO), badge(house, bay)) == (120, 0)
    with Session(house.engine) as session:
        rows = session.scalars(select(Presence.id).where(Presence.way.in_([Way.DECIDED, Way.ROSTER]))).all()
    for row in rows:
        # Check-ins alone are ever held: nobody sets a decision aside without undoing it.
        with pytest.raises(ReviewError):
            done(house, review_acts.hold_again, ROBIN, row, "device")
    with pytest.raises(NotThere):
        done(house, review_acts.undecide, ROBIN, batch, by(house, ROBIN))
    assert done(house, review_acts.undecide, bay, batch, by(house, bay)) == 2
    assert (whole_net(house), house.differences()) == (before, [])

    (loose,) = record(house, said(far, None, Way.MEET, 10, who={"name": "Somebody"}))
    for act in (
        lambda s: review_acts.decide_one(s, bay, Choice(far, amara, take=Way.ROSTER), by(house, bay)),
        lambda s: review_acts.match(s, bay, loose, amara),
        lambda s: review_acts.dismiss(s, bay, loose, "No."),
        lambda s: review_acts.accept(s, bay, uuid4()),
        # Lena is in none of its communities, and nobody said that she was there.
        lambda s: review_acts.decide_one(s, bay, Choice(there, account_id(house, LENA), minutes=60), by(house, bay)),
    ):
        with pytest.raises(NotThere):
            done(house, act)
    # Nobody but the session's people can be named; and of a session that is shared one sees one's own.
    with pytest.raises(NotThere):
        done(house, review_acts.match, staff(Scope.REGION, "deeds/LA"), loose, hao)
    with Session(house.engine) as session, session.begin():
        session.add(SharedSession(session_id=far, community_id=community_id(house, "BAY")))
    record(house, *(said(far, account_id(house, LENA), w, m) for w, m in ((Way.ROSTER, 60), (Way.MEET, 50))))
    assert {one.key for one in waits(house, bay, session_id=far).conflicts} == {(far, amara)}


def test_another_version_of_the_program_judges_again_what_was_said(house: House, tmp_path: Path) -> None:
    there, amara, hao = meeting(house), account_id(house, AMARA), account_id(house, HAO)
    untouched = meeting(house, "S2", kind="clinic")
    record(house, said(there, amara, Way.ROSTER, 200), said(there, amara, Way.ZOOM, 130))
    record(house, said(there, hao, Way.ROSTER, 100), said(there, hao, Way.ZOOM, 50))
    record(house, said(untouched, amara, Way.ROSTER, 0, status="L"))
    house.work()
    assert (badge(house), net(house, AMARA), net(house, HAO)) == (2, 60 + 130 + 60, 50)
    facts = _versions(house, untouched)
    # Amara's ways agree from now on; of Hao's the one that earns nothing stands.
    capped = DEEDS.replace("attendance:\n", "attendance:\n  at_most_planned: true\n  at_least: 60\n", 1)
    (tmp_path / "deeds.yaml").write_text(capped)
    answer = Cli(house.settings)("program", "apply", str(tmp_path / "deeds.yaml"), "--reason", "x", "--yes", "--json")
    # The preview knew.
    assert (answer.code, answer.data["differing"]) == (0, []), answer.out
    assert (badge(house), net(house, AMARA), net(house, HAO)) == (1, 60 + 120 + 60, 0)
    assert _versions(house, untouched) == facts
    assert house.differences() == []


def _versions(house: House, session_id: UUID) -> list[int]:
    with Session(house.engine) as session:
        return list(session.scalars(select(FactRow.version).where(FactRow.session_id == session_id)))


def test_whom_exact_keys_mean(house: House) -> None:
    bay, amara, hao = [community_id(house, "BAY")], account_id(house, AMARA), account_id(house, HAO)
    rename(house, LENA, email="U12@EXAMPLE.org")
    cases: list[tuple[Who, UUID | None, Why]] = [
        (Who(user="11"), amara, Why.USER),
        (Who(idnumber="E0001", email="private@example.net"), amara, Why.IDNUMBER),
        (Who(email="  u11@EXAMPLE.ORG "), amara, Why.EMAIL),
        # Two accounts have it: the one on the roster.
        (Who(email="u12@example.org"), hao, Why.EMAIL),
        (Who(email="u12@example.org", idnumber="E0003"), account_id(house, LENA), Why.IDNUMBER),
        (Who(email="u11@example.org", idnumber="E0002"), None, Why.CONTRADICTION),
        (Who(email="u11@example.org", idnumber="E9999"), None, Why.CONTRADICTION),
        (Who(email="u11@example.org", user="999"), None, Why.CONTRADICTION),
        (Who(email="nobody@example.org"), None, Why.UNKNOWN),
        (Who(idnumber="e0001"), None, Why.UNKNOWN),
        (Who(name="First Last 11"), None, Why.NO_KEY),
        (Who(user="eleven"), None, Why.NO_KEY),
    ]
    with Session(house.engine) as session:
        found = match(session, bay, [who for who, _, _ in cases])
    assert [(one.account_id, one.why) for one in found] == [(account, why) for _, account, why in cases]
    rename(house, AMARA, email="u12@example.org")
    with Session(house.engine) as session:
        assert match(session, bay, [Who(email="u12@example.org")])[0].why is Why.SEVERAL
        assert session.scalar(select(Presence.id)) is None
