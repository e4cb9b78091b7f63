"""Group commit: requests that arrive while another one commits share the next commit."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from records import inbox
from records.inbox import NewItem

MOST_ITEMS = 5_000
"""So many items at the most go into one statement, whatever is waiting."""


@dataclass(slots=True)
class Delivery:
    """What one request wants stored. `new` is filled with the ids that weren't known."""

    site_id: UUID
    day: date
    items: Sequence[NewItem]
    ignored: Sequence[tuple[str, str]]
    new: set[str] = field(default_factory=set)
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Store:
    """One a process. The first of several waiting requests writes for all of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: list[Delivery] = []
        self._writing = False
        self._connection: Connection | None = None
        # The kept connection is no longer the pool's: it goes when the pool's go.
        event.listen(engine, "engine_disposed", lambda _: self._drop())

    def put(self, delivery: Delivery) -> set[str]:
        """Store and commit. Returns the ids that were new. Raises what the database raised."""
        with self._lock:
            self._waiting.append(delivery)
            leads, self._writing = not self._writing, True
        while leads:
            leads = self._write_waiting()
        delivery.done.wait()
        if delivery.error:
            raise delivery.error
        return delivery.new

    def _write_waiting(self) -> bool:
        """Write what is waiting. Returns whether there may be more to write; only the writer calls this."""
        with self._lock:
            group: list[Delivery] = []
            while self._waiting and (
                not group or sum(len(d.items) for d in group) + len(self._waiting[0].items) <= MOST_ITEMS
            ):
                group.append(self._waiting.pop(0))
            if not group:
                self._writing = False
                return False
        try:
            self._commit(group)
        except BaseException as err:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            if len(group) == 1:
                group[0].error = err
            else:
                # One delivery may have spoiled it for all: each by itself, with its own error.
                for delivery in group:
                    self._alone(delivery)
        for delivery in group:
            delivery.done.set()
        return True

    def _alone(self, delivery: Delivery) -> None:
        try:
            self._commit([delivery])
        except Exception as err:  # noqa: BLE001 - it is raised again in the request that it belongs to
            delivery.error = err

    def _commit(self, group: list[Delivery]) -> None:
        """Only the writer comes here, so that one connection serves all.

        It is kept from write to write: one that the server has closed meanwhile is replaced once. Storing
        twice does no harm, since an event's id is unique and a reading may come again.
        """
        items = [item for delivery in group for item in delivery.items]
        kept = self._connection is not None
        try:
            new = self._write(items, group)
        except DBAPIError as err:
            self._drop()
            if not kept or not err.connection_invalidated:
                raise
            new = self._write(items, group)
        for delivery in group:
            # An id that two deliveries carry is new to the first and known to the second.
            for item in delivery.items:
                name = (item.site_id, item.sender, item.item_id)
                if item.item_id is not None and name in new:
                    delivery.new.add(item.item_id)
                    new.discard(name)

    def _write(self, items: list[NewItem], group: list[Delivery]) -> set[tuple[UUID, str, str]]:
        if self._connection is None:
            # One statement is a transaction by itself: BEGIN and COMMIT would be two more ways there and back.
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.detach()
        new = inbox.store(self._connection, items)
        for delivery in group:
            inbox.count_ignored(self._connection, delivery.site_id, delivery.day, delivery.ignored)
        return new

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
