"""A program file's preview, its application and the ledger that follows; closed periods, and what comes late."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from records.database import make_engine
from records.models import (
    AuditEntry,
    ClosedMember,
    Closing,
    Decision,
    LedgerEntry,
    Membership,
    ProgramVersionRow,
    uuid7,
)
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.house import LAB, House, people
from tests.support.lab import START, STUDENT, Lab, Module
from tests.support.servers import Database, Servers
from tests.support.settings import make_settings

READ, LOG = 3, 4
ANA, BEN, CLEO = 6, 7, 8
TERM = START - 60 * 86_400
"""When it all happened: a period can be closed once it is over."""
WHY = ("--reason", "The board decided it on Monday.")


@pytest.fixture(scope="module")
def told(servers: Servers, template: str) -> Iterator[tuple[str, House]]:
    """Name of a database that was told once, and its house."""
    name = f"{template}_told"
    database = servers.create(name, template)
    engine, redis = make_engine(database.url), Redis.from_url(servers.redis_url)
    made = House(make_settings(database, servers.redis_url), engine, redis)
    tell(made)
    redis.close()
    engine.dispose()
    yield name, made
    servers.drop(name)


@pytest.fixture
def database(told: tuple[str, House], servers: Servers) -> Iterator[Database]:
    name = f"{told[0]}_{secrets.token_hex(4)}"
    yield servers.create(name, told[0])
    servers.drop(name)


@pytest.fixture
def house(told: tuple[str, House], settings: Settings, engine: Engine, redis: Redis) -> House:
    """Ana has read a page (45 minutes) and kept a log (60), Ben has read; Cleo did nothing."""
    return told[1].copied(settings, engine, redis)


def tell(made: House) -> None:
    lab = Lab(modules={READ: Module("Read: why write"), LOG: Module("A page", "ACT-LOG")}, now=TERM)
    lab.read_role(STUDENT)
    for user in (ANA, BEN, CLEO):
        lab.enrol(user)
    for module, user in ((READ, ANA), (LOG, ANA), (READ, BEN)):
        lab.now += 60
        lab.completions[module, user] = (1, lab.now, None)
    lab.now += 60
    lab.read_everything([ANA, BEN, CLEO])
    made.post([], [item.content for item in lab.items if item.sender == "reading"])
    made.work()


@pytest.fixture
def cli(house: House) -> Cli:
    return Cli(house.settings)


def edited(tmp_path: Path, *changes: tuple[str, str]) -> str:
    """The lab's program with changes; the path of the file."""
    source = LAB
    for old, new in changes:
        assert source.count(old) >= 1, old
        source = source.replace(old, new)
    file = tmp_path / "lab.yaml"
    file.write_text(source)
    return str(file)


LONGER = ('name: "Read: .*", minutes: 45', 'name: "Read: .*", minutes: 75')
SHORTER = ("ACT-LOG, minutes: 60", "ACT-LOG, minutes: 20")


def nets(house: House) -> dict[int, int]:
    with Session(house.engine) as session:
        rows = session.execute(
            select(LedgerEntry.membership_id, func.sum(LedgerEntry.minutes)).group_by(LedgerEntry.membership_id)
        )
        by_membership = {membership: int(minutes) for membership, minutes in rows}
    return {user: by_membership.get(membership, 0) for user, membership in people(house, (ANA, BEN, CLEO)).items()}


def test_a_preview_says_who_gains_and_who_loses_and_changes_nothing(house: House, cli: Cli, tmp_path: Path) -> None:
    file = edited(tmp_path, LONGER, SHORTER)
    found = cli("program", "preview", file, "--json").data
    ids = people(house, (ANA, BEN, CLEO))
    assert {(row["membership"], row["before"], row["after"]) for row in found["moved"]} == {
        (str(ids[ANA]), 105, 95),
        (str(ids[BEN]), 45, 75),
    }
    assert (found["net_before"], found["net_after"], found["memberships"]) == (150, 170, 3)
    told = cli("program", "preview", file)
    assert "1 would gain 0:30 in all, 1 would lose 0:10" in " ".join(told.out.split())
    assert "from 2:30 to 2:50" in " ".join(told.out.split())
    assert nets(house) == {ANA: 105, BEN: 45, CLEO: 0}
    with Session(house.engine) as session:
        assert session.scalar(select(func.count()).select_from(ProgramVersionRow)) == 1


def test_a_preview_says_whose_standing_would_turn(cli: Cli, tmp_path: Path, house: House) -> None:
    file = edited(tmp_path, ("{min_hours: 16, max_hours: 20}", "{min_hours: 0.75, max_hours: 1}"))
    found = cli("program", "preview", file, "--json").data
    ids = people(house, (ANA, BEN))
    turned = {row["membership"]: (row["standing_before"], row["standing_after"]) for row in found["moved"]}
    assert turned == {str(ids[ANA]): ("in_progress", "above"), str(ids[BEN]): ("in_progress", "met")}


def test_a_rule_that_takes_in_what_earned_nothing_is_seen(cli: Cli, tmp_path: Path, house: House) -> None:
    """The form of an activity that no rule matched so far is found by the new version."""
    first = edited(tmp_path, ("  - {rule: reading-log, idnumber: ACT-LOG, minutes: 60, component: online}\n", ""))
    assert cli("program", "apply", first, *WHY, "--yes").code == 0
    # Without its own rule the log earns as a short read.
    assert nets(house) == {ANA: 65, BEN: 45, CLEO: 0}
    (tmp_path / "lab.yaml").write_text(LAB + "\n# The log counts again.\n")
    assert cli("program", "preview", first, "--json").data["net_after"] == 150


def test_applying_records_who_and_why_and_the_ledger_follows(house: House, cli: Cli, tmp_path: Path) -> None:
    answer = cli("program", "apply", edited(tmp_path, LONGER), *WHY, "--yes")
    assert answer.code == 0, answer.err
    assert "applied as version 2" in answer.out
    assert "The ledger says what the preview said: 3:30 in all." in " ".join(answer.out.split())
    assert nets(house) == {ANA: 135, BEN: 75, CLEO: 0}
    assert house.differences() == []
    (_, second) = cli("program", "history", "lab", "--json").data
    assert (second["by"], second["reason"]) == ("cli", WHY[1])
    with Session(house.engine) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "program.loaded")).one()
    assert entry.after is not None
    assert entry.after["reason"] == WHY[1]
    again = cli("program", "apply", str(tmp_path / "lab.yaml"), *WHY, "--yes")
    assert (again.code, again.out) == (0, "lab: this text is version 2 already; nothing changed.\n")


def test_nothing_is_applied_without_a_yes_or_a_reason(house: House, cli: Cli, tmp_path: Path) -> None:
    file = edited(tmp_path, LONGER)
    assert cli("program", "apply", file, *WHY, stdin="n\n").code == 1
    assert cli("program", "apply", file, "--reason", " ", "--yes").code == 2
    assert cli("program", "apply", file, "--yes").code == 2
    assert nets(house) == {ANA: 105, BEN: 45, CLEO: 0}


def test_a_ledger_that_does_not_follow_is_told(
    house: House, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cli.program_apply.reconcile_these", lambda *_: iter(()))
    answer = cli("program", "apply", edited(tmp_path, LONGER), *WHY, "--yes")
    assert answer.code == 1
    assert "2 memberships differ from the preview" in answer.out
    assert nets(house) == {ANA: 105, BEN: 45, CLEO: 0}


def test_a_new_term_keeps_what_was_earned_before(house: House, cli: Cli, tmp_path: Path) -> None:
    later = ("effective_from: 2024-07-01", "effective_from: 2036-07-01")
    assert cli("program", "apply", edited(tmp_path, LONGER, later), *WHY, "--yes").code == 0
    assert nets(house) == {ANA: 105, BEN: 45, CLEO: 0}


def day(moment: int, days: int = 0) -> str:
    return f"{datetime.fromtimestamp(moment, UTC) + timedelta(days=days):%Y-%m-%d}"


FROM_UNTIL = ("--from", day(TERM, -2), "--until", day(TERM, 2))


def close(cli: Cli) -> str:
    answer = cli("period", "close", "lab", *FROM_UNTIL, "--label", "the term", *WHY, "--json")
    assert answer.code == 0, answer.err
    return str(answer.data["closing"])


def test_a_closed_period_keeps_its_minutes_whatever_comes(house: House, cli: Cli, tmp_path: Path) -> None:
    closing = close(cli)
    house.work()
    before = nets(house)
    assert cli("program", "apply", edited(tmp_path, LONGER), *WHY, "--yes").code == 0
    late = Lab(modules={READ: Module("Read: why write"), LOG: Module("A page", "ACT-LOG")}, now=TERM + 4000, reads=500)
    # Cleo's reading comes late, and Ana's log is undone.
    late.completions[READ, CLEO] = (1, TERM + 90, None)
    late.completions[LOG, ANA] = (0, TERM + 3900, None)
    for module, user in ((READ, CLEO), (LOG, ANA)):
        late.read_completion(module, user)
    house.post([], [item.content for item in late.items])
    house.work()
    assert nets(house) == before == {ANA: 105, BEN: 45, CLEO: 0}
    assert house.differences() == []
    ids = people(house, (ANA, BEN, CLEO))
    found = {(row["membership"], row["held"], row["would_be"]) for row in cli("period", "late", "--json").data}
    assert found == {(str(ids[ANA]), 45, 75), (str(ids[ANA]), 60, 0), (str(ids[BEN]), 45, 75), (str(ids[CLEO]), 0, 75)}

    answer = cli("period", "admit", closing, "--membership", str(ids[CLEO]), *WHY)
    assert (answer.code, answer.out) == (0, "Let in: 1 change, 1:15 in all.\n")
    house.work()
    assert nets(house) == {ANA: 105, BEN: 45, CLEO: 75}
    assert cli("period", "admit", closing, *WHY).code == 0
    house.work()
    assert nets(house) == {ANA: 75, BEN: 75, CLEO: 75}
    assert house.differences() == []
    assert cli("period", "late").out == "Nothing came late.\n"
    (row,) = cli("period", "list", "--json").data
    assert row["snapshot"] == "intact"


def test_closing_moves_no_minute(house: House, cli: Cli) -> None:
    before = nets(house)
    close(cli)
    house.work()
    assert nets(house) == before
    assert house.differences() == []
    with Session(house.engine) as session:
        rows = session.scalars(select(ClosedMember)).all()
        assert sorted(row.minutes for row in rows) == [0, 45, 105]
        decision = session.scalars(select(Decision).where(Decision.kind == "closing")).one()
        assert decision.data["sha256"] == session.scalars(select(Closing.sha256)).one()


def test_a_dry_run_of_a_closing_writes_nothing(cli: Cli) -> None:
    answer = cli("period", "close", "lab", *FROM_UNTIL, *WHY, "--dry-run")
    assert answer.out == f"Would be closed: {FROM_UNTIL[1]} to {FROM_UNTIL[3]}, 3 memberships with 2:30 in all.\n"
    assert cli("period", "list").out == "No period is closed.\n"


def test_a_snapshot_cannot_be_changed_by_the_application_and_a_change_is_seen(
    house: House, cli: Cli, owner_engine: Engine
) -> None:
    close(cli)
    for table in ("closings", "closed_members"):
        with pytest.raises(ProgrammingError, match="permission denied"), house.engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names of ours
    with owner_engine.begin() as connection:
        connection.execute(update(ClosedMember).where(ClosedMember.minutes == 45).values(minutes=46))
    answer = cli("period", "list", "--json")
    assert (answer.code, answer.data[0]["snapshot"]) == (1, "CHANGED")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("close", "none", *FROM_UNTIL, *WHY), "There is no program 'none'"),
        (("close", "lab", "--from", "2026-02-01", "--until", "2026-01-01", *WHY), "before it begins on 2026-02-01"),
        (("close", "lab", "--from", "2026-02-01", "--until", "2036-01-01", *WHY), "2036-01-01 isn't over yet"),
        (("close", "lab", *FROM_UNTIL, "--reason", " "), "Closing a period needs a reason"),
        (("admit", str(uuid7()), *WHY), "Nothing of that kind is late"),
    ],
)
def test_what_cannot_be_closed_is_said_in_a_sentence(cli: Cli, arguments: tuple[str, ...], sentence: str) -> None:
    answer = cli("period", *arguments)
    assert answer.code == 1
    assert sentence in answer.err


def test_periods_have_no_days_in_common_and_wait_for_the_workers(house: House, cli: Cli) -> None:
    with Session(house.engine) as session, session.begin():
        session.execute(update(Membership).values(dirty_at=func.now()))
    answer = cli("period", "close", "lab", *FROM_UNTIL, *WHY)
    assert "3 of 3 memberships are about to be computed again" in answer.err
    house.work()
    close(cli)
    house.work()
    again = cli("period", "close", "lab", *FROM_UNTIL, *WHY)
    assert "'the term' is closed already" in again.err
