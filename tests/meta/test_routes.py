"""Routes and decisions belong together: none without the other."""

import pytest
from flask import Flask
from flask_openapi.openapi import OpenAPI

from records.actor import Role
from records.api_tokens import ApiScope
from service import access, intake
from service.api import document
from service.pages.all import PAGES
from service.permissions import DECISIONS, ROLES, ByToken, Door, Permission

# Made by Flask and by Bootstrap-Flask.
PROVIDED = {"static", "bootstrap.static"}


def bare_app() -> Flask:
    """All blueprints, without settings or database."""
    app = OpenAPI("service", static_folder="static", doc_ui=False)
    app.add_url_rule("/bootstrap/<path:filename>", "bootstrap.static", lambda filename: filename)
    for module in PAGES:
        app.register_blueprint(module.blueprint)
    app.register_blueprint(intake.intake)
    document.put_on(app)
    return app


def endpoints(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules()}


def test_every_route_has_its_decision_and_every_decision_its_route() -> None:
    assert endpoints(bare_app()) == set(DECISIONS)


def test_a_route_without_a_decision_stops_the_application() -> None:
    app = bare_app()
    app.add_url_rule("/new", "new.page", lambda: "")
    with pytest.raises(access.UndecidedRoute, match=r"new\.page"):
        access.guard(app)


def test_only_these_are_open() -> None:
    opened = {name for name, decision in DECISIONS.items() if decision is Door.OPEN}
    assert opened == PROVIDED | {
        "account.speak",
        "api.document",
        "arrive.arrived",
        "arrive.enter",
        "arrive.enter_submit",
        "arrive.forget",
        "arrive.here",
        "arrive.left",
        "arrive.personal",
        "arrive.scan",
        "assets.htmx",
        "calendars.feed",
        "health.healthz",
        "identify.begin",
        "identify.answer",
        "opt_out.show",
        "provider_sign_in.answer",
        "provider_sign_in.begin",
        "resets.ask",
        "resets.form",
        "sign_in.form",
        "sign_in.submit",
        "sign_in.setup_form",
        "sign_in.setup_submit",
    }


def test_only_intake_trusts_its_senders_and_the_opt_out_its_link() -> None:
    trusted = {name for name, decision in DECISIONS.items() if decision is Door.SENDER}
    assert {name for name in trusted if not name.startswith("intake.")} == {"opt_out.stop"}


def test_what_is_read_by_get_changes_nothing_and_what_changes_is_posted() -> None:
    methods = {
        (rule.endpoint, frozenset((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        for rule in bare_app().url_map.iter_rules()
    }
    assert {m for _, m in methods} == {frozenset({"GET"}), frozenset({"POST"})}


def test_the_api_is_opened_by_tokens_alone() -> None:
    by_token = {name for name, each in DECISIONS.items() if each is Door.TOKEN or isinstance(each, ByToken)}
    assert by_token == {name for name in DECISIONS if name.startswith("api.")} - {"api.document"}


def test_every_scope_of_tokens_opens_something() -> None:
    assert {each.scope for each in DECISIONS.values() if isinstance(each, ByToken)} == set(ApiScope)


def test_every_permission_belongs_to_some_role() -> None:
    assert set(ROLES) == set(Permission)
    assert all(roles and roles <= set(Role) for roles in ROLES.values())
