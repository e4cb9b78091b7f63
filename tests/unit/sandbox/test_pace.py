"""A wire that loses events, and web services at a real site's pace."""

import json
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.disorder import Disorder
from sandbox.many import Many, fill
from sandbox.pace import Pace, milliseconds
from sandbox.sender import Sender
from sandbox.serving import serving
from sandbox.site import Site

BAY = "COP-EBWIESL-BAY"
STATUSES = "core_completion_get_activities_completion_status"


def sent(site: Site, disorder: Disorder, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The batches that such a wire carries of what waits."""
    found: list[dict[str, Any]] = []

    def post(_: Sender, batch: dict[str, Any]) -> dict[str, str]:
        found.append(batch)
        return {f"{kind}/{i}": "accepted" for kind in ("events", "readings") for i in range(len(batch[kind]))}

    monkeypatch.setattr(Sender, "_post", post)
    sender = Sender(site.store, "http://127.0.0.1:9/", "whsec_c2VjcmV0", site.clock, disorder)
    assert sender.send_pending()
    sender.close()
    assert sender.status().waiting == 0
    return found


def act(site: Site) -> int:
    """All that twelve people can do: the number of events."""
    for user in site.participants(site.course(BAY)):
        for number in range(1, 13):
            site.act.complete(user, site.module(BAY, f"ACT-{number:02}"))
    return len(site.rows("SELECT id FROM outbox"))


def sequences(batches: list[dict[str, Any]]) -> list[int]:
    return [event["sequence"] for batch in batches for event in batch["events"]]


def test_a_share_is_lost_doubled_and_late(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    count = act(site)
    found = sent(site, Disorder(drop=0.2, double=0.1, reorder=0.3, seed=5), monkeypatch)
    order = sequences(found)
    times = Counter(order)
    assert 0.7 * count < len(times) < 0.9 * count
    assert 0.05 * count < sum(n == 2 for n in times.values()) < 0.2 * count
    assert max(times.values()) == 2
    assert sum(a > b for a, b in pairwise(order)) > 0.1 * count


def test_the_fates_are_those_of_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []
    for place, seed in enumerate((1, 1, 2)):
        with Site(tmp_path / f"{place}.db") as site:
            act(site)
            orders.append(sequences(sent(site, Disorder(0.2, 0.1, 0.3, seed=seed), monkeypatch)))
    assert orders[0] == orders[1] != orders[2]


def test_everything_can_be_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    act(site)
    assert sequences(sent(site, Disorder(drop=1.0), monkeypatch)) == []


def test_events_can_come_without_readings(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    count = act(site)
    found = sent(site, Disorder(readings=False), monkeypatch)
    assert len(sequences(found)) == count
    assert all(batch["readings"] == [] for batch in found)


def test_the_figures_are_those_measured() -> None:
    measured = [
        (STATUSES, 25, 160.2),
        (STATUSES, 30, 140.9),
        ("core_enrol_get_enrolled_users", 1_000, 7_361.9),
        ("core_enrol_get_enrolled_users", 100, 757.6),
        ("core_user_get_users_by_field", 1_000, 5_640.4),
        ("core_course_get_contents", 25, 115.0),
        ("core_webservice_get_site_info", 0, 65.7),
    ]
    for function, rows, median in measured:
        assert milliseconds(function, rows) == pytest.approx(median, rel=0.15)
    few = milliseconds("core_enrol_get_enrolled_users", 1_000, few_fields=True)
    assert few == pytest.approx(5_317.9, rel=0.15)


def test_calls_queue_for_the_site_s_workers(tmp_path: Path) -> None:
    with Site(tmp_path / "s.db", pace=Pace(factor=1.0, at_once=2)) as site, serving(site) as address:
        form = {"wstoken": site.token, "wsfunction": STATUSES, "moodlewsrestformat": "json"}
        form |= {"courseid": "2", "userid": "11"}
        answers: list[Any] = []

        def ask() -> None:
            url = f"{address}/webservice/rest/server.php"
            answers.append(requests.post(url, data=form, timeout=30).json())

        threads = [threading.Thread(target=ask) for _ in range(6)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        # A worker that waits holds no lock: the site can be changed meanwhile.
        moment = time.monotonic()
        site.act.tick(11, site.module(BAY, "ACT-08"))
        assert time.monotonic() - moment < 0.1
        for thread in threads:
            thread.join()
        # 15 activities: 110 ms each, three rounds of two.
        assert 0.33 <= time.monotonic() - began < 3
        traffic = site.gate.traffic()
        assert (traffic.calls, traffic.peak) == ({STATUSES: 6}, 6)
        assert traffic.busy_seconds >= 0.66
        assert [len(answer["statuses"]) for answer in answers] == [15] * 6
        site.gate.forget()
        assert site.gate.traffic().calls == {}
        assert site.wwwroot == address


def test_large_courses(site: Site) -> None:
    courses = fill(site, Many(courses=2, users=30, modules=9, done=0.5))
    assert fill(site, Many()) == courses
    world = site.world()
    mine = [row for row in world.completions if row["course"] in courses]
    assert 0.4 * 540 < len(mine) < 0.6 * 540
    assert {row["state"] for row in mine} == {0, 1, 2}
    assert [len(site.participants(course)) for course in courses] == [30, 30]
    assert site.act.leave(site.user("m100001"), courses[0]).events
    assert json.dumps(site.full_batches()[0])
