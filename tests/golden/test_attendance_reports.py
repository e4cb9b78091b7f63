"""Reports of meetings as the products export them, with invented people, beside what they say."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from records.reports import FORMATS, detect
from tests.golden.attendance_case import answer

HERE = Path(__file__).parent / "attendance"
REPORTS = sorted(path for path in HERE.iterdir() if path.suffix in (".csv", ".xlsx"))


def _expected(report: Path) -> dict[str, Any]:
    expected: dict[str, Any] = yaml.safe_load((HERE / f"{report.stem}.expected.yaml").read_text(encoding="utf-8"))
    return expected


@pytest.mark.parametrize("report", REPORTS, ids=lambda path: path.stem)
def test_a_report_says_what_is_expected(report: Path) -> None:
    data, expected = report.read_bytes(), _expected(report)

    given = expected.pop("given")

    assert answer(data, given) == expected
    assert detect(data) == report.stem.partition("_")[0]


def test_each_report_has_its_twin_and_each_format_its_reports() -> None:
    assert {path.stem for path in REPORTS} == {path.name.removesuffix(".expected.yaml") for path in HERE.glob("*.yaml")}
    counts = Counter(path.stem.partition("_")[0] for path in REPORTS)
    assert set(counts) == set(FORMATS)
    assert min(counts.values()) >= 4
