"""The API against its own document, as each role: no 5xx, no status and no shape that isn't documented."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as conformance
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records.actor import Grant, Role
from records.models import InboxItem, SessionRow
from records.settings import Settings
from tests.support import seed
from tests.support.api import token_of
from tests.support.seed import BAY, Seeded
from tests.support.web import application

EXAMPLES = dict.fromkeys(Role, 2) | {Role.PROGRAM_ADMIN: 8}
"""Of each route. Every role passes the same code once it is let in: one goes through it thoroughly."""
HELD = [
    checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
]


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings.model_copy(update={"api_requests_per_minute": 1_000_000})) as made:
        yield made


def known(engine: Engine, seeded: Seeded) -> dict[str, Any]:
    """Ids that there are, for some of the requests: the others ask for ids that there aren't."""
    with Session(engine) as session:
        return {
            "community_id": str(seeded.communities[BAY]),
            "membership_id": str(seed.membership(engine, seeded, 11)),
            "person_id": str(seeded.persons[11]),
            "session_id": str(session.scalars(select(SessionRow.id).limit(1)).one()),
            "site_id": str(seeded.site),
            "event_id": session.scalars(select(InboxItem.id).limit(1)).one(),
        }


@pytest.mark.parametrize("role", Role)
def test_as_documented(app: Flask, engine: Engine, seeded: Seeded, role: Role) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    headers = {"Authorization": f"Bearer {token_of(engine, [Grant(role)])}"}
    ids, answered = known(engine, seeded), set[tuple[str, int]]()
    operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 28
    for operation in operations:

        @settings(
            max_examples=EXAMPLES[role],
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), there=st.booleans())
        def ask(case: Any, there: bool) -> None:
            if there:
                for name in case.path_parameters:
                    case.path_parameters[name] = ids.get(name, case.path_parameters[name])
            answer = case.call_and_validate(headers=headers, checks=HELD)
            answered.add((case.operation.label, answer.status_code))

        ask()
    # It got further than the door.
    assert {status for _, status in answered} >= {200}
    if role is Role.PROGRAM_ADMIN:
        fine = {label for label, status in answered if status in (200, 201)}
        assert len(fine) >= 20, sorted(answered)
