"""Many keys in one statement: arrays instead of long IN lists, which cost more to spell than to run."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, bindparam, func, select, tuple_


def among(columns: Any, keys: Iterable[Any]) -> ColumnElement[bool]:
    """Whether a column (or a tuple of columns) is one of the given values (or tuples). None at all: never."""
    several = isinstance(columns, tuple)
    names = columns if several else (columns,)
    rows = list(keys) if several else [(key,) for key in keys]
    parts = [[row[i] for row in rows] for i in range(len(names))]
    binds = [
        bindparam(None, part, type_=ARRAY(name.type), unique=True) for name, part in zip(names, parts, strict=True)
    ]
    source = func.unnest(*binds).table_valued(*(f"k{i}" for i in range(len(names)))).render_derived()
    chosen = select(*source.c)
    return tuple_(*names).in_(chosen) if several else names[0].in_(chosen)
