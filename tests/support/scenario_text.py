"""Rows as a file that people would upload."""

import csv
import io
from collections.abc import Sequence


def as_csv(rows: Sequence[dict[str, str]]) -> bytes:
    """A CSV file of these rows; a column that a row doesn't name is empty there."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
