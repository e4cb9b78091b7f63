"""Plan and apply on a simulated Moodle: what is made, in which order, and that a second application writes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine

from records.settings import Settings
from tests.support.provisioning import Office, office


@pytest.fixture
def it(engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("MOODLE_CALLS_PER_MINUTE", "1000000")
    with office(engine, settings, tmp_path) as found:
        yield found
    # The command says where jobs log to, for its process.
    structlog.reset_defaults()


def test_a_plan_changes_nothing_and_an_application_makes_it(it: Office) -> None:
    answer = it("plan")
    assert answer.code == 4, answer.err + answer.out
    assert "6 to create, 0 to change" in answer.out
    assert not it.site.rows("SELECT 1 FROM course WHERE idnumber LIKE 'COP-%-26F'")
    first = it.apply()
    assert first["writes"]
    assert it("plan").code == 0
    again = it.apply()
    assert again["writes"] == 0
    assert it.drift() == {}
