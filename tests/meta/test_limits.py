"""Whoever needs no sign-in for a page is held to a limit there."""

from service.limits import BUDGETS, OPEN_PAGES, SIGN_IN
from service.permissions import DECISIONS, Door

NOT_COUNTED = {"static", "bootstrap.static", "assets.htmx", "health.healthz"}
"""Files of ours, which a browser asks for many at once, and what a supervisor asks every few seconds."""


def test_every_open_page_has_its_limit() -> None:
    opened = {name for name, decision in DECISIONS.items() if decision is Door.OPEN}
    assert opened - NOT_COUNTED <= set(BUDGETS)
    assert set(BUDGETS) <= set(DECISIONS)


def test_what_looks_at_secrets_that_people_type_has_the_smaller_one() -> None:
    assert {name for name, budget in BUDGETS.items() if budget is SIGN_IN} >= {"sign_in.submit", "sign_in.setup_submit"}
    assert BUDGETS["arrive.enter_submit"] is OPEN_PAGES
