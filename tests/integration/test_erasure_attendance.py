"""What an erasure takes out of attendance, and that nobody is matched to an erased person again."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import attendance
from mappings.attending import Way
from records.actor import CLI
from records.deciding import By
from records.deciding_presence import correct
from records.erasure import plan_erasure
from records.matching_people import Who, Why, match
from records.models import Account, AttendanceReport, Decision, Presence, SessionRow, uuid7
from records.presences import NewPresence, add
from tests.support.bench import Bench
from tests.support.erasure import OTHER, USER, WHY, WORDS, credited, erase_now, fill, make_lab, person_of, traces
from tests.support.house import House

FIRST, LAST, EMAIL, _USERNAME, IDNUMBER, _SCHOOL = WORDS


def attend(house: House) -> None:
    """Reports of USER: known and unknown, and one of somebody else's."""
    with Session(house.engine) as session, session.begin():
        meeting = session.scalars(select(SessionRow.id)).one()
        accounts = {a.moodle_user_id: a.id for a in session.scalars(select(Account))}
        reports = []
        for name in (f"{LAST}.csv", f"with {LAST}.csv", "others.csv"):
            report = AttendanceReport(format="zoom", name=name, sha256="0" * 64, actor="cli")
            report.payload, report.result = name.encode(), {"taken": {"problems": [[1, "user", name]]}}
            session.add(report)
            reports.append(report)
        session.flush()
        mine, loose, others = (report.id for report in reports)
        named = {"name": f"{FIRST} {LAST}"}
        rows = [
            NewPresence(meeting, accounts[USER], Way.ZOOM, 60, who=named, device=LAST, reason=LAST, report_id=mine),
            NewPresence(meeting, None, Way.ZOOM, 30, who={"email": EMAIL.upper()}, report_id=loose),
            NewPresence(meeting, None, Way.ZOOM, 20, who={"idnumber": IDNUMBER}),
            NewPresence(meeting, None, Way.ZOOM, 10, who={"email": "somebody@example.org"}, report_id=others),
            NewPresence(meeting, accounts[OTHER], Way.ZOOM, 60, who={"name": "Other"}, report_id=others),
        ]
        add(session, rows, by=CLI, correlation_id=uuid7())
    with Session(house.engine) as session, session.begin():
        by = By(CLI, "staff", f"{FIRST} came late", house.now)
        correct(session, meeting, accounts[USER], minutes=50, status=None, mode=None, by=by)
    house.work()


def test_attendance_names_nobody_who_was_erased_and_keeps_the_amounts(bench: Bench) -> None:
    house = bench.emptied()
    fill(house, make_lab())
    attend(house)
    with Session(house.engine) as session:
        counts = plan_erasure(session, person_of(house), WHY).counts
    assert (counts["attendances' details"], counts["attendance reports"]) == (3, 2)
    assert {row.split(":")[0] for row in traces(house)} >= {"presences", "attendance_reports", "decisions"}
    before = credited(house)

    erase_now(house)
    assert traces(house) == []
    house.work()
    assert (credited(house), house.differences()) == (before, [])
    with Session(house.engine) as session:
        waiting = session.scalars(
            select(Presence.who).where(Presence.account_id.is_(None), Presence.withdrawn_at.is_(None))
        ).all()
        assert waiting == [{"email": "somebody@example.org"}]
        assert session.scalars(select(AttendanceReport.name).order_by(AttendanceReport.id)).all() == [
            *("", "", "others.csv")
        ]
        assert session.scalars(select(Decision.reason).where(Decision.kind == "presence")).one() == ""

    # A later report names the person again: nobody is found, and what it says goes.
    with Session(house.engine) as session, session.begin():
        row = session.scalars(select(SessionRow)).one()
        who = Who(email=EMAIL, idnumber=IDNUMBER, user=str(USER))
        assert match(session, [row.community_id], [who])[0].why is Why.UNKNOWN
        again = NewPresence(row.id, None, Way.TEAMS, 30, who=who.as_json())
        add(session, [again], by=CLI, correlation_id=uuid7())
    assert attendance.match_waiting(house.engine, house.settings.encryption_key) == 0
    assert traces(house) == []
    house.work()
    assert credited(house) == before
