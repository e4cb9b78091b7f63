"""The guides' pictures are those that `make pictures` draws, and no others."""

import ast
import re
from pathlib import Path

from tests.support import pictures

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"!\[[^\]]+\]\(([^)\s]+\.png)\)")
"""A picture in Markdown; one without a caption is none."""


def shown() -> set[Path]:
    """The files that the README and the guides show."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return {(page.parent / path).resolve() for page in pages for path in SHOWN.findall(page.read_text())}


def drawn() -> list[str]:
    """The names of all pictures, as the module writes them."""
    calls = (node for node in ast.walk(ast.parse(Path(pictures.__file__).read_text())) if isinstance(node, ast.Call))
    return [
        str(ast.literal_eval(call.args[0])) for call in calls if getattr(call.func, "id", "") == "Picture" and call.args
    ]


def test_every_picture_is_drawn_and_shown() -> None:
    names = drawn()
    assert len(names) == len(set(names)) > 10
    wanted = {pictures.FOLDER / f"{name}.png" for name in names}
    assert shown() == wanted
    assert set(pictures.FOLDER.iterdir()) == wanted
