"""The ledger: only added to, explained by its inputs, and nothing credited twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from jobs import process, reconcile
from records import audit
from records.actor import SYSTEM
from records.database import UnsafeDatabase, check_database, make_engine
from records.memberships import mark_dirty, mark_program
from records.models import Decision, InboxItem, LedgerEntry, Membership, ProgramRow, uuid7
from records.programs import add_version
from tests.support.bench import Bench
from tests.support.house import LAB, NOW, House, people
from tests.support.lab import STUDENT, Lab, Module

USER, PAGE, LOG = 6, 3, 4


@pytest.fixture
def lab() -> Lab:
    return Lab(modules={PAGE: Module("Read: why write"), LOG: Module("A page", "ACT-LOG")})


@pytest.fixture
def house(bench: Bench, lab: Lab) -> House:
    """A participant who read a page, for 45 minutes."""
    house = bench.emptied()
    lab.read_role(STUDENT)
    lab.read_everything([])
    lab.enrol(USER)
    lab.set_state(PAGE, USER, 1)
    deliver(house, lab)
    return house


def deliver(house: House, lab: Lab) -> None:
    """Send what happened since, and work it off."""
    events = [item.as_event(0) | {"id": str(uuid7())} for item in lab.items if item.sender == "wire"]
    house.post(events, [item.content for item in lab.items if item.sender == "reading"])
    lab.items = []
    lab.now += 1
    house.work()
    assert house.differences() == []


def entries(house: House) -> list[LedgerEntry]:
    with Session(house.engine) as session:
        return list(session.scalars(select(LedgerEntry).order_by(LedgerEntry.credit_key, LedgerEntry.ordinal)))


def touch(house: House) -> None:
    """Mark everybody as to be reconciled."""
    with Session(house.engine) as session, session.begin():
        mark_dirty(session, select(Membership.id))


@pytest.mark.parametrize("table", ["ledger", "audit"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} ADD x int", "DROP TABLE {}"],
)
def test_the_application_may_only_add(house: House, table: str, statement: str) -> None:
    with Session(house.engine) as session, session.begin():
        audit.record(session, SYSTEM, "test.done", "nothing")
    before = len(entries(house))
    with pytest.raises(ProgrammingError) as refused, house.engine.begin() as connection:
        connection.execute(text(statement.format(table)))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
    assert len(entries(house)) == before == 1


@pytest.mark.parametrize(
    "way",
    [
        "SET ROLE copbridge_owner; DELETE FROM ledger",
        "SET session_replication_role = replica; DELETE FROM ledger",
        "GRANT DELETE ON ledger TO CURRENT_USER; DELETE FROM ledger",
        "CREATE RULE away AS ON DELETE TO ledger DO INSTEAD NOTHING; DELETE FROM ledger",
    ],
)
def test_the_application_may_not_switch_its_limits_off(house: House, way: str) -> None:
    with pytest.raises(ProgrammingError), house.engine.begin() as connection:
        connection.execute(text(way))
    assert len(entries(house)) == 1


def test_a_database_that_could_rewrite_the_ledger_is_refused(bench: Bench) -> None:
    check_database(bench.house.engine)
    admin = make_engine(bench.database.admin_url)
    for engine in (bench.owner, admin):
        with pytest.raises(UnsafeDatabase, match="may change rows of 'ledger'"):
            check_database(engine)
    admin.dispose()


@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE"])
@pytest.mark.parametrize("table", ["ledger", "audit"])
def test_a_single_right_too_many_is_refused(bench: Bench, table: str, right: str) -> None:
    role = bench.house.engine.url.username
    with bench.owner.begin() as connection:
        connection.execute(text(f'GRANT {right} ON {table} TO "{role}"'))
    try:
        with pytest.raises(UnsafeDatabase, match=f"may change rows of '{table}'"):
            check_database(bench.house.engine)
    finally:
        with bench.owner.begin() as connection:
            connection.execute(text(f'REVOKE {right} ON {table} FROM "{role}"'))
    check_database(bench.house.engine)


def test_a_database_that_could_lose_what_it_confirmed_is_refused(bench: Bench) -> None:
    role, name = bench.house.engine.url.username, bench.database.name
    setting = f'ALTER ROLE "{role}" IN DATABASE "{name}"'
    with psycopg.connect(bench.database.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"{setting} SET synchronous_commit = off".encode())
        try:
            engine = make_engine(bench.database.url)
            with pytest.raises(UnsafeDatabase, match="synchronous_commit off"):
                check_database(engine)
            engine.dispose()
        finally:
            admin.execute(f"{setting} RESET synchronous_commit".encode())


def test_one_key_and_ordinal_of_a_membership_stands_once(house: House) -> None:
    """The backstop below all locks."""
    entry = entries(house)[0]
    values = {c.name: getattr(entry, c.name) for c in LedgerEntry.__table__.columns if c.name != "created_at"}
    with pytest.raises(IntegrityError, match="uq_ledger_membership_id"), house.engine.begin() as connection:
        connection.execute(insert(LedgerEntry).values(values | {"id": uuid7()}))


def test_an_entry_is_reversed_once(house: House, lab: Lab) -> None:
    lab.set_state(PAGE, USER, 0)
    deliver(house, lab)
    reversal = entries(house)[1]
    values = {c.name: getattr(reversal, c.name) for c in LedgerEntry.__table__.columns if c.name != "created_at"}
    with pytest.raises(IntegrityError, match="uq_ledger_reverses"), house.engine.begin() as connection:
        connection.execute(insert(LedgerEntry).values(values | {"id": uuid7(), "ordinal": 9}))


def test_every_change_is_a_chain_of_entries(house: House, lab: Lab) -> None:
    for state in (0, 1, 1, 0):
        lab.set_state(PAGE, USER, state)
        deliver(house, lab)
    chain = entries(house)
    assert [(e.ordinal, e.minutes) for e in chain] == [(1, 45), (2, -45), (3, 45), (4, -45)]
    assert [e.reverses for e in chain] == [None, chain[0].id, None, chain[2].id]
    assert {(e.component, e.rule, e.happened_at) for e in chain} == {("online", "long-read", chain[0].happened_at)}
    assert all(e.fact_id for e in chain)


def test_reconciling_again_adds_nothing(house: House) -> None:
    before = [e.id for e in entries(house)]
    for _ in range(3):
        touch(house)
        house.work()
    assert [e.id for e in entries(house)] == before


def test_the_correlation_leads_from_the_webhook_to_the_entry(house: House, lab: Lab) -> None:
    lab.set_state(LOG, USER, 1)
    deliver(house, lab)
    lab.set_state(LOG, USER, 0)
    deliver(house, lab)
    with Session(house.engine) as session:
        rows = session.execute(select(InboxItem.id, InboxItem.correlation_id).order_by(InboxItem.id)).all()
    done, undone = rows[-2].correlation_id, rows[-1].correlation_id
    assert done != undone
    chain = [e for e in entries(house) if f":{LOG}:" in e.credit_key]
    assert [(e.minutes, e.correlation_id) for e in chain] == [(60, done), (-60, undone)]


def test_eight_workers_reconcile_one_membership_once(
    house: House, lab: Lab, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them find it dirty at the same moment, several times over; the backstop is never reached."""
    gate = threading.Barrier(8)
    engines = [make_engine(bench.database.url, pool_size=1) for _ in range(8)]

    def worker(number: int) -> int:
        gate.wait()
        return reconcile.reconcile_dirty(engines[number], house.clock)

    with ThreadPoolExecutor(8) as pool:
        for turn in range(6):
            lab.set_state(LOG, USER, (turn + 1) % 2)
            lab.now += 1
            house.post([lab.items.pop().as_event(turn, copy=77)])
            process.drain(house.engine, house.settings.encryption_key)
            assert sum(pool.map(worker, range(8))) >= 1
    for engine in engines:
        engine.dispose()
    assert "failed" not in capsys.readouterr().out
    house.work()
    chain = [e for e in entries(house) if f":{LOG}:" in e.credit_key]
    assert [(e.ordinal, e.minutes) for e in chain] == [(n + 1, 60 if n % 2 == 0 else -60) for n in range(6)]
    assert house.differences() == []


def decide(house: House, member: UUID, minutes: int, *, undoes: UUID | None = None) -> UUID:
    """An adjustment by somebody in the office, or the undoing of one."""
    decision = Decision(
        id=uuid7(),
        kind="undo" if undoes else "adjustment",
        membership_id=member,
        actor="cli",
        actor_role="program_admin",
        reason="The sign-in sheet was lost.",
        data={} if undoes else {"minutes": minutes, "component": "face_to_face"},
        undoes=undoes,
        decided_at=NOW - timedelta(days=1),
        correlation_id=uuid7(),
    )
    with Session(house.engine) as session, session.begin():
        session.add(decision)
        session.flush()
        mark_dirty(session, select(Membership.id).where(Membership.id == member))
        found = decision.id
    house.work()
    assert house.differences() == []
    return found


def test_a_decision_is_an_input_and_is_undone_by_another(house: House) -> None:
    member = people(house, [USER])[USER]
    adjustment = decide(house, member, 90)
    assert total(house) == {"online": 45, "face_to_face": 90}
    decide(house, member, 0, undoes=adjustment)
    assert total(house) == {"online": 45}
    chain = [e for e in entries(house) if e.decision_id == adjustment]
    assert [(e.minutes, e.rule, e.credit_key) for e in chain] == [
        (90, "adjustment", f"decision:{adjustment}"),
        (-90, "adjustment", f"decision:{adjustment}"),
    ]


def total(house: House) -> dict[str, int]:
    with Session(house.engine) as session:
        rows = session.execute(
            select(LedgerEntry.component, func.sum(LedgerEntry.minutes)).group_by(LedgerEntry.component)
        )
        return {component: int(minutes) for component, minutes in rows if minutes}


def later_version(source: str, day: str, minutes: int) -> str:
    """The program from a day on, with another worth of what is read."""
    rule = 'name: "Read: .*", minutes: '
    return source.replace("effective_from: 2024-07-01", f"effective_from: {day}").replace(
        rule + "45", rule + str(minutes)
    )


def test_the_version_in_force_on_the_day_counts(bench: Bench, lab: Lab) -> None:
    """Loaded before or after, processed early or late: the fact's date decides, in the program's time zone."""
    house = bench.emptied()
    midnight = datetime(2026, 11, 21, 8, tzinfo=UTC)
    """Midnight in Los Angeles."""
    lab.read_role(STUDENT)
    lab.read_everything([])
    people_of = {6: midnight - timedelta(seconds=1), 7: midnight}
    for user, moment in people_of.items():
        lab.now = int(moment.timestamp()) - 100
        lab.enrol(user)
        lab.now = int(moment.timestamp())
        lab.set_state(PAGE, user, 1)
    deliver(house, lab)
    assert by_user(house) == {6: 45, 7: 45}
    with Session(house.engine) as session, session.begin():
        version, new = add_version(session, later_version(LAB, "2026-11-21", 30), "later.yaml")
        assert new
        mark_program(session, version.program_id)
        version_id = version.id
    house.work()
    assert by_user(house) == {6: 45, 7: 30}
    assert house.differences() == []
    with Session(house.engine) as session:
        standing = session.scalars(select(LedgerEntry).where(LedgerEntry.program_version_id == version_id)).all()
        assert [entry.minutes for entry in standing] == [30]
    _forget(bench, version_id)


def _forget(bench: Bench, version_id: UUID) -> None:
    """The next test has one version again."""
    bench.emptied()
    with bench.owner.begin() as connection:
        connection.execute(text("DELETE FROM program_versions WHERE id = :id"), {"id": version_id})


def by_user(house: House) -> dict[int, int]:
    found = house.books()["standings"]
    return {int(name.rsplit("/", 1)[1]): row["minutes"] for name, row in found.items()}


def test_a_second_version_moves_no_past_credit(house: House, bench: Bench) -> None:
    before = [e.id for e in entries(house)]
    with Session(house.engine) as session, session.begin():
        version, _ = add_version(session, later_version(LAB, "2026-12-01", 5), "next.yaml")
        assert mark_program(session, version.program_id) == 1
        version_id = version.id
        assert session.scalar(select(func.count()).select_from(ProgramRow)) == 1
    house.work()
    assert [e.id for e in entries(house)] == before
    assert house.differences() == []
    _forget(bench, version_id)


def test_a_proposed_form_changes_no_minute(house: House, lab: Lab) -> None:
    before = [e.id for e in entries(house)]
    lab.modules[PAGE] = Module("A page", "ACT-LOG")
    lab.read_module(PAGE)
    deliver(house, lab)
    statuses = {(row[2], row[3]) for row in house.books()["bindings"] if row[0] == PAGE}
    assert statuses == {("Read: why write", "active"), ("A page", "proposed")}
    assert [e.id for e in entries(house)] == before


def test_rebuild_finds_what_the_books_lack(house: House, bench: Bench) -> None:
    """The comparison that everything here relies on does see a wrong entry and a wrong standing."""
    with bench.owner.begin() as connection:
        connection.execute(update(LedgerEntry).values(minutes=44))
    assert [d.what for d in house.differences()] == ["net", "entry"]
    with bench.owner.begin() as connection:
        connection.execute(update(LedgerEntry).values(minutes=45))
        connection.execute(text("UPDATE standings SET minutes = 46"))
        connection.execute(text("UPDATE memberships SET status = 'left'"))
    assert [d.what for d in house.differences()] == ["standing", "membership"]
