"""Attendance by kind of session, sessions that communities share, statuses that are weighed; and who waits for whom."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from records import bindings, mirror
from records.actor import CLI
from records.attendance import plan_attendance
from records.milestones import plan_milestones
from records.models import Binding, FactRow, Membership, SessionRow, SharedSession
from tests.support.cli import Cli
from tests.support.deeds import AMARA, BAY, HAO, LA, LENA, QUIZ, community_id, net
from tests.support.house import House
from tests.support.readings import enrolment

HEADER = "site,community,session,date,start,mode,kind,shared_with,planned_minutes,minutes,status,user"
ROW = "lab,COP-MATH-BAY,{session},2026-01-17,09:00,face_to_face,{kind},{shared},{planned},{minutes},{status},{user}"


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


@pytest.fixture
def cli(house: House) -> Cli:
    return Cli(house.settings)


def row(user: int, minutes: int | str = 90, **values: object) -> str:
    given = {"session": "S-1", "kind": "", "shared": "", "planned": "", "status": ""} | values
    return ROW.format(user=user, minutes=minutes, **given)


def write(folder: Path, *rows: str) -> str:
    file = folder / "attendance.csv"
    file.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return str(file)


def members(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Membership)) or 0


def test_visitors_of_a_voluntary_session_become_no_members(cli: Cli, house: House, tmp_path: Path) -> None:
    before = members(house.engine)
    file = write(tmp_path, row(LENA, kind="webinar"), row(HAO, kind="webinar"))
    answer = cli("import", "attendance", file, "--json")
    assert (answer.data["walk_ins"], answer.data["visitors"]) == (0, 1), answer.out
    assert "1 visitor at sessions that are open to others" in cli("import", "attendance", file).out
    house.work()
    assert (members(house.engine), net(house, HAO)) == (before, 90)
    # The fact is kept: it counts once Moodle has the enrolment.
    house.post([], [enrolment(LENA, BAY)])
    house.work()
    assert net(house, LENA) == 90
    assert house.differences() == []


def test_a_session_of_two_communities(cli: Cli, house: House, tmp_path: Path) -> None:
    house.post([], [enrolment(LENA, LA)])
    house.work()
    before = members(house.engine)
    # Lena is in the other community: she is no walk-in here.
    shared = str(community_id(house, "LA"))
    answer = cli("import", "attendance", write(tmp_path, row(LENA, shared=shared), row(AMARA, shared=shared)), "--json")
    assert (answer.code, answer.data["walk_ins"]) == (0, 0), answer.out
    house.work()
    assert (members(house.engine), net(house, LENA, "LA")) == (before, 90)
    # The program says nothing about it: it counts in both.
    assert (net(house, AMARA), net(house, AMARA, "LA")) == (60 + 90, 60 + 90)
    assert house.differences() == []
    again = cli("import", "attendance", write(tmp_path, row(LENA), row(AMARA, 60, shared="COP-MATH-LA")), "--json")
    assert again.data["counts"] == {"new": 0, "changed": 1, "unchanged": 1}
    house.work()
    assert (net(house, AMARA), net(house, AMARA, "LA")) == (60 + 60, 60 + 60)
    assert house.differences() == []


def test_a_session_that_is_shared_later(cli: Cli, house: House, tmp_path: Path) -> None:
    assert cli("import", "attendance", write(tmp_path, row(AMARA))).code == 0
    house.work()
    assert net(house, AMARA, "LA") == 60
    answer = cli("import", "attendance", write(tmp_path, row(AMARA, shared="COP-MATH-LA", kind="gathering")))
    assert answer.code == 0, answer.out
    house.work()
    assert net(house, AMARA, "LA") == 60 + 90
    assert house.differences() == []
    with Session(house.engine) as session:
        assert session.scalars(select(SessionRow.kind)).one() == "gathering"
        assert session.scalars(select(SharedSession.community_id)).one() == community_id(house, "LA")


def test_statuses_that_are_weighed(cli: Cli, house: House, tmp_path: Path) -> None:
    clinic = {"kind": "clinic", "planned": 120}
    file = write(tmp_path, row(AMARA, "", status="P", **clinic), row(HAO, "", status="L", **clinic))
    assert cli("import", "attendance", file).code == 0
    house.work()
    assert (net(house, AMARA), net(house, HAO)) == (60 + 120, 60)
    dry = cli("import", "attendance", write(tmp_path, row(HAO, "", status="A", **clinic)), "--dry-run")
    assert "changed" in dry.out
    changed = cli("import", "attendance", write(tmp_path, row(HAO, "", status="A", **clinic)), "--json")
    assert (changed.data["counts"]["changed"], changed.data["rows"][0]["status"]) == (1, "A")
    house.work()
    assert net(house, HAO) == 0
    with Session(house.engine) as session:
        held = session.execute(select(FactRow.presence, FactRow.version).where(FactRow.session_id.is_not(None)))
        assert sorted(map(tuple, held)) == [("A", 2), ("L", 1), ("P", 1)]
    assert house.differences() == []


WRONG = (
    (row(AMARA, kind="party"), "kind: 'party' is no kind of session of the program deeds: expected gathering, webinar"),
    (row(AMARA, shared="COP-X"), "shared_with: no community has a course or group of the idnumber 'COP-X'"),
    (row(AMARA, shared="COP-MATH-BAY"), "shared_with: names the session's own community: expected others"),
    (row(AMARA, ""), "minutes: '' can't be minutes"),
    (row(AMARA, "", status="P"), "minutes: is empty, and the program counts minutes here, no statuses"),
    (row(AMARA, status="x" * 21), "status: is longer than 20 characters"),
    (row(AMARA, "", session="C-1", kind="clinic", status="Z"), "status: 'Z' has no weight: the program weighs"),
    (row(AMARA, 60, session="C-2", kind="clinic"), "status: is empty: the program weighs attendance by status"),
    (row(HAO, session="G-1", kind="webinar"), "kind: session 'G-1': 'webinar' contradicts line 2: 'gathering'"),
    (row(HAO, "", session="C-3", kind="clinic", status="P"), "status: says P for a person of whom line 12 says L"),
    (row(HAO, "", session="C-3", kind="clinic", status="L"), "status: says L for a person of whom line 11 says P"),
)


def test_each_wrong_row_is_named(cli: Cli, house: House, tmp_path: Path) -> None:
    right = row(AMARA, session="G-1", kind="gathering")
    said = cli("import", "attendance", write(tmp_path, right, *(line for line, _ in WRONG[:9]))).out.splitlines()
    for number, (_, says) in enumerate(WRONG[:9], start=3):
        assert said[number - 3].startswith(f"line {number}: {says}"), said[number - 3]
    said = cli("import", "attendance", write(tmp_path, *[right] * 9, *(line for line, _ in WRONG[9:]))).out.splitlines()
    for (_, says), line in zip(WRONG[9:], said, strict=False):
        assert says in line
    assert cli("import", "attendance", write(tmp_path, right)).code == 0
    other = cli("import", "attendance", write(tmp_path, row(HAO, session="G-1", kind="webinar")))
    assert "kind: session 'G-1': 'webinar' contradicts what is recorded: 'gathering'" in other.out
    house.work()
    assert house.differences() == []


def test_who_changes_what_others_build_on_is_alone_on_the_site(house: House) -> None:
    """A batch that is at work is waited for; what it makes is seen, and nothing else begins before the commit."""
    with Session(house.engine) as session, session.begin():
        binding = session.scalars(select(Binding.id).where(Binding.module_id == QUIZ)).one()
    with Session(house.engine) as batch, batch.begin():
        mirror.side_by_side(batch, [house.site_id], alone=False)
        for act in (
            lambda s: plan_attendance(s, (), (), house.now),
            lambda s: plan_milestones(s, (), (), house.now),
            lambda s: bindings.accept(s, binding, actor=CLI, role="it", reason="Why not", now=house.now),
        ):
            with Session(house.engine) as session, session.begin():
                session.execute(text("SET LOCAL lock_timeout = '200ms'"))
                with pytest.raises(OperationalError, match="lock timeout"):
                    act(session)
                session.rollback()
