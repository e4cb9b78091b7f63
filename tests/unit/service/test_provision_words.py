"""Whatever is in the way of provisioning, and whatever differs, has words, and they are filled wherever it is told."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import jobs
from jobs.provision.differences import Difference, Kind, Weight
from jobs.provision.plan import Obstacle, Problem
from service.provision_words import BY_SOMEBODY, KINDS, PROBLEMS, WEIGHTS, kind_text, obstacle_text

ROOT = Path(jobs.__file__).parents[1]
FOLDERS = ("jobs/provision", "service/cli", "service/pages")
TELLS = {"Obstacle", "InTheWay"}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
Told = tuple[str, Problem, frozenset[str]]


def told() -> Iterator[Told]:
    """Wherever the code says that something is in the way: where, what, and the parameters that it gives along."""
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TELLS:
                    for problem in problems_in(node.args[0]):
                        yield f"{path.name}:{node.lineno}", problem, params_of(node, function)


def problems_in(node: ast.expr) -> Iterator[Problem]:
    """`Problem.X`; nothing where a call hands on what another one said."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "Problem":
            yield Problem[part.attr]


def params_of(call: ast.Call, function: ast.FunctionDef) -> frozenset[str]:
    named = {keyword.arg for keyword in call.keywords if keyword.arg}
    return frozenset(named.union(*(keys_of(value, function) for value in call.args[1:])))


def keys_of(node: ast.expr, function: ast.FunctionDef) -> set[str]:
    """The keys of a dict as it is written, also of one that was given a name before, and of two as one."""
    if isinstance(node, ast.Dict):
        return {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    if isinstance(node, ast.BinOp):
        return keys_of(node.left, function) | keys_of(node.right, function)
    found: set[str] = set()
    if isinstance(node, ast.Name):
        for part in ast.walk(function):
            if isinstance(part, ast.Assign) and any(isinstance(t, ast.Name) and t.id == node.id for t in part.targets):
                found |= keys_of(part.value, function)
    return found


@pytest.fixture(scope="module")
def everywhere() -> tuple[Told, ...]:
    return tuple(told())


def test_every_problem_has_words(everywhere: tuple[Told, ...]) -> None:
    assert set(PROBLEMS) == set(Problem)
    assert len({problem for _, problem, _ in everywhere}) > 25


@pytest.mark.parametrize("problem", Problem)
def test_all_that_a_sentence_leaves_open_is_given(problem: Problem, everywhere: tuple[Told, ...]) -> None:
    wanted = set(PLACEHOLDER.findall(PROBLEMS[problem]))
    lacking = [(where, wanted - params) for where, which, params in everywhere if which is problem and wanted - params]
    assert lacking == []
    text = obstacle_text(Obstacle(problem, {name: ["7", "8"] for name in wanted}))
    assert "%" not in text.replace("per cent", "")
    assert text.endswith((".", "?"))


@pytest.mark.parametrize("kind", Kind)
def test_every_difference_has_words(kind: Kind) -> None:
    assert kind_text(Difference(kind, "F2F-1")) == f"{KINDS[kind]} F2F-1"
    assert kind_text(Difference(kind)) == KINDS[kind]


def test_every_weight_has_words() -> None:
    assert set(WEIGHTS) == set(Weight)
    assert len({BY_SOMEBODY, *WEIGHTS.values()}) == 4
