"""logstore_xapi: whom a statement is about, and that nobody comes back who was erased."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records import stuck
from records.actor import CLI
from records.erasure import erase
from records.forgotten import count_payloads, redact_inbox
from records.models import Account, IgnoredCount, InboxItem
from records.secrets import Purpose
from records.settings import Settings
from tests.support.intake import NOW, USER, Intake, opened
from tests.support.lrs import EMAIL, UNDONE, account, known, mailed, minutes, named, post, read, send, statement, states
from tests.support.sender import make_site


@pytest.fixture
def lrs(engine: Engine, settings: Settings) -> Iterator[Intake]:
    with opened(engine, settings, make_site(engine, settings, purpose=Purpose.XAPI)) as found:
        yield found


def test_an_email_is_found_in_any_letter_case(lrs: Intake) -> None:
    known(lrs)
    send(lrs, statement(mailed("AMARA@Example.org")))
    assert (states(lrs), minutes(lrs)) == ({USER: 1}, 15)


def test_an_account_is_what_the_user_name_says(lrs: Intake) -> None:
    """The digits 702 are Moodle's id of one person and the username of another."""
    known(lrs)
    read(lrs, [account(702, username="other"), account(703, username="702", idnumber="E-1")])
    send(lrs, statement(named("702"), timestamp="2026-11-21T22:27:21.000Z"), user="id")
    assert set(states(lrs)) == {702}
    send(lrs, statement(named("702"), timestamp="2026-11-21T22:27:22.000Z"), user="username")
    assert set(states(lrs)) == {702, 703}
    send(lrs, statement(named("E-1"), UNDONE, timestamp="2026-11-21T22:27:23.000Z"), user="idnumber")
    assert states(lrs) == {702: 1, 703: 0}
    # An account's key other than an e-mail is exact.
    assert send(lrs, statement(named("e-1")), user="idnumber")[-1] == ("waiting", "unknown_account")


def test_somebody_unknown_waits_and_is_taken_up_when_read(lrs: Intake) -> None:
    known(lrs)
    assert send(lrs, statement(mailed("New@example.org")))[-1] == ("waiting", "unknown_account")
    with Session(lrs.engine) as session:
        mark = session.scalars(select(InboxItem.waits_for).where(InboxItem.status == "waiting")).one()
    assert mark is not None
    assert mark.startswith("account:")
    assert "example" not in mark
    read(lrs, [account(702, email="else@example.org")])
    assert lrs.statuses().count(("waiting", "unknown_account")) == 1
    read(lrs, [account(703, email="new@EXAMPLE.org")])
    assert ("waiting", "unknown_account") not in lrs.statuses()
    assert set(states(lrs)) == {703}


def test_in_one_batch_with_the_reading_of_the_account(lrs: Intake) -> None:
    """Read in the same transaction, or by another worker meanwhile: looked at again after the commit."""
    known(lrs)
    assert post(lrs, [statement(mailed("new@example.org"))]).status_code == 200
    read(lrs, [account(703, email="new@example.org")])
    assert set(states(lrs)) == {703}


def test_two_with_one_address_are_nobody(lrs: Intake) -> None:
    known(lrs)
    read(lrs, [account(702, email=EMAIL.upper())])
    assert send(lrs, statement(mailed()))[-1] == ("quarantined", "ambiguous_account")
    assert states(lrs) == {}
    # Who is gone from Moodle is no reason for doubt.
    read(lrs, [{"kind": "account", "read_at": NOW.timestamp(), "user": 702, "present": False}])
    with Session(lrs.engine) as session, session.begin():
        assert stuck.replay(session, CLI) == (1, 0)
    lrs.work()
    assert states(lrs) == {USER: 1}


# Erased people.


def erase_amara(lrs: Intake) -> None:
    key = lrs.settings.encryption_key
    with Session(lrs.engine) as session, session.begin():
        person = session.scalars(select(Account.person_id).where(Account.moodle_user_id == USER)).one()
        erase(session, person, actor=CLI, reason="A letter asks for it.", encryption_key=key, now=NOW)
    list(redact_inbox(lrs.engine, key))


def test_an_erased_person_comes_back_by_no_key(lrs: Intake) -> None:
    known(lrs)
    read(lrs, [account(USER, 1, username="amara77", idnumber="E-775533", email=EMAIL)])
    send(lrs, statement(mailed(EMAIL.title())), statement(named("amara77")), user="username")
    broken = [statement(mailed()) | {"timestamp": "yesterday"}, statement(mailed()) | {"result": {}}]
    assert send(lrs, *broken).count(("quarantined", "malformed")) == 2
    key = (lrs.sender.site_id, USER)
    assert sum(hit for _, hit in count_payloads(lrs.engine, {key})) == 3 + 4
    assert minutes(lrs) == 15
    erase_amara(lrs)
    assert not traces(lrs)
    later = "2026-11-21T22:29:20.000Z"
    for user, actor in (
        ("username", mailed()),
        ("username", mailed(EMAIL.upper())),
        ("username", named("amara77")),
        ("idnumber", named("E-775533")),
        ("id", named()),
    ):
        before = len(lrs.statuses())
        assert len(send(lrs, statement(actor, UNDONE, timestamp=later), user=user)) == before
    assert not traces(lrs)
    assert minutes(lrs) == 15
    with Session(lrs.engine) as session:
        assert sum(row.count for row in session.scalars(select(IgnoredCount)) if row.reason == "erased") == 5


def test_an_address_that_somebody_else_has_now_is_theirs(lrs: Intake) -> None:
    known(lrs)
    erase_amara(lrs)
    read(lrs, [account(703, email=EMAIL)])
    assert send(lrs, statement(mailed()))[-1] == ("done", None)
    assert set(states(lrs)) == {703}


def traces(lrs: Intake) -> list[str]:
    words = ("amara", "e-775533")
    return [row for row in lrs.everything().splitlines() if any(word in row.lower() for word in words)]


def test_nothing_of_it_is_logged(lrs: Intake, capsys: pytest.CaptureFixture[str]) -> None:
    known(lrs)
    send(lrs, statement(mailed()), statement(mailed("nobody@example.org")), statement(mailed("")), {"actor": mailed()})
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert not any(word in said for word in (lrs.sender.secret, "example.org", "Diallo"))
