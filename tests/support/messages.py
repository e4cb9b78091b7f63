"""The sentences that modules hold, to see that tests have brought each of them about."""

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import ModuleType

GAP = re.compile(r"\{\w+\}")


def unspoken(modules: Iterable[ModuleType], said: Iterable[str], besides: Collection[str] = ()) -> list[str]:
    """The literals of two words or more that nothing of what was said contains, but for docstrings and `besides`,
    which are no sentences."""
    everything = "\n".join(said)
    return [
        f"{module.__name__}: {shown}"
        for module in modules
        for shown, pattern in _sentences(module)
        if not re.search(pattern, everything) and shown.strip("'") not in besides
    ]


def _sentences(module: ModuleType) -> Iterator[tuple[str, str]]:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in parts | docs or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        words = _words(node)
        if words and re.search(r"\w.* .*\w", "".join(words)):
            yield ast.unparse(node), ".*".join(re.escape(word) for word in words)


def _words(node: ast.expr) -> list[str]:
    """What stands in a literal, without what is put into it."""
    if isinstance(node, ast.Constant):
        return GAP.split(node.value) if isinstance(node.value, str) else []
    assert isinstance(node, ast.JoinedStr)
    return [str(part.value) if isinstance(part, ast.Constant) else "" for part in node.values]
