"""A load client: processes with keep-alive connections that send what was prepared, and note each answer's time."""

import http.client
import multiprocessing
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

Request = tuple[bytes, dict[str, str]]
"""Body and headers, signed beforehand."""


@dataclass(frozen=True)
class Measured:
    """`seconds` from the first request to the last answer; `latencies` in seconds, sorted."""

    requests: int
    seconds: float
    latencies: list[float]

    def quantile(self, part: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * part))]


def send(port: int, path: str, requests: Sequence[Request], *, processes: int = 2, threads: int = 4) -> Measured:
    """Send all, spread over connections. Raises RuntimeError for any answer but 200."""
    context = multiprocessing.get_context("fork")
    shares = [requests[number::processes] for number in range(processes)]
    results = context.Queue()
    workers = [context.Process(target=_process, args=(port, path, share, threads, results)) for share in shares]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    answers = [results.get(timeout=600) for _ in workers]
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.join()
    wrong = [answer for answer in answers if isinstance(answer, str)]
    if wrong:
        raise RuntimeError(wrong[0])
    latencies = sorted(latency for answer in answers for latency in answer)
    return Measured(len(latencies), seconds, latencies)


def _process(port: int, path: str, share: Sequence[Request], threads: int, results: object) -> None:
    latencies: list[float] = []
    problems: list[str] = []
    parts = [share[number::threads] for number in range(threads)]
    running = [threading.Thread(target=_thread, args=(port, path, part, latencies, problems)) for part in parts]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    results.put(problems[0] if problems else latencies)  # type: ignore[attr-defined]


def _thread(port: int, path: str, part: Sequence[Request], latencies: list[float], problems: list[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for body, headers in part:
        begun = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        latencies.append(time.perf_counter() - begun)
        if answer.status != 200:
            problems.append(f"answered {answer.status}: {content[:200]!r}")
            return
    connection.close()
