"""`copbridge decision`: what each decision moves, that undoing it takes that back, and what is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.queues import QueueName, queue
from records import approving, deciding
from records.actor import Actor, Grant, Role
from records.deciding import By, DecisionError
from records.decisions import Kind
from records.models import AuditEntry, Decision, LedgerEntry, ProgramVersionRow, uuid7
from records.programs import add_version
from tests.support.cli import Answer, Cli
from tests.support.deeds import AMARA, DEEDS, HAO, LA, LENA, community_id, membership_id, net, standing
from tests.support.house import House
from tests.support.readings import completion, enrolment

WHY = ("--reason", "The board decided it on Monday.")
YES = (*WHY, "--yes")
ADJUST = ("decision", "adjust", "lab:11", "COP-MATH-BAY", "--component", "online", "--minutes")


@pytest.fixture
def house(deeds: House) -> House:
    # The command line decides by the clock on the wall.
    deeds.now = datetime.now(UTC)
    return deeds


@pytest.fixture
def cli(house: House) -> Cli:
    return Cli(house.settings)


def decide(cli: Cli, *arguments: str) -> dict[str, Any]:
    """Decide without being asked; what was moved."""
    answer = cli("decision", *arguments, *YES, "--json")
    assert answer.code == 0, answer.err
    data: dict[str, Any] = answer.data
    return data


def settle(house: House) -> None:
    """Compute again; then nothing says otherwise, and a reversal takes back the very minutes that it reverses."""
    house.now = datetime.now(UTC)
    house.work()
    assert house.differences() == []
    entry, reversal = LedgerEntry.__table__.alias(), LedgerEntry.__table__.alias()
    with Session(house.engine) as session:
        wrong = session.execute(
            select(entry.c.id)
            .join(reversal, reversal.c.reverses == entry.c.id)
            .where(entry.c.minutes + reversal.c.minutes != 0)
        )
        assert wrong.all() == []


def refused(answer: Answer, code: int, says: str) -> None:
    """One sentence on standard error, and nothing else."""
    assert (answer.code, says in answer.err) == (code, True), answer.err
    assert answer.err.count("\n") == 1


def kinds(house: House) -> list[str]:
    with Session(house.engine) as session:
        return list(session.scalars(select(Decision.kind).order_by(Decision.id)))


def test_an_adjustment_and_its_undoing(cli: Cli, house: House, redis: Redis) -> None:
    dry = cli(*ADJUST, "+1:30", *WHY, "--dry-run")
    assert (dry.code, "1:00" in dry.out, "2:30" in dry.out) == (0, True, True), dry.out
    assert "1 of 3 memberships would change; +1:30 hours in all." in dry.out
    assert kinds(house) == []
    data = decide(cli, *ADJUST[1:], "+1:30")
    assert queue(redis, QueueName.RECONCILE).count == 1
    (moved,) = data["moved"]
    assert (moved["minutes"], moved["standing"]) == ([60, 150], ["in_progress", "in_progress"])
    settle(house)
    assert (net(house, AMARA), standing(house, AMARA)[0], net(house, AMARA, "LA")) == (150, 150, 60)
    taken = decide(cli, *ADJUST[1:], "-30")
    settle(house)
    assert net(house, AMARA) == 120
    assert decide(cli, "undo", taken["decision"])["moved"][0]["minutes"] == [120, 150]
    decide(cli, "undo", data["decision"])
    settle(house)
    assert net(house, AMARA) == 60
    with Session(house.engine) as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("decision."))).all()
        told = ["decision.adjustment"] * 2 + ["decision.moved"] * 4 + ["decision.undo"] * 2
        assert sorted(row.action for row in rows) == told
        # Opaque ids, and no reason, which may name somebody.
        assert all("board" not in str(row.after) for row in rows)
        first = session.get_one(Decision, UUID(data["decision"]))
        assert (first.actor, first.actor_role, first.reason) == ("cli", "it", WHY[1])


def test_nothing_is_decided_without_a_yes(cli: Cli, house: House) -> None:
    no = cli(*ADJUST, "90", *WHY, stdin="n\n")
    assert (no.code, "Nothing was decided." in no.err) == (1, True)
    assert kinds(house) == []
    yes = cli(*ADJUST, "90", *WHY, stdin="y\n")
    assert (yes.code, "Decided: " in yes.out) == (0, True), yes.err
    settle(house)
    assert net(house, AMARA) == 150
    refused(cli(*ADJUST, "90", *WHY, "--json"), 2, "--json needs --yes or --dry-run")


def test_wrong_adjustments(cli: Cli, house: House) -> None:
    for minutes, code, says in (
        ("much", 2, "'much' can't be minutes: expected such as +90, -30 or 1:30"),
        ("1:75", 2, "'1:75' can't be minutes"),
        ("0", 1, "An adjustment is of 1 to 10000 minutes"),
        ("99999", 1, "An adjustment is of 1 to 10000 minutes"),
    ):
        refused(cli(*ADJUST, minutes, *YES), code, says)
    refused(cli(*ADJUST, "90", "--yes", "--reason", " "), 1, "A decision needs a reason.")
    for change, says in (
        ({4: "--component", 5: "lunch"}, "has no component 'lunch': expected online, face_to_face, own_work."),
        ({2: "lab:99"}, "has no account 99"),
        ({3: "COP-MATH-SF"}, "No community has a course or group of the idnumber 'COP-MATH-SF'"),
        ({2: f"lab:{LENA}"}, "is no member of MATH BAY."),
    ):
        words = [change.get(place, word) for place, word in enumerate(ADJUST)]
        refused(cli(*words, "90", *YES), 1, says)
    with Session(house.engine) as session, pytest.raises(DecisionError, match="There is no membership"):
        deciding.adjust(session, uuid4(), minutes=1, component="online", now=house.now)
    assert kinds(house) == []


REPORT = ("report", "lab:11", "HERE", "--component", "own_work", "--minutes", "45", "--date", "2026-01-20")


def test_reported_hours_count_once_they_are_approved(cli: Cli, house: House, tmp_path: Path) -> None:
    paper = tmp_path / "log.txt"
    paper.write_text("I read it.")
    words = [str(community_id(house, "BAY")) if word == "HERE" else word for word in REPORT]
    pieces = ("--evidence", "https://example.org/log", "--evidence-file", str(paper), "--note", "At home")
    reported = decide(cli, *words, *pieces)
    settle(house)
    assert (net(house, AMARA), standing(house, AMARA)[0]) == (60, 60)
    (row,) = cli("decision", "list", "--kind", "self_report", "--json").data
    assert (row["state"], [piece["kind"] for piece in row["data"]["evidence"]]) == ("waits", ["link", "note", "file"])
    assert cli("explain", f"lab:{AMARA}").code == 0
    approval = decide(cli, "approve", reported["decision"])
    assert approval["moved"][0]["minutes"] == [60, 105]
    settle(house)
    assert net(house, AMARA) == 105
    refused(cli("decision", "approve", reported["decision"], *YES), 1, "is approved already")
    decide(cli, "undo", approval["decision"])
    settle(house)
    assert net(house, AMARA) == 60
    decide(cli, "approve", reported["decision"])
    decide(cli, "undo", reported["decision"])
    settle(house)
    assert net(house, AMARA) == 60
    refused(cli("decision", "approve", reported["decision"], *YES), 1, "was undone: enter it again first")
    refused(cli("decision", "approve", str(uuid4()), *YES), 1, "There is no report")
    with Session(house.engine) as session:
        told = session.scalars(select(AuditEntry.after).where(AuditEntry.action == "decision.self_report")).one()
        assert told is not None
        assert "evidence" not in told


def test_wrong_reports(cli: Cli, house: House) -> None:
    words = [str(community_id(house, "BAY")) if word == "HERE" else word for word in REPORT]
    for old, new, code, says in (
        ("own_work", "online", 1, "takes no self-reported hours in 'online': expected own_work."),
        ("2026-01-20", "2096-01-20", 1, "2096-01-20 is yet to come: hours are reported afterwards."),
        ("2026-01-20", "yesterday", 2, "'yesterday' is not a date"),
        ("45", "-45", 1, "A report is of 1 to 10000 minutes."),
    ):
        refused(cli("decision", *(new if word == old else word for word in words), *YES), code, says)
    refused(cli("decision", *words, "--evidence", "a.pdf", *YES), 2, "The evidence can't be taken: 'a.pdf'")
    assert kinds(house) == []


def test_who_reported_cannot_approve(house: House) -> None:
    staff, other = (Actor.user(uuid4(), (Grant(Role.STAFF),)) for _ in range(2))
    member = membership_id(house, AMARA)
    with Session(house.engine) as session, session.begin():
        draft = deciding.report(
            session,
            member,
            minutes=45,
            component="own_work",
            day=datetime(2026, 1, 20, tzinfo=UTC).date(),
            evidence=(),
            now=house.now,
        )
        report = deciding.write(session, draft, By(staff, Role.STAFF, "As she said.", house.now))
    with Session(house.engine) as session, session.begin():
        with pytest.raises(DecisionError, match="somebody else has to"):
            approving.approve(session, report, actor=staff)
        draft = approving.approve(session, report, actor=other)
        deciding.write(session, draft, By(other, Role.STAFF, "Seen.", house.now))
    settle(house)
    assert net(house, AMARA) == 105


SUBJECTS: tuple[tuple[str, str, Sequence[str]], ...] = (
    ("waive", "cycle", ("--team", "TEAM-S1", "--community", "COP-MATH-BAY")),
    ("waive", "launched", ("--community", "lab:COP-MATH-BAY")),
    ("waive", "shared", ("--program", "deeds")),
    ("waive", "reports", ("--organisation", "S1", "--program", "deeds")),
    ("explain-deviation", "team-size", ("--team", "TEAM-S1", "--community", "COP-MATH-BAY")),
)


def test_waivers_and_rationales(cli: Cli, house: House) -> None:
    person = ("--person", f"lab:{HAO}", "--community", "COP-MATH-BAY")
    waived = decide(cli, "waive", "artifact", *person)
    assert waived["moved"][0]["requirements"] == {"artifact": ["open", "waived"]}
    settle(house)
    assert standing(house, HAO)[2] == {"artifact": "waived"}
    refused(cli("decision", "waive", "artifact", *person, *YES), 1, "'artifact' is waived already, by the decision")
    decide(cli, "undo", waived["decision"])
    settle(house)
    assert standing(house, HAO)[2] == {"artifact": "open"}
    explained = decide(cli, "explain-deviation", "from-schools", *person)
    assert explained["moved"][0]["minutes"] == [0, 0]
    for command, code, options in SUBJECTS:
        data = decide(cli, command, code, *options)
        assert data["looked_at"] == 0
        before, after = data["subject"][code]
        assert (before, after) in (("open", "waived"), ("met", "waived"), ("deviates", "explained")), (code, data)
        refused(cli("decision", command, code, *options, *YES), 1, "already, by the decision")
        undone = decide(cli, "undo", data["decision"])
        assert undone["subject"] == {code: [after, before]}
    settle(house)


def test_wrong_subjects(cli: Cli, house: House) -> None:
    for arguments, code, says in (
        (("waive", "art", "--program", "deeds"), 1, "The program deeds has no requirement 'art': expected one of"),
        (("waive", "artifact", "--program", "deeds"), 1, "'artifact' is a requirement of a participant, and this is a"),
        (("waive", "shared", "--program", "other"), 1, "There is no program 'other'"),
        (("waive", "shared"), 2, "Name whom it is about"),
        (("waive", "cycle", "--team", "TEAM-S1"), 2, "A person or a team is named with --community"),
        (("waive", "reports", "--organisation", "S1"), 2, "An organisation is named with --program"),
        (("waive", "reports", "--organisation", "S9", "--program", "deeds"), 1, "There is no organisation 'S9'"),
        (("waive", "cycle", "--team", "T9", "--community", "COP-MATH-BAY"), 1, "There is no team 'T9' there"),
        (("waive", "cycle", "--team", "T", "--person", "P"), 2, "Name one of --person, --team and --organisation"),
        (("explain-deviation", "size", "--program", "deeds"), 1, "The program deeds has no notice 'size'"),
    ):
        refused(cli("decision", *arguments, *YES), code, says)
    with Session(house.engine) as session, pytest.raises(DecisionError, match="Say of which program"):
        deciding.waive(session, ("organisation", uuid4()), None, "reports", now=house.now)
    assert kinds(house) == []


def transfer(cli: Cli, source: str, target: str, *more: str) -> Answer:
    return cli("decision", "transfer", "lab:11", "--from", source, "--to", target, *more)


def test_a_transfer_adds_up(cli: Cli, house: House) -> None:
    answer = transfer(cli, "COP-MATH-LA", "COP-MATH-BAY", *YES, "--json")
    assert answer.code == 0, answer.err
    (moved,) = answer.data["moved"]
    assert (moved["minutes"], moved["counting"], moved["standing"]) == ([60, 60], [60, 120], ["in_progress"] * 2)
    settle(house)
    assert (net(house, AMARA), standing(house, AMARA)[0]) == (60, 120)
    # What is earned in the earlier community later on goes on adding up.
    decide(cli, "adjust", "lab:11", "COP-MATH-LA", "--minutes", "15", "--component", "online")
    settle(house)
    assert standing(house, AMARA)[0] == 135
    for source, target, says in (
        ("COP-MATH-BAY", "COP-MATH-LA", "transfers can't go round in a circle"),
        ("COP-MATH-LA", "COP-MATH-BAY", "goes on there already: undo that transfer first"),
        ("COP-MATH-LA", "COP-MATH-LA", "A membership can't go on in itself"),
        ("COP-EBWI-BAY", "COP-MATH-BAY", "Both communities have to be of one program"),
    ):
        refused(transfer(cli, source, target, *YES), 1, says)
    decide(cli, "undo", answer.data["decision"])
    settle(house)
    assert standing(house, AMARA)[0] == 60
    with Session(house.engine) as session, pytest.raises(DecisionError, match="of one person"):
        deciding.transfer(session, membership_id(house, HAO), membership_id(house, AMARA))


def test_a_recalculation(cli: Cli, house: House) -> None:
    with Session(house.engine) as session, session.begin():
        more = DEEDS.replace("minutes: 60, component: online", "minutes: 75, component: online")
        add_version(session, more.replace("2025-07-01", "2026-06-01"), "deeds.yaml")
    span = ("--version", "2", "--from", "2026-02-01", "--until", "2026-02-01")
    dry = cli("decision", "recalculate", "deeds", *span, *WHY, "--dry-run", "--json")
    assert dry.data["looked_at"] == 4
    assert [moved["minutes"] for moved in dry.data["moved"]] == [[60, 75], [60, 75]]
    decided = decide(cli, "recalculate", "deeds", *span)
    settle(house)
    assert (net(house, AMARA), net(house, AMARA, "LA")) == (75, 75)
    # Who comes in later is credited so, too.
    house.post([], [enrolment(HAO, LA), completion(HAO, 32, LA)])
    settle(house)
    assert net(house, HAO, "LA") == 75
    decide(cli, "undo", decided["decision"])
    settle(house)
    assert (net(house, AMARA), net(house, AMARA, "LA"), net(house, HAO, "LA")) == (60, 60, 60)
    for old, new, says in (
        ("deeds", "other", "There is no program 'other'"),
        ("2", "3", "has no version 3: expected one of 1, 2."),
        ("--from", "--from", "The days end on 2026-02-01, before they begin on 2026-02-02."),
    ):
        words = [new if word == old else word for word in ("recalculate", "deeds", *span)]
        if old == new:
            words[words.index("--from") + 1] = "2026-02-02"
        refused(cli("decision", *words, *YES), 1, says)


def test_what_is_decided_elsewhere_is_listed_and_not_undone_here(cli: Cli, house: House) -> None:
    member = membership_id(house, AMARA)
    with Session(house.engine) as session, session.begin():
        program = session.scalars(select(ProgramVersionRow.program_id).where(ProgramVersionRow.number == 1)).first()
        common = {"actor": "cli", "actor_role": "it", "reason": "Why not", "decided_at": house.now}
        rows = {
            Kind.BINDING: Decision(data={"binding": str(uuid7())}),
            Kind.CLOSING: Decision(program_id=program, data={"closing": str(uuid7())}),
            Kind.ADMISSION: Decision(membership_id=member, data={"closing": str(uuid7()), "key": "k"}),
        }
        for kind, row in rows.items():
            for name, value in (common | {"kind": str(kind), "correlation_id": uuid7(), "id": uuid7()}).items():
                setattr(row, name, value)
            session.add(row)
        ids = {kind: str(row.id) for kind, row in rows.items()}
    refused(cli("decision", "undo", ids[Kind.BINDING], *YES), 1, "can't be undone: it says which form of an activity")
    refused(cli("decision", "undo", ids[Kind.CLOSING], *YES), 1, "can't be undone: a closed period stays closed")
    undone = decide(cli, "undo", ids[Kind.ADMISSION])
    refused(cli("decision", "undo", ids[Kind.ADMISSION], *YES), 1, f"was undone already, by {undone['decision']}.")
    refused(cli("decision", "undo", undone["decision"], *YES), 1, "it undid another one. Decide that one anew instead")
    refused(cli("decision", "undo", str(uuid4()), *YES), 1, "There is no decision")
    listed = cli("decision", "list", "--json").data
    assert sorted(row["kind"] for row in listed) == ["binding", "closing", "undo"]
    every = cli("decision", "list", "--undone", "--json").data
    assert {row["kind"]: row["state"] for row in every}["admission"] == "undone"
    mine = cli("decision", "list", "--person", f"lab:{AMARA}", "--undone", "--json").data
    assert [row["kind"] for row in mine] == ["undo", "admission"]
    assert "a closed" not in cli("decision", "list", "--program", "deeds").out
    settle(house)


def test_an_empty_list(cli: Cli, house: House) -> None:
    assert cli("decision", "list").out == "Nothing was decided.\n"
    assert cli("milestone", "list").out == "No milestone is recorded.\n"
    with Session(house.engine) as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == 0
