"""The REST API: what it reads and writes, page by page, once, and only as it was read."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, event, func, select, update
from sqlalchemy.orm import Session

from jobs import reconcile
from records import idempotency
from records.actor import Grant, Role, Scope
from records.models import (
    ApiToken,
    AuditEntry,
    Decision,
    IdempotencyKey,
    LedgerEntry,
    Presence,
    SessionRow,
    User,
    uuid7,
)
from records.settings import Settings
from service import limits
from tests.support import readings, seed
from tests.support.api import Api, problem, token_of
from tests.support.seed import BAY, LA, Seeded
from tests.support.web import application


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def api(app: Flask, engine: Engine) -> Api:
    return Api.of(app, token_of(engine, [Grant(Role.PROGRAM_ADMIN)]))


def everything(api: Api, path: str, limit: int = 1) -> list[dict[str, Any]]:
    """All pages of a list, by their Link headers."""
    found: list[dict[str, Any]] = []
    following = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    while following:
        answer = api.get(following)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        page = answer.get_json()
        assert len(page["items"]) <= limit
        found += page["items"]
        link = answer.headers.get("Link", "")
        assert bool(link) == (page["next"] is not None)
        following = link[1:].partition(">")[0].removeprefix("/api/v1")
    return found


def test_what_the_token_may(api: Api) -> None:
    found = api.get("/token").get_json()
    assert (found["name"], found["grants"][0]["role"]) == ("tests", "program_admin")
    assert "adjustments:write" in found["scopes"]


def test_lists_go_on_page_by_page_and_are_filtered(api: Api, seeded: Seeded) -> None:
    found = everything(api, "/communities")
    assert {each["id"] for each in found} == {str(each) for each in seeded.communities.values()}
    assert [each["id"] for each in everything(api, "/communities", 200)] == [each["id"] for each in found]
    in_la = everything(api, "/communities?region=LA")
    assert {each["topic"] for each in in_la} == {"EBWIESL", "MATH"}
    assert everything(api, "/communities?host=nowhere") == []
    one = api.get(f"/communities/{seeded.communities[BAY]}").get_json()
    assert one in found
    assert one["titles"] == ["Evidence-Based Writing (ESL), Bay Area, spring"]


def test_standings_are_those_of_the_board(api: Api, seeded: Seeded) -> None:
    bay = str(seeded.communities[BAY])
    standings = {each["community"]: each for each in everything(api, "/standings")}
    assert standings[bay]["participants"] == 6
    assert standings[bay] == api.get(f"/communities/{bay}/standing").get_json()
    people = everything(api, f"/communities/{bay}/memberships?role=participant&status=active", 4)
    assert sum(each["standing"]["minutes"] for each in people) == standings[bay]["minutes"] > 0
    met = [each for each in people if each["standing"]["status"] in ("met", "above")]
    assert len(met) == standings[bay]["met"]


def test_a_membership_is_explained_to_the_minute(api: Api, engine: Engine, seeded: Seeded) -> None:
    amara = seed.membership(engine, seeded, 11)
    found = api.get(f"/memberships/{amara}").get_json()
    assert (found["name"], found["person"]) == ("Amara Okafor", str(seeded.persons[11]))
    told = api.get(f"/memberships/{amara}/explanation").get_json()
    assert sum(line["minutes"] for line in told["lines"]) == told["all_minutes"] == found["standing"]["all_minutes"]
    past = api.get(f"/memberships/{amara}/explanation?true_on={seed.START.date()}").get_json()
    assert 0 <= past["all_minutes"] < told["all_minutes"]
    problem(api.get(f"/memberships/{amara}/explanation?known_on=2999-01-01"), 422, "invalid")
    wrong = problem(api.get(f"/memberships/{amara}/explanation?known_on=soon"), 422, "invalid")
    assert wrong["errors"][0]["parameter"] == "known_on"


def test_people_are_found_by_an_exact_key_that_no_address_holds(api: Api, seeded: Seeded) -> None:
    for key in ("E0011", "11"):
        (found,) = api.post("/people/search", {"key": key}).get_json()["items"]
        assert found["id"] == str(seeded.persons[11])
        assert found == api.get(f"/people/{found['id']}").get_json()
        assert [each["community"] for each in found["memberships"]] == [str(seeded.communities[BAY])]
    assert api.post("/people/search", {"key": "Amara"}).get_json() == {"items": []}


def test_who_has_it_already_is_told_so(api: Api, seeded: Seeded) -> None:
    path = f"/communities/{seeded.communities[BAY]}/memberships"
    first = api.get(path)
    again = api.get(path, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.get_data()) == (304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert api.get(path, If_None_Match='"another"').status_code == 200


def test_no_list_asks_more_the_longer_it_is(api: Api, app: Flask, seeded: Seeded, engine: Engine) -> None:
    bay, asked = seeded.communities[BAY], list[str]()
    event.listen(app.extensions["copbridge"].engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    membership = seed.membership(engine, seeded, 11)
    # That a token is used is written down once a minute.
    api.get("/token")
    for path in (
        *("/communities", "/standings", f"/communities/{bay}/memberships", f"/communities/{bay}/sessions"),
        *(f"/memberships/{membership}/adjustments", "/sites", "/events", "/jobs"),
    ):
        counts = []
        for limit in (1, 200):
            asked.clear()
            assert api.get(f"{path}?limit={limit}").status_code == 200
            counts.append(len(asked))
        assert counts[0] == counts[1], path


NEW = {"title": "A third session", "code": "S3", "starts_at": "2026-03-02T10:00:00-08:00", "mode": "virtual"}


def plan(api: Api, seeded: Seeded, **more: Any) -> dict[str, Any]:
    answer = api.post(f"/communities/{seeded.communities[BAY]}/sessions", {**NEW, "planned_minutes": 90, **more})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/sessions/{found['id']}"
    return found


def test_sessions_are_planned_moved_as_they_were_read_and_cancelled(api: Api, engine: Engine, seeded: Seeded) -> None:
    made = plan(api, seeded)
    path = f"/sessions/{made['id']}"
    read = api.get(path)
    assert read.get_json() == made
    assert made["timezone"] == "America/Los_Angeles"
    move = {"starts_at": "2026-03-03T10:00:00-08:00"}
    problem(api.post(f"{path}/move", move), 428, "if-match")
    problem(api.post(f"{path}/move", move, If_Match='"stale"'), 412, "changed")
    moved = api.post(f"{path}/move", move, If_Match=read.headers["ETag"])
    assert moved.get_json()["starts_at"].startswith("2026-03-03T18:00:00")
    problem(api.post(f"{path}/move", move, If_Match=read.headers["ETag"]), 412, "changed")
    assert api.get(path).headers["ETag"] == moved.headers["ETag"]
    assert api.post(f"{path}/cancel", {"reason": "ill"}).get_json()["cancelled_at"]
    problem(api.post(f"{path}/cancel", {"reason": "ill"}), 409, "conflict")
    with Session(engine) as session:
        row = session.get_one(SessionRow, UUID(made["id"]))
        assert row.cancelled_at is not None
    listed = everything(api, f"/communities/{seeded.communities[BAY]}/sessions", 2)
    assert [each["code"] for each in listed] == ["S1", "S2", "S3"]
    later = everything(api, f"/communities/{seeded.communities[BAY]}/sessions?since=2026-03-01T00:00:00Z")
    assert [each["code"] for each in later] == ["S3"]


def test_what_a_session_cannot_be_is_said_beside_its_field(api: Api, seeded: Seeded) -> None:
    path = f"/communities/{seeded.communities[BAY]}/sessions"
    for more, pointer in (
        ({"code": "S1", "planned_minutes": 60}, "/code"),
        ({"mode": "by_pigeon", "planned_minutes": 60}, "/mode"),
        ({}, "/planned_minutes"),
        ({"timezone": "Moon/Base", "planned_minutes": 60}, "/timezone"),
        ({"ends_at": "2026-03-01T10:00:00Z"}, "/ends_at"),
    ):
        found = problem(api.post(path, NEW | more), 422, "refused")
        assert [each["pointer"] for each in found["errors"]] == [pointer], more


def test_attendance_is_recorded_by_the_rules_of_the_roster(api: Api, engine: Engine, seeded: Seeded) -> None:
    path = f"/sessions/{plan(api, seeded)['id']}/attendance"
    people = {each["person"]: each for each in everything(api, path, 3)}
    amara = str(seeded.persons[11])
    assert people[amara]["stands"] is None
    assert len(people) >= 7
    # It is long over: a correction, which wants a reason.
    wrong = problem(api.post(path, {"person": amara, "what": "present"}), 422, "refused")
    assert wrong["errors"][0]["pointer"] == "/reason"
    given = {"person": amara, "what": "present", "reason": "She was there."}
    told = api.post(path, given).get_json()
    assert (told["stands"]["way"], told["stands"]["minutes"]) == ("decided", 90)
    # Said on what stood before that.
    problem(api.post(path, {**given, "what": "absent"}), 409, "conflict")
    told = api.post(path, {**given, "what": "minutes", "minutes": 30, "seen": told["version"]}).get_json()
    assert told["stands"]["minutes"] == 30
    nobody = problem(api.post(path, {**given, "person": str(uuid7())}), 422, "refused")
    assert nobody["errors"][0]["pointer"] == "/person"
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)
    with Session(engine) as session:
        decided = session.scalars(select(Presence.minutes).where(Presence.way == "decided").order_by(Presence.id))
        assert list(decided) == [90, 30]


def adjust(api: Api, membership: UUID, key: str = "", **more: Any) -> Any:
    headers = {"Idempotency_Key": key} if key else {}
    body = {"minutes": 30, "component": "online", "reason": "A mistake of ours."}
    return api.post(f"/memberships/{membership}/adjustments", {**body, **more}, **headers)


def net(engine: Engine, membership: UUID) -> int:
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)
    with Session(engine) as session:
        total = select(func.sum(LedgerEntry.minutes)).where(LedgerEntry.membership_id == membership)
        return int(session.scalar(total) or 0)


def test_adjustments_move_the_ledger_and_are_undone(api: Api, engine: Engine, seeded: Seeded) -> None:
    mei = seed.membership(engine, seeded, 13)
    before = net(engine, mei)
    component = next(iter(api.get(f"/memberships/{mei}/standing").get_json()["by_component"]))
    answer = adjust(api, mei, component=component)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made = answer.get_json()
    assert (made["state"], made["role"]) == ("stands", "program_admin")
    assert net(engine, mei) == before + 30
    undo = f"/adjustments/{made['id']}/undo"
    problem(api.post(undo, {"reason": "no"}, If_Match='"stale"'), 412, "changed")
    undone = api.post(undo, {"reason": "It was none."}).get_json()
    assert undone["state"] == "undone"
    assert net(engine, mei) == before
    with Session(engine) as session:
        moved = session.scalars(select(AuditEntry).where(AuditEntry.action == "decision.moved").order_by(AuditEntry.id))
        told: list[tuple[Any, Any]] = [(row.before or {}, row.after or {}) for row in moved]
        assert [now[str(mei)][0] - was[str(mei)][0] for was, now in told] == [30, -30]
    problem(api.post(undo, {"reason": "no"}), 409, "conflict")
    assert everything(api, f"/memberships/{mei}/adjustments") == [undone]
    problem(adjust(api, mei, component="no-such"), 422, "refused")
    problem(adjust(api, mei, minutes=0, component=component), 422, "refused")
    # What a page warns of and asks again, is refused until it is said to be meant.
    much = {"minutes": -before - 1, "component": component}
    assert "less than nothing" in problem(adjust(api, mei, **much), 422, "refused")["detail"]
    assert net(engine, mei) == before
    assert adjust(api, mei, below_zero=True, **much).status_code == 201
    assert net(engine, mei) == -1
    # So is taking back what holds a total up.
    given = f"/adjustments/{adjust(api, mei, component=component).get_json()['id']}/undo"
    assert "less than nothing" in problem(api.post(given, {"reason": "none"}), 422, "refused")["detail"]
    assert api.post(given, {"reason": "none", "below_zero": True}).get_json()["state"] == "undone"
    assert net(engine, mei) == -1


def test_a_repeated_write_is_answered_alike_and_does_nothing(api: Api, engine: Engine, seeded: Seeded) -> None:
    mei = seed.membership(engine, seeded, 13)
    component = next(iter(api.get(f"/memberships/{mei}/standing").get_json()["by_component"]))
    first, again = adjust(api, mei, "k-1", component=component), adjust(api, mei, "k-1", component=component)
    assert (first.status_code, first.get_data()) == (again.status_code, again.get_data())
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    problem(adjust(api, mei, "k-1", component=component, minutes=31), 422, "key-reused")
    problem(adjust(api, mei, "k" * 256, component=component), 422, "invalid")
    # What was refused did nothing, and its key may be used again.
    problem(adjust(api, mei, "k-2", component="no-such"), 422, "refused")
    assert adjust(api, mei, "k-2", component=component).status_code == 201
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == 2
        kept = session.scalars(select(IdempotencyKey).where(IdempotencyKey.key == "k-1")).one()
        assert kept.answer is not None
        assert b"A mistake of ours" not in kept.answer


def test_what_is_under_way_is_said(api: Api, engine: Engine, seeded: Seeded, settings: Settings) -> None:
    mei = seed.membership(engine, seeded, 13)
    with Session(engine) as session:
        token_id = session.scalars(select(ApiToken.id)).one()
        # Somebody's first request with this key hasn't ended yet.
        assert idempotency.begin(session, token_id, "k-1", "", readings.NOW, settings.encryption_key) is None
        problem(adjust(api, mei, "k-1", component="online"), 409, "under-way")


def test_answers_are_forgotten_after_a_day(engine: Engine, seeded: Seeded, api: Api) -> None:
    mei = seed.membership(engine, seeded, 13)
    component = next(iter(api.get(f"/memberships/{mei}/standing").get_json()["by_component"]))
    adjust(api, mei, "k-1", component=component)
    with Session(engine) as session, session.begin():
        old = session.scalars(select(IdempotencyKey.created_at)).one()
        assert idempotency.prune(session, old) == 0
        session.execute(update(IdempotencyKey).values(created_at=old - idempotency.KEPT))
        assert idempotency.prune(session, old) == 1


def test_events_are_told_without_their_content(api: Api, engine: Engine, seeded: Seeded) -> None:
    seed.take_in(engine, seeded.site, [readings.completion(11, 999, BAY)])
    waiting = everything(api, "/events?status=waiting")
    assert len(waiting) == 1
    assert waiting[0]["site"] == str(seeded.site)
    assert "payload" not in waiting[0]
    assert api.get(f"/events/{waiting[0]['id']}").get_json() == waiting[0]
    everybody = everything(api, "/events", 7)
    assert [each["id"] for each in everybody] == sorted((each["id"] for each in everybody), reverse=True)
    (site,) = everything(api, "/sites")
    assert site["events"]["waiting"] == 1
    assert api.get(f"/sites/{site['id']}").get_json() == site
    assert everything(api, "/jobs") == []
    assert api.get("/periodic-jobs").status_code == 200


def test_bad_requests_are_told_what_is_wrong(api: Api, app: Flask, engine: Engine, seeded: Seeded) -> None:
    mei = seed.membership(engine, seeded, 13)
    path, headers = f"/api/v1/memberships/{mei}/adjustments", {"Authorization": f"Bearer {api.token}"}
    with app.test_client() as client:
        sent: tuple[tuple[Any, str, int, str], ...] = (
            (b"{", "application/json", 400, "malformed"),
            (b"[" * 50_000, "application/json", 400, "malformed"),
            (b'{"reason": "a\\u0000b"}', "application/json", 400, "malformed"),
            (b'{"reason": "\\ud800"}', "application/json", 400, "malformed"),
            (b"[]", "application/json", 422, "invalid"),
            (b'"{}"', "application/json", 422, "invalid"),
            (b"minutes=3", "application/x-www-form-urlencoded", 415, "not-json"),
            (b'{"a": "' + b"x" * 70_000 + b'"}', "application/json", 413, "too-large"),
            (b'{"minutes": "30", "component": "online", "reason": " ", "more": 1}', "application/json", 422, "invalid"),
        )
        for body, kind, status, name in sent:
            found = problem(client.post(path, data=body, content_type=kind, headers=headers), status, name)
        assert {each["pointer"] for each in found["errors"]} == {"/minutes", "/reason", "/more"}
        refused = client.put(path, headers=headers)
        problem(refused, 405, "method")
        assert refused.headers["Allow"] == "GET, HEAD, POST"
        problem(client.get("/api/v1/nothing"), 404, "not-found")
    for query in ("limit=0", "limit=201", "limit=many", "cursor=!", "cursor=YWJj", "colour=red"):
        problem(api.get(f"/communities?{query}"), 422, "invalid")
    problem(api.get("/events?cursor=YWJj"), 422, "invalid")
    problem(api.get("/events/99999999999999999999"), 422, "invalid")


def test_a_token_is_held_to_its_budget(settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # A slow machine may take longer than a minute for it.
    monkeypatch.setattr(limits, "SECONDS", 3600)
    few = settings.model_copy(update={"api_requests_per_minute": 2})
    with application(few) as app:
        mine = Api.of(app, token_of(engine, [Grant(Role.STAFF)]))
        other = Api.of(app, token_of(engine, [Grant(Role.STAFF)], email="other@example.org"))
        assert mine.get("/token").headers["RateLimit-Limit"] == "2"
        assert mine.get("/token").headers["RateLimit-Remaining"] == "0"
        refused = mine.get("/token")
        problem(refused, 429, "too-many")
        assert int(refused.headers["Retry-After"]) >= 1
        assert other.get("/token").status_code == 200


def test_a_token_is_worth_what_its_user_may_now(app: Flask, engine: Engine, seeded: Seeded) -> None:
    api = Api.of(app, token_of(engine, [Grant(Role.STAFF, Scope.COMMUNITY, str(seeded.communities[LA]))]))
    assert [each["id"] for each in everything(api, "/communities")] == [str(seeded.communities[LA])]
    with Session(engine) as session:
        first = session.scalars(select(ApiToken.used_at)).one()
    assert first is not None
    api.get("/token")
    with Session(engine) as session, session.begin():
        # At most once a minute.
        assert session.scalars(select(ApiToken.used_at)).one() == first
        session.execute(update(User).where(User.email == "robin@example.org").values(active=False))
    problem(api.get("/token"), 401, "token-refused")
    with Session(engine) as session:
        made = session.scalars(select(AuditEntry).where(AuditEntry.action == "api_token.made")).one()
        assert api.token not in str(made.after)
