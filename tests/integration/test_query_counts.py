"""No page asks the database more often because there is more in it: an N+1 fails here.

Every page and file that benchmarks.console finds is asked for with 2 communities of 2 people, with 20 communities, and
with 20 people in each and more that they did.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import pytest
from sqlalchemy import make_url

from benchmarks.console import SLACK, addresses, console, counted, settle, sign_in, values_of
from benchmarks.console_seed import fill
from benchmarks.rebuild_seed import Size
from service.context import EXTENSION
from tests.support.servers import Database, Servers

FEW = Size(memberships=4, facts=10, communities=2)
MORE = {
    "more communities": Size(memberships=40, facts=10, communities=20),
    "more people": Size(memberships=40, facts=30, communities=2),
}
LONG = {"plugin.download", "roster.sheet"}
"""Files that take long to make, from the queries of other pages or none."""
FOUND = {"board.show?view=grid", "board.show?view=list", "board.live?view=grid", "people.show", "people.show?sort=name"}
FOUND |= {"community.show", "community.live", "person.show", "person.live"}


@contextmanager
def filled(servers: Servers, template: str, size: Size) -> Iterator[Database]:
    name = f"{template}_{secrets.token_hex(4)}"
    made = servers.create(name, template)
    try:
        fill(make_url(made.admin_url).set(drivername="postgresql").render_as_string(hide_password=False), size)
        yield made
    finally:
        servers.drop(name)


def queries(servers: Servers, template: str, size: Size) -> dict[str, int]:
    """How many statements each page and file takes."""
    found = {}
    with filled(servers, template, size) as made, console(made.url) as app, app.test_client() as client:
        engine = app.extensions[EXTENSION].engine
        values = values_of(engine)
        settle(engine, values["community_id"])
        sign_in(app, client)
        for name, path in addresses(app, values)[0].items():
            if name in LONG:
                continue
            with counted(engine) as statements, client.get(path) as response:
                response.get_data()
                answered = response.status_code == HTTPStatus.OK
            if answered:
                found[name] = len(statements)
    return found


@pytest.fixture(scope="module")
def few(servers: Servers, template: str) -> dict[str, int]:
    return queries(servers, template, FEW)


@pytest.mark.parametrize("what", MORE)
def test_no_page_asks_more_often_when_there_is_more(
    servers: Servers, template: str, few: dict[str, int], what: str
) -> None:
    more = queries(servers, template, MORE[what])
    assert set(few) & set(more) >= FOUND
    grown = {name: (few[name], more[name]) for name in few if name in more and more[name] > few[name] + SLACK}
    assert grown == {}
