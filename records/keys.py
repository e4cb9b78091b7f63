"""Many rows in one statement: arrays instead of lists of values, which cost more to spell than to run."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ARRAY, BindParameter, ColumnElement, any_, bindparam, func, inspect, select, tuple_
from sqlalchemy.dialects.postgresql import Insert, insert


def _array(values: list[Any], like: Any) -> BindParameter[Any]:
    return bindparam(None, values, type_=ARRAY(like.type), unique=True)


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
