"""One database for all golden cases."""

from collections.abc import Iterator

import pytest

from tests.support.bench import Bench, open_bench
from tests.support.house import House
from tests.support.servers import Servers


@pytest.fixture(scope="module")
def bench(servers: Servers, template: str) -> Iterator[Bench]:
    with open_bench(servers, template) as opened:
        yield opened


@pytest.fixture
def house(bench: Bench) -> House:
    """A site that nothing is known of yet."""
    return bench.emptied()
