"""What the run found, as a table: printed at its end, and written to a file."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.live_moodle.tables import Comparison

COLUMNS = ("change", "compared by", "rows", "before the sweep", "after it", "drift")


@dataclass(frozen=True)
class Line:
    """One comparison of the mirror with Moodle, before and after a sweep."""

    change: str
    by: str
    before: Comparison | None
    after: Comparison
    drift: Mapping[str, int]

    def cells(self) -> tuple[str, ...]:
        before = _counted(self.before) if self.before else "-"
        drift = ", ".join(f"{kind} {times}" for kind, times in sorted(self.drift.items())) or "-"
        return self.change, self.by, str(self.after.rows), before, _counted(self.after), drift


def _counted(found: Comparison) -> str:
    """`5 (completions 4, roles 1)`."""
    by_table = Counter(difference.table for difference in found.differences)
    told = ", ".join(f"{table} {times}" for table, times in sorted(by_table.items()))
    return f"{len(found.differences)} ({told})" if told else "0"


@dataclass
class Summary:
    """The lines of a run, and which Moodle it was."""

    site: str = ""
    lines: list[Line] = field(default_factory=list)

    def add(self, *cells: Any) -> None:
        self.lines.append(Line(*cells))

    def text(self, left_out: Mapping[str, str]) -> str:
        """The table, and what was not run."""
        rows = [COLUMNS, *(line.cells() for line in self.lines)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
        told = [self.site]
        told += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        if left_out:
            told += ["", "Not run:"]
            told += [f"  {what}: {why}" for what, why in left_out.items()]
        return "\n".join(told)
