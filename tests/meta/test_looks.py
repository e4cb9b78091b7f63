"""Nothing that is drawn is left over: every class of the style sheets and every macro is used, and /design has them."""

import re
from pathlib import Path

from service.pages.design import COLOURS

SERVICE = Path(__file__).parents[2] / "service"
SHEETS = sorted((SERVICE / "static" / "css").glob("*.css"))
TEMPLATES = sorted((SERVICE / "templates").rglob("*.html"))
PIECES = [SERVICE / "templates" / name for name in ("components.html", "macros.html")]
WRITERS = [*TEMPLATES, *sorted(SERVICE.rglob("*.py")), *sorted((SERVICE / "static").glob("*.js"))]
JOINED = ("bar-", "check-", "swatch-")
"""Beginnings of classes that are put together with a word that a template is given."""
SHOWN_BY_OTHERS = {"csrf", "described", "around", "exports"}
"""Pieces that others are made of, or that are made of others: /design shows those."""


def classes() -> set[str]:
    found = set()
    for sheet in SHEETS:
        plain = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        for selector in re.findall(r"([^{}]+)\{", plain):
            found |= set(re.findall(r"\.(-?[a-zA-Z_][\w-]*)", selector))
    return found


def macros(template: Path) -> set[str]:
    return set(re.findall(r"{%-?\s*macro (\w+)", template.read_text(encoding="utf-8")))


def test_every_class_is_used() -> None:
    written = "\n".join(file.read_text(encoding="utf-8") for file in WRITERS)
    words = set(re.findall(r"[\w-]+", written))
    assert sorted(name for name in classes() - words if not name.startswith(JOINED)) == []
    assert {f"swatch-{name}" for name in COLOURS} == {name for name in classes() if name.startswith("swatch-")}


def test_every_macro_is_used() -> None:
    written = "\n".join(file.read_text(encoding="utf-8") for file in TEMPLATES)
    called = set(re.findall(r"(?<!macro )\b(\w+)\(", written))
    left = {template.name: macros(template) - called for template in TEMPLATES}
    assert {name: lacking for name, lacking in left.items() if lacking} == {}


def test_every_piece_is_on_the_page_of_pieces() -> None:
    page = (SERVICE / "templates" / "design.html").read_text(encoding="utf-8")
    for template in PIECES:
        lacking = {name for name in macros(template) if not re.search(rf"\b[cm]\.{name}\(", page)}
        assert lacking <= SHOWN_BY_OTHERS, (template.name, sorted(lacking - SHOWN_BY_OTHERS))
