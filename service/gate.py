"""The database is checked before anything relies on it: at the start, or as soon as it can be reached."""

import threading

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from records.database import UnsafeDatabase, check_database, is_unreachable

log = structlog.get_logger()


class Gate:
    """Opens once the database was found fit; stays open then."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open = False
        self._lock = threading.Lock()

    def check(self) -> None:
        """Look at the database. Raises UnsafeDatabase; where it can't be reached the gate stays shut."""
        try:
            check_database(self._engine)
        except SQLAlchemyError as err:
            if not is_unreachable(err):
                raise
            log.warning("database_unreachable", error=type(err).__name__)
            return
        self._open = True

    def is_open(self) -> bool:
        """Whether the database was found fit, trying again while it wasn't. One request looks at a time."""
        if self._open:
            return True
        with self._lock:
            if not self._open:
                try:
                    self.check()
                except UnsafeDatabase as err:
                    # It came up after us, and unfit: nothing may be written to it.
                    log.error("database_unsafe", what=str(err))
        return self._open
