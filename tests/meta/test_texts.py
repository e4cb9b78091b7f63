"""Words for people go through gettext: no bare text in templates or in what views say."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
from babel.messages.pofile import read_po
from flask import Flask, g
from jinja2 import Environment

from jobs import scheduler
from mappings.conditions import Lacks, PassedOver
from mappings.earning import Cap
from mappings.facts import Ended, Nothing
from mappings.matching import Refusal
from mappings.outcomes import OutcomeStatus
from mappings.requirements import CHECKS
from mappings.standing import Status
from mappings.together import NoticeStatus
from moodle_client import Reason
from records import mail
from records.actor import Role
from records.decisions import Kind
from records.drift import Drift
from service import audit_words, explanations, i18n, moodle_words, operation_words, sentences, session_words, wording

SERVICE = Path(i18n.__file__).parent
TEMPLATES = sorted((SERVICE / "templates").rglob("*.html"))
# Views and the words for codes. The command line speaks English: its texts are another matter.
WORDS = ("wording.py", "sentences.py", "explanations.py", "moodle_words.py", "access.py", "app.py")
MODULES = sorted([*(SERVICE / "pages").glob("*.py"), *(SERVICE / name for name in WORDS)])
READ_ALOUD = {"alt", "aria-label", "aria-description", "placeholder", "title", "data-label"}
MARKING = {"_", "N_", "ngettext"}
EXPRESSION = "\x01"
LETTERS = re.compile(r"[^\W\d_]{2,}")
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


class Bare(HTMLParser):
    """Collects text and read-aloud attributes that hold letters."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self._look(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in READ_ALOUD or (tag == "meta" and (name, value) == ("name", "description")):
                self._look(value or "")

    def _look(self, words: str) -> None:
        if LETTERS.search(words):
            self.found.append(" ".join(words.replace(EXPRESSION, "…").split()))


def outside_of_jinja(source: str) -> str:
    """A template's own markup, with a mark in the place of each expression."""
    kept, inside = [], False
    for _line, kind, value in Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).lex(source):
        if kind in ("variable_begin", "block_begin", "comment_begin", "raw_begin"):
            inside = True
        elif kind in ("variable_end", "block_end", "comment_end", "raw_end"):
            inside = False
            kept.append(EXPRESSION if kind == "variable_end" else "")
        elif kind == "data" and not inside:
            kept.append(value)
    return "".join(kept)


def bare_text(source: str) -> list[str]:
    """Text of a template that no catalogue could translate."""
    parser = Bare()
    parser.feed(outside_of_jinja(source))
    parser.close()
    return parser.found


def bare_strings(source: str) -> list[str]:
    """Sentences in code that aren't marked for translation, docstrings and errors of ours apart."""
    tree = ast.parse(source)
    allowed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKING:
            allowed |= {id(child) for child in ast.walk(node)}
        if isinstance(node, ast.Raise | ast.Expr) and not _is_call(node):
            allowed |= {id(child) for child in ast.walk(node)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in allowed
        if SENTENCE.search(node.value)
    ]


def _is_call(node: ast.Raise | ast.Expr) -> bool:
    # A docstring is an expression; so is a call whose arguments people may read, as flash("...").
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_bare_text_in_templates(path: Path) -> None:
    assert bare_text(path.read_text()) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_bare_text_in_code(path: Path) -> None:
    assert bare_strings(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Bare</p>",
        "<p>{{ x }} hours</p>",
        '<img alt="Bare">',
        '<td data-label="Bare {{ x }}">',
        "{% if x %}Bare{% endif %}",
        "<button>Save</button>",
    ],
)
def test_the_test_finds_bare_text_in_templates(source: str) -> None:
    assert bare_text(source)


@pytest.mark.parametrize("source", ["flash('It was saved')", "label = 'Your name'", "abort(403, 'Not for you')"])
def test_the_test_finds_bare_text_in_code(source: str) -> None:
    assert bare_strings(source)


@pytest.mark.parametrize(
    "source", ["<p>{{ _('Marked') }}</p>", '<td data-label="{{ _("Marked") }}">16–20</td>', "{# A comment #}"]
)
def test_the_test_lets_marked_text_pass(source: str) -> None:
    assert bare_text(source) == []


def texts_in_catalogue() -> Iterator[str]:
    for message in i18n.catalogue():
        yield from [message.id] if isinstance(message.id, str) else message.id


def test_the_template_file_holds_every_text() -> None:
    assert i18n.TEMPLATE_FILE.read_bytes() == i18n.extract(), "run: python -m service.i18n extract"
    found = set(texts_in_catalogue())
    # One of each way to mark: a template, a plural in a template, a view, a table of words.
    assert {"Communities", "The ledger: %(num)s entry"} <= found
    assert {"This page is for people who are signed in.", "Marked as not done again in Moodle."} <= found


def test_no_key_of_a_table_is_taken_for_a_message() -> None:
    assert [text for text in texts_in_catalogue() if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", text)] == []
    # A lookup within `_( )` has the extractor take the key itself for a message.
    assert [found for path in sorted(SERVICE.rglob("*.py")) for found in keys_within(path.read_text(), path.name)] == []


@pytest.mark.parametrize("source", ['_(FAULTS["reason"])', '_(known.get(code, FAULTS["failed"]))'])
def test_the_test_finds_keys(source: str) -> None:
    assert keys_within(source, "x.py")
    assert not keys_within('text = FAULTS["reason"]\n_(text)', "x.py")


def keys_within(source: str, name: str) -> list[str]:
    """Calls that translate something looked up, with a text in them that is no message."""
    return [
        f"{name}:{node.lineno} {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKING and node.args
        if not isinstance(node.args[0], ast.Constant)
        if any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node.args[0]))
    ]


def test_every_periodic_job_and_every_mail_has_its_words() -> None:
    assert {job.__name__ for job in scheduler.PERIODIC} == set(operation_words.PERIODIC)
    assert {str(kind) for kind in mail.Kind} == set(operation_words.MAILS)


def test_an_error_that_put_something_aside_is_told_in_words_with_its_class_beside_them() -> None:
    known, unknown = (operation_words.reason(code) for code in ("IntegrityError 23505 uq_accounts", "KeyError"))
    assert known == "It contradicts what is stored already (IntegrityError 23505 uq_accounts)."
    assert unknown.startswith("An error of CoP Bridge stopped it (KeyError)")


def recorded(path: Path) -> Iterator[str]:
    """The actions that a module has the audit trail say: as they stand in its calls, or, where a call takes a name,
    whatever the module holds that could be one. Of two groups every name that there is."""
    tree = ast.parse(path.read_text())
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "audit.record"):
            continue
        match call.args[2]:
            case ast.Constant(value=str(name)):
                yield name
            case ast.JoinedStr(values=[ast.Constant(value="decision."), _]):
                yield from (f"decision.{kind}" for kind in Kind)
            case ast.JoinedStr(values=[ast.Constant(value="session."), _]):
                yield from (f"session.{what}" for what in session_words.ACTS)
            case ast.Name():
                found = [text for text in texts if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", text)]
                assert found, f"{path.name} records what nobody can tell: {ast.unparse(call)}"
                yield from found
            case other:
                raise AssertionError(f"{path.name}: {ast.unparse(other)} is no name of an action")


def test_every_action_of_the_audit_trail_has_its_words() -> None:
    """And no words are kept of what nobody does any more; what is unknown stands for itself."""
    house = [SERVICE.parent / floor for floor in ("records", "jobs", "service")]
    names = {name for floor in house for path in floor.rglob("*.py") for name in recorded(path)}
    assert {name for name in names if audit_words.action(name) == name} == set()
    assert set(audit_words.ACTIONS) - names == set()
    assert audit_words.action("decision.none") == "decision.none"


def test_every_code_has_its_words() -> None:
    for codes, table in (
        (Nothing, wording.NOTHING),
        (Ended, wording.ENDED),
        (Status, wording.STANDINGS),
        (Refusal, wording.REFUSALS),
        (Role, wording.ROLES),
        (OutcomeStatus, sentences.OUTCOMES),
        (NoticeStatus, sentences.NOTICES),
        (PassedOver, sentences.PASSED_OVER),
        (Lacks, sentences.TOLD),
        (CHECKS, sentences.NOTICED),
        (Drift, moodle_words.DRIFT),
        (Reason, moodle_words.FAILURES),
        (get_args(Cap.model_fields["per"].annotation), explanations.PER),
    ):
        assert set(codes) == set(table)


def test_the_language_is_the_users_else_the_browsers_else_the_installations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (folder / "copbridge.po").write_text(header + 'msgid "%(hours)s h"\nmsgstr "%(hours)s horas"\n')
    monkeypatch.setattr(i18n, "LOCALE", tmp_path)
    i18n._catalogue.cache_clear()
    app = Flask(__name__)
    i18n.install(app, "en")
    for asked, chosen, expected in (
        ("es-MX,en;q=0.5", None, "2 horas"),
        ("nl,xx", None, "2 h"),
        ("es", "en", "2 h"),
        ("en", "es", "2 horas"),
    ):
        with app.test_request_context(headers={"Accept-Language": asked}):
            g.signed_in = SimpleNamespace(language=chosen) if chosen else None
            assert wording.hours(120) == expected
    with i18n.speaking("es"):
        assert wording.hours(120) == "2 horas"
    assert wording.hours(120) == "2 h"
    i18n._catalogue.cache_clear()


def test_each_translation_is_whole_and_fills_in_the_same_values() -> None:
    for source in sorted(i18n.LOCALE.glob("*/LC_MESSAGES/copbridge.po")):
        with source.open("rb") as lines:
            translated = read_po(lines, locale=source.parts[-3])
        for message in i18n.catalogue():
            if not message.id:
                continue
            found = translated.get(message.id, message.context)
            missing = f"{message.id!r} has no translation: python -m service.i18n update, then translate it in {source}"
            assert found is not None, missing
            assert all(found.string if isinstance(found.string, tuple) else [found.string]), missing
            assert not list(found.check(translated)), message.id
