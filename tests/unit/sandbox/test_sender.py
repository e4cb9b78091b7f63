"""Sending: what is removed, what is kept, what is said about it."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from standardwebhooks import Webhook

from sandbox.sender import LONGEST_WAIT, Sender
from sandbox.site import Site

TARGET = "http://127.0.0.1:1/webhooks/demo/events"
SECRET = "whsec_" + base64.b64encode(b"a secret for tests, 32 bytes now").decode()
BAY = "COP-EBWIESL-BAY"


class Service:
    """Answers batches as told: with a status, or item by item."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.fate = "accepted"
        self.unanswered: set[str] = set()
        self.batches: list[dict[str, Any]] = []

    def __call__(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        assert isinstance(request.body, bytes)
        batch = Webhook(SECRET).verify(request.body, dict(request.headers))
        if self.status != 200:
            return self.status, self.headers, ""
        self.batches.append(batch)
        items = [f"{k}/{i}" for k in ("events", "readings") for i in range(len(batch[k]))]
        results = [
            {"item": item, "id": None, "result": self.fate, "reason": None}
            for item in items
            if item not in self.unanswered
        ]
        return 200, {}, json.dumps({"results": results})


@pytest.fixture
def service() -> Iterator[Service]:
    """A service behind the target's address."""
    fake = Service()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.POST, TARGET, callback=fake)
        yield fake


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Site]:
    """A site with a target, whose sender sends when told."""
    with Site(tmp_path / "s.db", target=TARGET, secret=SECRET) as site:
        yield site


def sender(site: Site) -> Sender:
    assert site.sender is not None
    return site.sender


def act(site: Site) -> None:
    site.act.complete(site.user("e0001"), site.module(BAY, "ACT-01"))


def test_the_whole_site_comes_first_and_once(sending: Site, service: Service) -> None:
    act(sending)
    assert sender(sending).send_pending()
    assert [len(batch["events"]) for batch in service.batches] == [0, 2]
    assert sender(sending).send_pending()
    assert len(service.batches) == 2
    sender(sending).sync_everything()
    assert sender(sending).send_pending()
    assert len(service.batches) == 3


@pytest.mark.parametrize("fate", ["accepted", "duplicate", "ignored", "waiting", "quarantined"])
def test_whatever_is_answered_is_removed(fate: str, sending: Site, service: Service) -> None:
    service.fate = fate
    act(sending)
    assert sender(sending).send_pending()
    status = sender(sending).status()
    assert (status.waiting, status.error) == (0, "")
    assert fate in status.answer


def test_an_item_without_an_answer_is_kept(sending: Site, service: Service) -> None:
    assert sender(sending).send_pending()
    act(sending)
    service.unanswered = {"events/1"}
    assert not sender(sending).send_pending()
    assert sender(sending).status().waiting == 1
    first = service.batches[-1]["events"][1]
    service.unanswered = set()
    assert sender(sending).send_pending()
    assert service.batches[-1]["events"] == [first]


@pytest.mark.parametrize("status", [302, 400, 401, 404, 413, 500, 503])
def test_a_refusal_keeps_everything_and_says_why(status: int, sending: Site, service: Service) -> None:
    service.status = status
    act(sending)
    assert not sender(sending).send_pending()
    told = sender(sending).status()
    assert (told.waiting, told.sync_wanted) == (2, True)
    assert str(status) in told.error
    service.status = 200
    assert sender(sending).send_pending()
    assert sender(sending).status().error == ""


def test_too_large_a_batch_is_halved(sending: Site, service: Service) -> None:
    assert sender(sending).send_pending()
    for username in ("e0001", "e0002"):
        for number in range(1, 13):
            sending.act.complete(sending.user(username), sending.module(BAY, f"ACT-{number:02}"))
    waiting = sender(sending).status().waiting
    service.status = 413
    for _ in range(5):
        assert not sender(sending).send_pending()
    service.status = 200
    assert sender(sending).send_pending()
    sizes = [len(batch["events"]) for batch in service.batches[1:]]
    assert max(sizes) == 200 // 2**5
    assert sum(sizes) == waiting


def test_a_service_that_is_down_is_waited_for(sending: Site) -> None:
    with responses.RequestsMock() as mock:
        mock.add(responses.POST, TARGET, body=requests.ConnectionError("refused"))
        pauses = []
        for _ in range(8):
            assert not sender(sending).send_pending()
            pauses.append(sender(sending).pause())
    assert pauses == sorted(pauses)
    assert pauses[:3] == [1, 2, 4]
    assert pauses[-1] == LONGEST_WAIT
    assert "can't be reached" in sender(sending).status().error


def test_the_service_may_ask_for_a_wait(sending: Site, service: Service) -> None:
    service.status, service.headers = 503, {"Retry-After": "7"}
    assert not sender(sending).send_pending()
    assert sender(sending).pause() == 7


def test_an_unreadable_answer_keeps_everything(sending: Site) -> None:
    with responses.RequestsMock() as mock:
        mock.add(responses.POST, TARGET, body="<html>")
        assert not sender(sending).send_pending()
    assert sender(sending).status().sync_wanted


def test_the_thread_sends_what_actions_write(sending: Site, service: Service) -> None:
    sender(sending).start()
    act(sending)
    deadline = time.monotonic() + 10
    while sender(sending).status().waiting and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sum(len(batch["events"]) for batch in service.batches) == 2


def test_sequences_rise_and_are_never_used_again(sending: Site, service: Service) -> None:
    for number in (1, 2, 3):
        sending.act.complete(sending.user("e0001"), sending.module(BAY, f"ACT-{number:02}"))
        assert sender(sending).send_pending()
    sequences = [event["sequence"] for batch in service.batches for event in batch["events"]]
    assert sequences == sorted(set(sequences))
