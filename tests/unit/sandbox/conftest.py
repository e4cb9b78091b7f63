"""Fixtures of the unit tests of the sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh sandbox site that sends nothing."""
    with Site(tmp_path / "site.db") as fresh:
        yield fresh
