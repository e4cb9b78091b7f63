"""Read a program file; every error names the file, the line and what was expected."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mappings.program import Program


class ProgramError(Exception):
    """A program file can't be used. `problems` holds one line of text each: `file:line: place: what`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key which stands twice in one mapping."""


def _mapping_without_repeats(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        line = key_node.start_mark.line + 1
        if key in seen:
            raise yaml.MarkedYAMLError(
                problem=f"'{key}' stands twice (first on line {seen[key]})", problem_mark=key_node.start_mark
            )
        seen[key] = line
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_repeats)


def _line_of(root: yaml.Node | None, place: tuple[int | str, ...]) -> int:
    """The line of a place in the file, or of the nearest thing around it."""
    node, line = root, 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = (node.value[step], node.value[step])
        else:
            found = None
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _problems(name: str, root: yaml.Node | None, err: ValidationError) -> list[str]:
    problems = []
    for error in err.errors(include_url=False):
        place = error["loc"] + getattr(error.get("ctx", {}).get("error"), "place", ())
        message = str(error["msg"]).removeprefix("Value error, ")
        where = (
            ".".join(str(step) for step in place if not str(step).startswith(("function-", "literal["))) or "the file"
        )
        problems.append(f"{name}:{_line_of(root, place)}: {where}: {message}")
    return problems


def parse_program(source: str, name: str = "program") -> Program:
    """The program in a YAML text; `name` stands for the file in messages. Raises ProgramError."""
    try:
        root = yaml.compose(source, Loader=_Loader)
        data = yaml.load(source, Loader=_Loader)  # noqa: S506 - a SafeLoader of our own
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        raise ProgramError([f"{name}:{line}: {err.problem or 'not YAML'}"]) from err
    except yaml.YAMLError as err:
        raise ProgramError([f"{name}:1: not YAML: {err}"]) from err
    if not isinstance(data, dict):
        raise ProgramError([f"{name}:1: expected a mapping that begins with 'program:'"])
    try:
        return Program.model_validate(data)
    except ValidationError as err:
        raise ProgramError(_problems(name, root, err)) from err


def load_program(path: Path) -> Program:
    """The program in a file. Raises ProgramError, also for a file that can't be read."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise ProgramError([f"{path}:1: cannot be read: {err}"]) from err
    return parse_program(source, str(path))
