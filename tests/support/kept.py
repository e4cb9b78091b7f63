"""States of a house that many cases begin with: it hears of each once, and its rows are copied back from then on."""

from collections.abc import Callable

from sqlalchemy import text

from records.models import Base
from tests.support.bench import Bench
from tests.support.house import KEPT, House


class Beginnings:
    """The states of one bench's house by their names, each in a schema of its own in the bench's database."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._held: dict[str, tuple[str, list[str]]] = {}

    def house(self, name: str, tell: Callable[[House], None]) -> House:
        """The house as `tell` leaves an empty one. `tell` is asked only the first time that a name is given; it
        mustn't set the clock, nor change what `House.reset` leaves in place."""
        house = self._bench.emptied()
        if name in self._held:
            self._bring_back(*self._held[name])
        else:
            tell(house)
            self._held[name] = self._copied(f"beginning_{len(self._held)}")
        return house

    def _copied(self, schema: str) -> tuple[str, list[str]]:
        """Copies every table that has rows. Returns the schema and the tables, each after those that it refers to."""
        found = []
        with self._bench.owner.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
            for table in (table.name for table in Base.metadata.sorted_tables if table.name not in KEPT):
                if connection.scalar(text(f"SELECT EXISTS (SELECT FROM {table})")):  # noqa: S608
                    connection.execute(text(f"CREATE TABLE {schema}.{table} AS TABLE {table}"))
                    found.append(table)
        return schema, found

    def _bring_back(self, schema: str, tables: list[str]) -> None:
        with self._bench.owner.begin() as connection:
            for table in tables:
                # The inbox numbers its rows itself, but for these.
                connection.execute(
                    text(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {schema}.{table}")  # noqa: S608
                )
