"""Every form that changes something carries the token that no other site knows."""

import re
from pathlib import Path

import pytest

from service import i18n

TEMPLATES = sorted((Path(i18n.__file__).parent / "templates").rglob("*.html"))
FORM = re.compile(r"<form\b(?P<attributes>[^>]*)>(?P<content>.*?)</form>", re.DOTALL)
POSTS = re.compile(r'method="post"', re.IGNORECASE)
TOKEN = re.compile(r'\bcsrf\(\)|<input type="hidden" name="csrf_token" value="\{\{ csrf_token\(\) \}\}">')
MACRO = re.compile(r"{% macro (?P<name>\w+)\(.*?%}(?P<content>.*?){% endmacro %}", re.DOTALL)
KEY_IN_ADDRESS = {"opt_out.html"}
"""Mail programs send it too: what nobody else knows is in its address."""
ELSEWHERE = re.compile(r"\bhx-(post|put|patch|delete)=")


def posting(source: str) -> list[str]:
    """The contents of the forms that are posted."""
    return [form["content"] for form in FORM.finditer(source) if POSTS.search(form["attributes"])]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_forms_that_are_posted_carry_the_token(path: Path) -> None:
    source = path.read_text()
    assert source.lower().count('method="post"') == len(posting(source)), "a form that isn't closed in the same file"
    bringing = [macro["name"] for macro in MACRO.finditer(source) if TOKEN.search(macro["content"])]
    calls = re.compile("|".join([TOKEN.pattern, *(rf"\b{name}\(" for name in bringing)]))
    without = [content for content in posting(source) if not calls.search(content)]
    assert bool(without) == (path.name in KEY_IN_ADDRESS)
    assert not ELSEWHERE.search(source), "post by a form"


def test_the_test_finds_a_form_without() -> None:
    assert posting('<form method="post" action="/x"><p>{{ csrf }}</p></form>') == ["<p>{{ csrf }}</p>"]
    assert not TOKEN.search("<p>{{ csrf }}</p>")
