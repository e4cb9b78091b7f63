"""Clients that tell of each call, and what a sweep's row says."""

from collections.abc import Callable

from records.models import Sweep
from sandbox import wire
from tests.support.moodles import Near
from tests.support.sweeping import Scene


def hooked(scene: Scene, after: Callable[[str, dict[str, str]], None]) -> Callable[..., Near]:
    """A client that tells of each call once its answer is fixed, and before the sweep has it."""
    return lambda wwwroot, _, **others: Near(scene.site, wwwroot, scene.site.token, after=after, **others)


def once(function: str, what: Callable[[], None]) -> Callable[[str, dict[str, str]], None]:
    left = [what]

    def after(called: str, params: dict[str, str]) -> None:
        del params
        if called == function and left:
            left.pop()()

    return after


def events_of(scene: Scene) -> list[wire.Batch]:
    """What the site's outbox holds, as bare events."""
    rows, _ = scene.everything.take()
    with scene.site.store.read() as db:
        return [wire.of_events(db, rows, scene.site.clock()) | {"readings": []}]


def latest(scene: Scene) -> Sweep:
    return scene.swept.sweeps()[-1]
