"""What every page and file of the console costs as memberships grow: `python -m benchmarks.console`.

Each is asked for in this process, and told as a ratio to a page that is nothing but the layout, with the queries that
it made. Routes are found in the application itself; one whose address can't be filled in is named. Starts a PostgreSQL
of its own in a temporary folder for each size, and stops it.
"""

import argparse
import platform
import re
import secrets
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psutil
from cryptography.fernet import Fernet
from flask import Flask, g, render_template
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, text, update
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from benchmarks.console_seed import fill, size_of
from benchmarks.house import cpu_of
from benchmarks.rebuild import Running, database
from jobs import reconcile
from records import users
from records.actor import SYSTEM, Grant, Role
from records.models import Membership, SessionRow
from records.settings import Settings
from service.app import create_app
from service.context import EXTENSION
from service.permissions import DECISIONS, Door, Permission

LAYOUT = "benchmark.layout"
BARE = "benchmark.without_places"
"""The layout as who isn't signed in sees it: what it takes less is what the bar of places costs on every page."""
SIZES = (1_000, 10_000)
TIMES = 7
"""That often PostgreSQL's CPU, which is counted in hundredths of a second, is told well enough."""
LONG_SECONDS = 1.0
"""What takes longer is asked for three times only; and beyond this, once."""
ENDLESS_SECONDS = 10.0
SLACK = 5
"""So many queries more are no growth: some aren't made where nothing is found, and a sign-in is renewed now and then. A
query for each row adds as many as there are more rows."""
PASSWORD = "a benchmark's password"  # noqa: S105 - of a database that lives for minutes
MORE: dict[str, tuple[str, ...]] = {
    "board.show": ("view=grid", "view=list", "view=list&sort=-average", "status=cannot_reach", "period=all"),
    "board.live": ("view=grid", "view=list"),
    "people.show": ("", "sort=name", "status=cannot_reach&region=B", "q=jose+herrera", "q=person777@example.org"),
}
"""Other views of a page, each measured by itself."""


@dataclass(frozen=True)
class Measured:
    """One address at one size. `status`: what it was answered with. `cpu`: seconds that this
    process and PostgreSQL worked on it, which other work on the machine lengthens far less than the clock's."""

    seconds: float
    cpu: float
    queries: int
    size: int
    status: int


@dataclass
class Run:
    """All of one size."""

    memberships: int
    communities: int
    seeding: float
    layout: float = 0.0
    """CPU seconds, of two times the less: PostgreSQL tidies up after the seeding while the first is measured."""
    pages: dict[str, Measured] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that an engine runs meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def console(url: str) -> Iterator[Flask]:
    """The application on a database, with two pages more: the layout, and nothing in it, with the bar and without."""
    settings = Settings.model_validate(
        {
            "database_url": url,
            # No page asks it for anything; it has no default.
            "redis_url": "redis://127.0.0.1:1",
            "secret_key": secrets.token_urlsafe(32),
            "encryption_key": Fernet.generate_key().decode(),
        }
    )
    app = create_app(settings)
    app.add_url_rule("/benchmark/layout", LAYOUT, lambda: render_template("base.html", who=g.signed_in))
    app.add_url_rule("/benchmark/without-places", BARE, lambda: render_template("base.html", who=None))
    DECISIONS[LAYOUT] = DECISIONS[BARE] = Door.SIGNED_IN
    try:
        yield app
    finally:
        del DECISIONS[LAYOUT], DECISIONS[BARE]
        app.extensions[EXTENSION].engine.dispose()
        app.extensions[EXTENSION].redis.close()


def sign_in(app: Flask, client: FlaskClient) -> None:
    """Sign in as somebody who may do everything everywhere, by a set-up link."""
    with Session(app.extensions[EXTENSION].engine) as session, session.begin():
        grants = [Grant(role) for role in Role]
        user = users.create_user(session, SYSTEM, "bench@example.org", "A benchmark", grants)
        path = f"/set-up/{users.make_setup_link(session, SYSTEM, user, now=datetime.now(UTC), hours=1)}"
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    form = {"csrf_token": token[1] if token else "", "password": PASSWORD, "repeated": PASSWORD}
    if client.post(path, data=form).status_code != 303:
        raise RuntimeError("the benchmark could not sign in")


def values_of(engine: Engine) -> dict[str, str]:
    """What stands in addresses, by the names of their variables: of one community, and somebody in it."""
    m = Membership
    with Session(engine) as session:
        member = session.query(m).where(m.role == "participant").order_by(m.id).first()
        if member is None:
            raise RuntimeError("nobody was seeded")
        meeting = session.query(SessionRow.id).where(SessionRow.community_id == member.community_id).first()
        closing = session.execute(text("SELECT id FROM closings LIMIT 1")).scalar()
        other = session.query(m.person_id).where(m.person_id != member.person_id).order_by(m.id).first()
        found = {
            "community_id": member.community_id,
            "person_id": member.person_id,
            "membership_id": member.id,
            "session_id": meeting[0] if meeting else "",
            "other_id": other[0] if other else "",
            "closing_id": closing or "",
            "kind": "csv",
            "format": "csv",
            "region": "B",
            "program": "calpro-regional",
        }
    return {name: str(value) for name, value in found.items() if value}


def settle(engine: Engine, community: str) -> None:
    """Have the measured community's hours computed by the engine itself, so that its pages have what is real."""
    with Session(engine) as session, session.begin():
        session.execute(update(Membership).where(Membership.community_id == community).values(dirty_at=text("now()")))
    reconcile.reconcile_dirty(engine, lambda: datetime.now(UTC))


def addresses(app: Flask, values: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """(Address by name of every page and file for people who are signed in, routes that can't be filled in)."""
    found, skipped = {}, []
    with app.test_request_context():
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
            if not _measurable(rule):
                continue
            if missing := rule.arguments - set(values):
                skipped.append(f"{rule.endpoint} ({', '.join(sorted(missing))})")
                continue
            path = app.url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})  # type: ignore[arg-type]
            for query in MORE.get(rule.endpoint, ("",)):
                found[f"{rule.endpoint}?{query}" if query else rule.endpoint] = f"{path}?{query}" if query else path
    return found, skipped


def _measurable(rule: Rule) -> bool:
    decision = DECISIONS.get(rule.endpoint)
    signed_in = isinstance(decision, Permission) or decision is Door.SIGNED_IN
    return "GET" in (rule.methods or ()) and signed_in and rule.endpoint != LAYOUT


def measure(client: FlaskClient, engine: Engine, server: psutil.Process, path: str) -> Measured:
    """The median of several times, after one that isn't counted; the queries of that one, and the CPU of all."""

    def once() -> tuple[float, int, int]:
        begun = time.perf_counter()
        with client.get(path) as response:
            size = len(response.get_data())
        return time.perf_counter() - begun, size, response.status_code

    def worked() -> float:
        return time.process_time() + cpu_of(server)

    before = worked()
    with counted(engine) as statements:
        first, size, status = once()
    times = TIMES if first < LONG_SECONDS else 3 if first < ENDLESS_SECONDS else 0
    before = worked() if times else before
    seconds = statistics.median([once()[0] for _ in range(times)] or [first])
    cpu = (worked() - before) / (times or 1)
    return Measured(seconds, cpu, len(statements), size, status)


def run(running: Running, memberships: int, facts: int, skip: Sequence[str] = (), only: Sequence[str] = ()) -> Run:
    """Seed one size, and measure everything but the routes to skip, or only some."""
    size = size_of(memberships, facts)
    found = Run(size.memberships, size.communities, fill(running.admin, size))
    with console(running.url) as app, app.test_client() as client:
        engine = app.extensions[EXTENSION].engine
        values = values_of(engine)
        settle(engine, values["community_id"])
        sign_in(app, client)
        pages, found.skipped = addresses(app, values)
        # The second time: whatever is made once in a process is there by then.
        measure(client, engine, running.server, "/benchmark/layout")
        found.layout = measure(client, engine, running.server, "/benchmark/layout").cpu
        for name, path in pages.items():
            route = name.split("?")[0]
            if only and route not in only:
                continue
            if route in skip:
                found.skipped.append(f"{name} (as asked)")
                continue
            found.pages[name] = measure(client, engine, running.server, path)
        found.layout = min(found.layout, measure(client, engine, running.server, "/benchmark/layout").cpu)
    return found


def growing(runs: Sequence[Run]) -> list[str]:
    """Pages that make more queries the more memberships there are."""
    first, last = runs[0].pages, runs[-1].pages
    return [name for name in first if name in last and last[name].queries > first[name].queries + SLACK]


def report(runs: Sequence[Run]) -> None:
    """Print it all, a line for each page, in columns for each size. Ratios are of CPU."""
    say = sys.stdout.write
    say(f"{platform.system()}, {psutil.cpu_count()} cores, {round(psutil.virtual_memory().total / 2**30)} GiB, ")
    say(f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}; in one process, no network\n")
    for each in runs:
        say(f"{each.memberships:,} memberships in {each.communities:,} communities, seeded in {each.seeding:.0f} s; ")
        say(f"the layout alone takes {each.layout * 1000:.1f} ms of CPU\n")
    say(f"\n{'':46}{'to the layout':>{11 * len(runs)}}{'ms of CPU':>{11 * len(runs)}}")
    say(f"{'ms on the clock':>{11 * len(runs)}}")
    say(f"{'queries':>{8 * len(runs)}}{'KiB':>{9 * len(runs)}}\n{'':46}")
    for width in (11, 11, 11, 8, 9):
        say("".join(f"{each.memberships:>{width},}" for each in runs))
    say("\n")
    for name in runs[-1].pages:
        found = [each.pages[name] for each in runs if name in each.pages]
        ratios = [each.pages[name].cpu / each.layout for each in runs if name in each.pages]
        say(f"{name[:45]:46}" + "".join(f"{ratio:11.1f}" for ratio in ratios))
        say("".join(f"{one.cpu * 1000:11.1f}" for one in found))
        say("".join(f"{one.seconds * 1000:11.1f}" for one in found) + "".join(f"{one.queries:8}" for one in found))
        say("".join(f"{one.size / 1024:9.1f}" for one in found))
        strange = sorted({one.status for one in found} - {200})
        say(f"  answered {', '.join(map(str, strange))}\n" if strange else "\n")
    say(f"\nmore queries with more memberships: {', '.join(growing(runs)) or 'none'}\n")
    say(f"not measured: {', '.join(runs[-1].skipped) or 'none'}\n")


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.console", description=__doc__)
    options.add_argument("--memberships", type=int, nargs="+", default=list(SIZES))
    options.add_argument("--skip", nargs="*", default=[], help="routes to leave out, such as merging.show")
    options.add_argument("--only", nargs="*", default=[], help="routes to measure, and no others")
    options.add_argument("--facts", type=int, default=10, help="facts of each membership")
    given = options.parse_args()
    runs = []
    for memberships in sorted(given.memberships):
        with database() as running:
            runs.append(run(running, memberships, given.facts, given.skip, given.only))
    report(runs)
    if len(runs) > 1 and growing(runs):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
