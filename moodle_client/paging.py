"""Reading a list that may change meanwhile in pages, with nobody twice and nobody skipped."""

from collections.abc import Callable, Generator, Iterator

from moodle_client.answers import Reply
from moodle_client.errors import MoodleError, Reason
from moodle_client.functions import Function
from moodle_client.models import EnrolledUser

Page = Reply[tuple[EnrolledUser, ...]]
STARTS = 5
"""So often a list is read from its start before its changing is an error."""


def pages(read: Callable[[int, int], Page], size: int) -> Iterator[Page]:
    """The pages that `read(from, count)` gives, sorted by id, each user once; an empty answer ends them.

    Each page begins with the last row of the one before: where that one isn't there any more, somebody before it
    left the list, all rows moved up, and one would be skipped. Raises MoodleError when the list changes all the time.
    """
    if size < 2:
        raise ValueError("a page has at least two rows")
    seen: set[int] = set()
    for _ in range(STARTS):
        moved = yield from _pass(read, size, seen)
        if not moved:
            return
    raise MoodleError(Function.ENROLLED_USERS, Reason.OTHER, "the list changed at each reading")


def _pass(read: Callable[[int, int], Page], size: int, seen: set[int]) -> Generator[Page, None, bool]:
    """One reading from the start. Returns whether the list moved under it."""
    start, last = 0, None
    again = 0
    before: tuple[int, ...] = ()
    while True:
        reply = read(start, size)
        rows = reply.data
        ids = tuple(user.id for user in rows)
        if last is not None and ids and ids[0] > last:
            return True
        # The same page twice again: a server that ignores the paging would be asked for ever. (Once is possible: one
        # user, last of a page and first of the next, with all others hidden.)
        again, before = (again + 1 if ids == before else 0), ids
        if not ids or again == 2:
            return False
        fresh = {user.id: user for user in rows if user.id not in seen}
        seen.update(fresh)
        if fresh:
            yield reply.with_data(tuple(fresh.values()))
        # A page that isn't full has left out whom the caller can't see: its last row may be anywhere in it.
        last = ids[-1] if len(ids) == size else None
        start += size - 1
