"""Write a provision file out of what was chosen in a form: YAML that mappings.provision_loading reads back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Chosen = Literal["all"] | Sequence[str]


@dataclass(frozen=True, slots=True)
class Written:
    """What was chosen, as it was typed: whether it can be, the loader says. Days as in the file: YYYY-MM-DD."""

    provision: str
    site: str
    program: str
    term: str
    term_title: str
    template: str
    fullname: str
    shortname: str
    idnumber: str
    categories: Sequence[tuple[str, str]]
    """Name and ID number, the outermost first."""
    starts: str
    ends: str
    topics: Chosen
    regions: Chosen
    people: Sequence[str] = ()
    """Files of people."""
    welcome: str = ""


def provision_text(written: Written) -> str:
    """The file."""
    return "\n".join(_lines(written)) + "\n"


def _lines(w: Written) -> Iterator[str]:
    term = f"code: {quoted(w.term)}" + (f", title: {quoted(w.term_title)}" if w.term_title else "")
    yield f"provision: {quoted(w.provision)}"
    yield f"site: {quoted(w.site)}"
    yield f"program: {quoted(w.program)}"
    yield f"term: {{{term}}}"
    yield ""
    yield f"template: {quoted(w.template)}"
    yield ""
    yield "naming:"
    for key in ("fullname", "shortname", "idnumber"):
        yield f"  {key}: {quoted(getattr(w, key))}"
    yield ""
    yield "category:"
    for name, idnumber in w.categories:
        yield f"  - {{name: {quoted(name)}, idnumber: {quoted(idnumber)}}}"
    yield ""
    # A day in quotes is a day all the same, and what is none is told by the loader.
    yield f"starts: {quoted(w.starts)}"
    yield f"ends: {quoted(w.ends)}"
    yield ""
    yield "matrix:"
    yield f"  topics: {_chosen(w.topics)}"
    yield f"  regions: {_chosen(w.regions)}"
    if w.people:
        yield ""
        yield f"people: {{files: [{', '.join(map(quoted, w.people))}]}}"
    if w.welcome:
        yield ""
        yield from _long("welcome", w.welcome)


def _chosen(chosen: Chosen) -> str:
    return "all" if chosen == "all" else f"[{', '.join(map(quoted, chosen))}]"


def _long(key: str, text: str) -> Iterator[str]:
    """A text of several lines, as it is where it can stand so."""
    lines = text.split("\n")
    plain = text == text.strip() and all(line.isprintable() for line in lines)
    if not plain or len(lines) == 1:
        yield f"{key}: {quoted(text)}"
        return
    yield f"{key}: |-"
    for line in lines:
        yield f"  {line}" if line else ""


def quoted(text: str) -> str:
    """A text in double quotes; what can't be seen as an escape."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(one: str) -> str:
    if one in '\\"':
        return f"\\{one}"
    if one.isprintable():
        return one
    code = ord(one)
    if code > 0xFFFF:
        return f"\\U{code:08X}"
    return f"\\u{code:04X}"
