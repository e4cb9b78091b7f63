"""`copbridge import milestones` and `copbridge milestone`: versions of what was achieved, and what they earn."""

import hashlib
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from jobs.queues import QueueName, queue
from records import together
from records.models import AuditEntry, Membership, MilestoneRow, ProgramRow
from tests.support.cli import Cli
from tests.support.deeds import AMARA, HAO, community_id, net, standing
from tests.support.house import House
from tests.support.readings import account

COLUMNS = "program,milestone,site,community,subject,date,time,cycle,session,evidence,note,withdrawn"
ARTIFACT = "deeds,artifact,lab,COP-MATH-BAY,E0001,2026-01-20,,,,https://example.org/a.pdf,,"
PLAN = "deeds,plan,lab,COP-MATH-BAY,TEAM-S1,2026-01-21,15:30,2026-1,,,,"
ACT = "deeds,act,lab,COP-MATH-BAY,TEAM-S1,2026-02-21,,2026-1,,,,"
LAUNCH = "deeds,launch,lab,,COP-MATH-BAY,2026-01-05,,,,,,"
SHARED = "deeds,best-practices,,,,2026-01-06,,,,,,"
REPORT = "deeds,council-report,,,S1,2026-01-18,,,G-1,,,"
ATTENDANCE = """\
site,community,session,date,start,mode,kind,minutes,user
lab,COP-MATH-BAY,G-1,2026-01-17,09:00,face_to_face,gathering,90,11
lab,COP-MATH-BAY,S-1,2026-01-18,09:00,face_to_face,,30,11
"""


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


@pytest.fixture
def cli(house: House) -> Cli:
    return Cli(house.settings)


def write(folder: Path, *rows: str, header: str = COLUMNS) -> str:
    file = folder / "milestones.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return str(file)


def gather(cli: Cli, folder: Path) -> None:
    """A gathering that Amara was at, and a session of no kind."""
    file = folder / "attendance.csv"
    file.write_text(ATTENDANCE)
    assert cli("import", "attendance", str(file)).code == 0


def versions(engine: Engine) -> list[tuple[str, int, str | None, bool]]:
    """(code, version, ended, current)."""
    m = MilestoneRow
    with Session(engine) as session:
        rows = session.execute(select(m.code, m.version, m.ended, m.superseded_at.is_(None)).order_by(m.key, m.version))
        return [(code, number, ended, current) for code, number, ended, current in rows]


def outcomes(house: House) -> dict[str, str]:
    """What teams, communities, organisations and the program have reached."""
    with Session(house.engine) as session:
        program = session.scalars(select(ProgramRow.id).where(ProgramRow.code == "deeds")).one()
        found = together.of_program(session, program, house.now)
        found += together.of_communities(session, [community_id(house, "BAY")], house.now)
    return {o.requirement: str(o.status) for f in found for o in f.together.outcomes if f.subject[0] != "participant"}


def test_a_file_of_every_kind(cli: Cli, house: House, redis: Redis, tmp_path: Path) -> None:
    gather(cli, tmp_path)
    house.work()
    assert (net(house, AMARA), standing(house, AMARA)[2]) == (60 + 90 + 30, {"artifact": "open"})
    before = outcomes(house)
    assert before == dict.fromkeys(("cycle", "launched", "reports", "shared"), "open")
    redis.flushdb()

    file = write(tmp_path, ARTIFACT, PLAN, ACT, LAUNCH, SHARED, REPORT)
    dry = cli("import", "milestones", file, "--dry-run")
    assert dry.code == 0, dry.out
    assert "Would be taken in: of 6 milestones: 6 new, 0 changed, 0 withdrawn, 0 unchanged." in dry.out
    assert versions(house.engine) == []

    answer = cli("import", "milestones", file, "--json")
    assert answer.code == 0, answer.out
    assert answer.data["counts"] == {"new": 6, "changed": 0, "withdrawn": 0, "unchanged": 0}
    assert queue(redis, QueueName.RECONCILE).count == 1
    house.work()
    # The artifact is worth 30 minutes to Amara, the plan 20 to everybody in the team.
    assert (net(house, AMARA), net(house, HAO)) == (180 + 30 + 20, 20)
    assert standing(house, AMARA)[2] == {"artifact": "met"}
    assert outcomes(house) == dict.fromkeys(before, "met")
    assert house.differences() == []

    again = cli("import", "milestones", file)
    assert again.out.startswith("Nothing to do: of 6 milestones: 0 new, 0 changed, 0 withdrawn, 6 unchanged.")
    with Session(house.engine) as session:
        assert session.scalar(select(func.count()).where(Membership.dirty_at.is_not(None))) == 0
        (after,) = session.scalars(select(AuditEntry.after).where(AuditEntry.action == "milestones.import"))
    assert after is not None
    assert after["new"] == 6
    rows = {row["milestone"]: row for row in cli("milestone", "list", "--program", "deeds", "--json").data}
    assert {row["subject"] for row in rows.values()} >= {"TEAM-S1", "S1", "MATH BAY", "deeds"}
    assert (rows["plan"]["happened_at"], rows["council-report"]["session"]) == ("2026-01-21T23:30:00+00:00", "G-1")


def test_taking_back_and_recording_again(cli: Cli, house: House, tmp_path: Path) -> None:
    assert cli("import", "milestones", write(tmp_path, ARTIFACT)).code == 0
    house.work()
    assert net(house, AMARA) == 90
    # Without a date: what was recorded is meant, whatever day that was.
    back = "deeds,artifact,lab,COP-MATH-BAY,user:11,,,,,,,yes"
    answer = cli("import", "milestones", write(tmp_path, back), "--json")
    assert (answer.code, answer.data["counts"]["withdrawn"]) == (0, 1)
    house.work()
    assert (net(house, AMARA), standing(house, AMARA)[2]) == (60, {"artifact": "open"})
    assert cli("import", "milestones", write(tmp_path, back), "--json").data["counts"]["unchanged"] == 1
    assert cli("milestone", "list", "--json").data == []

    # Another time of the same day, and a note beside the link, which has no column and stays.
    header = "program,milestone,site,community,subject,date,note"
    line = "deeds,artifact,lab,COP-MATH-BAY,11,2026-01-20,Shown to all"
    assert cli("import", "milestones", write(tmp_path, line, header=header), "--json").data["counts"]["changed"] == 1
    house.work()
    assert net(house, AMARA) == 90
    assert versions(house.engine) == [
        ("artifact", 1, None, False),
        ("artifact", 2, "withdrawn", False),
        ("artifact", 3, None, True),
    ]
    (row,) = cli("milestone", "list", "--json").data
    assert row["evidence"] == [
        {"kind": "link", "value": "https://example.org/a.pdf"},
        {"kind": "note", "value": "Shown to all"},
    ]
    assert house.differences() == []


def test_one_milestone_with_a_file_as_evidence(cli: Cli, house: House, tmp_path: Path) -> None:
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(b"What was written")
    arguments = ["milestone", "record", "deeds", "artifact", "--site", "lab", "--community", "COP-MATH-BAY"]
    arguments += ["--subject", "E0001", "--date", "2026-01-20"]
    bare = cli(*arguments)
    assert (bare.code, "lacks the evidence" in bare.out) == (0, True)
    house.work()
    assert (net(house, AMARA), standing(house, AMARA)[2]) == (60, {"artifact": "open"})
    proven = cli(*arguments, "--evidence-file", str(paper), "--evidence", "https://example.org/b")
    assert proven.out == "Recorded anew.\n"
    assert cli(*arguments).out == "It is recorded already.\n"
    house.work()
    assert (net(house, AMARA), standing(house, AMARA)[2]) == (90, {"artifact": "met"})
    (row,) = cli("milestone", "list", "--json").data
    digest = hashlib.sha256(b"What was written").hexdigest()
    assert row["evidence"] == [
        {"kind": "link", "value": "https://example.org/b"},
        {"kind": "file", "value": digest},
    ]
    assert "TEAM" not in cli("milestone", "list").out
    assert cli("milestone", "withdraw", row["id"]).code == 0
    house.work()
    assert net(house, AMARA) == 60
    assert "withdrawn" in cli("milestone", "list", "--withdrawn").out
    (gone,) = cli("milestone", "list", "--withdrawn", "--json").data
    for wrong, says in ((row["id"], "changed since"), (gone["id"], "withdrawn already"), (str(uuid4()), "There is no")):
        refused = cli("milestone", "withdraw", wrong)
        assert (refused.code, says in refused.err) == (1, True), refused.err
    assert house.differences() == []


def test_wrong_options_are_named(cli: Cli, tmp_path: Path) -> None:
    base = ("milestone", "record", "deeds", "launch", "--site", "lab", "--subject", "COP-MATH-BAY", "--date")
    for arguments, code, says in (
        ((*base, "20 January"), 2, "'20 January' is not a date"),
        ((*base, "2026-01-20", "--time", "noon"), 2, "'noon' is not a time"),
        ((*base, "2026-01-20", "--cycle", "x" * 41), 2, "is longer than 40 characters"),
        ((*base, "2026-01-20", "--evidence", "http://example.org"), 2, "is no evidence"),
        ((*base, "2026-01-20", "--evidence-file", str(tmp_path / "no.pdf")), 1, "can't be read"),
        ((*base, "2096-01-20"), 1, "date: 2096-01-20 is yet to come"),
        ((*base, "2026-01-20", "--session", "G-1"), 1, "session: 'launch' follows no session"),
    ):
        answer = cli(*arguments)
        assert (answer.code, says in answer.err) == (code, True), answer.err
        assert answer.err.count("\n") == 1


def changed(line: str, old: str, new: str) -> str:
    assert old in line
    return line.replace(old, new, 1)


WRONG = (
    (changed(ARTIFACT, "deeds,", "other,"), "program: there is no program 'other'"),
    (changed(ARTIFACT, ",artifact,", ",art,"), "milestone: the program deeds has no milestone 'art': expected one of"),
    (changed(ARTIFACT, "deeds,artifact", "lab,artifact"), "milestone: the program lab has no milestone 'artifact': it"),
    (changed(ARTIFACT, ",lab,", ",moodle,"), "site: there is no site 'moodle'"),
    (changed(ARTIFACT, ",lab,", ",,"), "site: is empty: expected the site on which 'COP-MATH-BAY' is"),
    (changed(ARTIFACT, "MATH-BAY", "MATH-SF"), "community: no community has a course or group of the idnumber"),
    (changed(ARTIFACT, "COP-MATH-BAY", "COP-EBWI-BAY"), "community: 'COP-EBWI-BAY' is a community of another program"),
    (changed(ARTIFACT, "COP-MATH-BAY", ""), "community: is empty: expected the community of the participant"),
    (changed(ARTIFACT, "E0001", ""), "subject: is empty: expected the participant's Moodle user id or idnumber"),
    (changed(ARTIFACT, "E0001", "E9"), "subject: no account on that site has the Moodle user id or idnumber 'E9'"),
    (changed(ARTIFACT, "E0001", "E0003"), "subject: 'E0003' is no member of the community"),
    (changed(ARTIFACT, "2026-01-20", ""), "date: is empty: expected YYYY-MM-DD"),
    (changed(ARTIFACT, "2026-01-20", "20.1.2026"), "date: '20.1.2026' is not a date"),
    (changed(ARTIFACT, "2026-01-20", "2096-01-20"), "date: 2096-01-20 is yet to come"),
    (changed(ARTIFACT, "2026-01-20,", "2026-01-20,3 pm"), "time: '3 pm' is not a time"),
    (changed(ARTIFACT, "2026-01-20,", "2026-03-08,02:30"), "time: 02:30 doesn't exist on 2026-03-08"),
    (changed(ARTIFACT, "20,,,", "20,,2026-1,"), "cycle: 'artifact' is no phase of a cycle: expected nothing"),
    (changed(ARTIFACT, "20,,,,", "20,,,G-1,"), "session: 'artifact' follows no session: expected nothing"),
    (changed(ARTIFACT, "https", "ftp"), "evidence: 'ftp://example.org/a.pdf' is no evidence: expected an https link"),
    (changed(ARTIFACT, "https://", "https://me:pw@"), "evidence: holds a link with a user name or password"),
    (changed(ARTIFACT, "https://example.org/a.pdf", "sha256:12"), "evidence: 'sha256:12' is no evidence"),
    (ARTIFACT + "perhaps", "withdrawn: 'perhaps' is neither yes nor no"),
    (changed(ARTIFACT, "E0001", "E0002") + "yes", "withdrawn: nothing like it is recorded"),
    (changed(PLAN, "2026-1", ""), "cycle: is empty: 'plan' is a phase of 'pdsa', expected the cycle's label"),
    (changed(PLAN, "2026-1", "x" * 41), "cycle: is longer than 40 characters"),
    (changed(PLAN, "TEAM-S1", "TEAM-S9"), "subject: no team has the idnumber 'TEAM-S9' in the community"),
    (changed(PLAN, "COP-MATH-BAY", ""), "community: is empty: expected the community of the team"),
    (changed(LAUNCH, "lab,,COP", "lab,COP-MATH-LA,COP"), "community: is another one than the subject"),
    (changed(LAUNCH, "COP-MATH-BAY", "COP-EBWI-BAY"), "subject: 'COP-EBWI-BAY' is a community of another program"),
    (changed(SHARED, ",,,,2026", ",,,S1,2026"), "subject: is 'S1', and the milestone is the program's"),
    (changed(REPORT, "S1", "S9"), "subject: no organisation of the code 'S9' is recorded"),
    (changed(REPORT, "G-1", ""), "session: is empty: expected the code of the gathering that it follows"),
    (changed(REPORT, "G-1", "G-9"), "session: there is no session 'G-9' in the program"),
    (changed(REPORT, "G-1", "S-1"), "session: the session 'S-1' has no kind, and the milestone follows a 'gathering'"),
    (changed(REPORT, "2026-01-18", "2026-01-16"), "date: 2026-01-16 is before the session 'G-1' that it follows"),
    (changed(PLAN, "15:30", "15:31"), "milestone: line 39 says otherwise of the same one"),
    (PLAN, "milestone: line 38 says otherwise of the same one"),
)
"""Lines that are wrong, and what has to be said of each; the first of them stands on line 3."""


def test_each_wrong_row_is_named_and_nothing_is_written(cli: Cli, house: House, tmp_path: Path) -> None:
    gather(cli, tmp_path)
    file = write(tmp_path, LAUNCH, *(line for line, _ in WRONG))
    answer = cli("import", "milestones", file)
    assert answer.code == 1
    said = answer.out.splitlines()
    for number, (_, says) in enumerate(WRONG, start=3):
        assert said[number - 3].startswith(f"line {number}: {says}"), said[number - 3]
    assert said[len(WRONG) :] == [f"Nothing was written: {len(WRONG)} rows are wrong."]
    assert versions(house.engine) == []
    assert cli("import", "milestones", file, "--skip-errors", "--json").data["written"] is True
    assert versions(house.engine) == [("launch", 1, None, True)]


def test_a_session_of_two_communities_has_to_be_named(cli: Cli, house: House, tmp_path: Path) -> None:
    gather(cli, tmp_path)
    file = tmp_path / "attendance.csv"
    file.write_text(ATTENDANCE.replace("-BAY", "-LA"))
    assert cli("import", "attendance", str(file)).code == 0
    answer = cli("import", "milestones", write(tmp_path, REPORT))
    assert "session: 2 communities have a session 'G-1': say which one in 'community'" in answer.out
    named = REPORT.replace("council-report,,", "council-report,lab,COP-MATH-LA")
    assert cli("import", "milestones", write(tmp_path, named)).code == 0
    house.work()
    assert house.differences() == []


def test_an_id_that_is_also_an_idnumber(cli: Cli, house: House, tmp_path: Path) -> None:
    house.post([], [account(77, "11")])
    house.work()
    line = ARTIFACT.replace("E0001", "11")
    answer = cli("import", "milestones", write(tmp_path, line))
    assert "2 accounts have the Moodle id or idnumber '11': expected the Moodle user id, as in user:11" in answer.out
    assert "is no member" in cli("import", "milestones", write(tmp_path, line.replace(",11,", ",idnumber:11,"))).out
    assert cli("import", "milestones", write(tmp_path, line.replace(",11,", ",user:11,"))).code == 0
