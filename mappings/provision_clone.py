"""Next term's provision file out of this term's: the same text, with its days moved and its people left out."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import yaml

from mappings.base import Misplaced
from mappings.findings import Place, ProgramError
from mappings.provision_loading import parse_provision
from mappings.provisioning import FIRST_DAY, LAST_DAY, Naming, Provision
from mappings.source import Source

Edit = tuple[int, int, str]
"""What stands from one character up to another becomes that."""
DAY = re.compile(r"\d{4}-\d\d?-\d\d?")
WORD = re.compile(r"(?!(?:true|false|null)$)[0-9]*[A-Za-z][A-Za-z0-9_-]*", re.IGNORECASE)
"""What is text without quotes."""
TERM = "{term}"
DAYS, FILES = ("starts", "ends", "on"), "files"
FREE = "fields"
"""Its keys are Moodle's, whatever they are called."""


def cloned(text: str, source: Source, provision: Provision, *, code: str, term: str, title: str, starts: date) -> str:
    """The file with another code and term, and every day moved by as much as the first one; comments stay. Nobody is
    carried over: files of people are left out. Raises Misplaced where names would be those of this term again, and
    ProgramError where the new file would be wrong."""
    _check(provision, code, term, starts)
    move = starts - (provision.starts or starts)
    # What an alias repeats is written once.
    for begin, end, new in sorted(set(_edits(text, source.root, move, code, term, title)), reverse=True):
        text = text[:begin] + new + text[end:]
    try:
        is_ = parse_provision(text, source.name)[0].model_dump()
    except ProgramError as err:
        # What is no YAML any more has no place.
        if all(one.place for one in err.findings):
            raise
        is_ = {}
    wanted = _moved(provision.model_dump(), move) | {"provision": code, "term": {"code": term, "title": title}}
    if is_ != wanted:
        # The text is changed piece by piece, so that comments stay: better none than a wrong one.
        raise Misplaced("it can't be cloned as it is written: write days as 2026-09-01, and 'files' without & and *")
    return text


def _check(provision: Provision, code: str, term: str, starts: date) -> None:
    for place, naming in _namings(provision):
        for name in ("shortname", "idnumber"):
            if TERM not in getattr(naming, name):
                said = (
                    f"'{getattr(naming, name)}' has no {TERM} in it, so that next term's courses would be this"
                    " term's: put it in, and apply the file"
                )
                raise Misplaced(said, *place, name)
    if code == provision.provision:
        raise Misplaced(f"'{code}' is this file's code: the new one needs one of its own", "provision")
    if term == provision.term.code:
        raise Misplaced(f"'{term}' is this file's term: the new one needs another", "term", "code")
    if not FIRST_DAY <= starts <= LAST_DAY:
        raise Misplaced(f"{starts} is not a day from {FIRST_DAY} to {LAST_DAY}", "starts")


def _namings(provision: Provision) -> Iterator[tuple[Place, Naming]]:
    if provision.naming is not None:
        yield ("naming",), provision.naming
    for key, parts in (("overrides", provision.overrides), ("communities", provision.communities)):
        for number, part in enumerate(parts):
            if part.naming is not None:
                yield (key, number, "naming"), part.naming


def _moved(value: Any, move: timedelta) -> Any:
    """What the new file has to hold."""
    if isinstance(value, list | tuple):
        return type(value)(_moved(item, move) for item in value)
    if not isinstance(value, dict):
        return value
    return {key: _new(key, item, move) for key, item in value.items()}


def _new(key: str, value: Any, move: timedelta) -> Any:
    if key == FILES:
        return ()
    if key == FREE:
        return value
    return value + move if key in DAYS and isinstance(value, date) else _moved(value, move)


def _edits(text: str, root: yaml.Node, move: timedelta, code: str, term: str, title: str) -> Iterator[Edit]:
    """What has to be written otherwise."""
    for key, value in root.value:
        if key.value == "provision":
            yield _instead(value, _written(code))
        elif key.value == "term":
            yield from _term(value, term, title)
        else:
            yield from _inside(text, key, value, move)


def _term(node: yaml.MappingNode, term: str, title: str) -> Iterator[Edit]:
    there = {key.value: value for key, value in node.value}
    first = next(key for key, _ in node.value)
    begin, end, new = _instead(there["code"], _written(term))
    words = json.dumps(title, ensure_ascii=False)
    if "title" in there:
        yield _instead(there["title"], words)
    else:
        new += f"{', ' if node.flow_style else chr(10) + ' ' * first.start_mark.column}title: {words}"
    yield begin, end, new


def _inside(text: str, key: yaml.Node, value: yaml.Node, move: timedelta) -> Iterator[Edit]:
    if key.value == FREE:
        return
    if key.value == FILES:
        yield from _emptied(text, key, value)
    elif isinstance(value, yaml.MappingNode):
        for inner, node in value.value:
            yield from _inside(text, inner, node, move)
    elif isinstance(value, yaml.SequenceNode):
        for item in value.value:
            for inner, node in item.value if isinstance(item, yaml.MappingNode) else ():
                yield from _inside(text, inner, node, move)
    elif key.value in DAYS and (found := DAY.search(text, value.start_mark.index, value.end_mark.index)):
        year, month, day = map(int, found[0].split("-"))
        yield found.start(), found.end(), (date(year, month, day) + move).isoformat()


def _emptied(text: str, key: yaml.Node, value: yaml.Node) -> Iterator[Edit]:
    """A list without its items. Those of a block stand on lines of their own, which go; what follows them stays."""
    if not isinstance(value, yaml.SequenceNode) or value.flow_style or not value.value:
        yield _instead(value, "[]")
        return
    colon = text.index(":", key.end_mark.index) + 1
    yield colon, colon, " []"
    begin = text.rindex("\n", 0, value.start_mark.index)
    end = text.find("\n", value.value[-1].end_mark.index)
    yield begin, end if end >= 0 else len(text), ""


def _instead(node: yaml.Node, new: str) -> Edit:
    return node.start_mark.index, node.end_mark.index, new


def _written(code: str) -> str:
    """A code as YAML: in quotes where it would be a number or a day without."""
    return code if WORD.fullmatch(code) else json.dumps(code, ensure_ascii=False)
