"""Text in exports that a spreadsheet must not run."""

import pytest

from records.inert import inert


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\ttext",
        "|calc",
        "  =1+1",
        "\u00a0=1",
        "\ufeff=1",
        "\u200b=1",
        "\x01=1",
        "\uff1d1+1",
        "\uff0b1+1+A1",
        "\uff0dA1",
        "\uff20SUM(1)",
        "+1 555 010 7788",
        "-",
        "--",
        "=",
        "-1e5+A1",
    ],
)
def test_what_could_run_is_quoted(text: str) -> None:
    assert inert(text) == "'" + text


@pytest.mark.parametrize(
    "text", ["", " ", "Ada Nova", "-30", "+1.5", "-1,5", "0", "100%", "2026-03-14", "a=b", "'x", "é"]
)
def test_all_else_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


def test_a_quoted_text_is_not_quoted_again() -> None:
    assert inert(inert("=1")) == "'=1"
