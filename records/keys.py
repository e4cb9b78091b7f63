"""Many rows in one statement: arrays instead of lists of values, which cost more to spell than to run."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ARRAY, BindParameter, ColumnElement, Text, any_, bindparam, cast, func, inspect, select, tuple_
from sqlalchemy.dialects.postgresql import Insert, insert


def _array(values: list[Any], like: Any) -> BindParameter[Any]:
    # Of one dimension, said aloud: a JSON value may be a list itself.
    return bindparam(None, values, type_=ARRAY(like.type, dimensions=1), unique=True)


def as_text(column: Any) -> ColumnElement[str]:
    """An id as text, where many rows are read: a UUID takes Python longer to make, to compare and to hash than all
    other columns of a row together."""
    # Labelled: several ids of one query would else have one name.
    return cast(column, Text).label(None)


def among(columns: Any, keys: Iterable[Any]) -> ColumnElement[bool]:
    """Whether a column (or a tuple of columns) is one of the given values (or tuples). None at all: never."""
    if not isinstance(columns, tuple):
        found: ColumnElement[bool] = columns == any_(_array(list(keys), columns))
        return found
    rows = list(keys)
    binds = [_array([row[i] for row in rows], column) for i, column in enumerate(columns)]
    source = func.unnest(*binds).table_valued(*(f"k{i}" for i in range(len(columns)))).render_derived()
    return tuple_(*columns).in_(select(*source.c))


def put(model: type[Any], rows: Sequence[dict[str, Any]]) -> Insert:
    """INSERT of rows that all have the same columns, in their order; one statement, whose text doesn't depend on
    how many there are."""
    table = inspect(model).local_table
    names = list(rows[0])
    binds = [_array([row[name] for row in rows], table.c[name]) for name in names]
    source = func.unnest(*binds).table_valued(*names).render_derived(name="put")
    return insert(table).from_select(names, select(*(source.c[name] for name in names)), include_defaults=False)
