"""Words for people: gettext, with catalogues in service/locale, and days and numbers as each language writes them.

`python -m service.i18n extract` collects the texts into service/locale/copbridge.pot, `update` brings the translations
beside it up to date with that: what has no translation yet is in them, empty.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from babel.support import NullTranslations, Translations
from flask import Flask, current_app, g, has_request_context, request

DOMAIN = "copbridge"
LOCALE = Path(__file__).parent / "locale"
TEMPLATE_FILE = LOCALE / f"{DOMAIN}.pot"
SOURCES = (("**.py", "python"), ("**/templates/**.html", "jinja2"))
EXTENSION = "copbridge.language"
COOKIE = "copbridge-language"
"""What somebody who isn't signed in chose, on the sign-in page."""
SOURCE_LANGUAGE = "en"
NAMES = {"en": "English", "es": "Español"}
"""The languages of the pages, in their own words."""
LOCALES = {"en": "en_US", "es": "es_US"}
"""How days, times and numbers are written in each."""
HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plurals}\\n"

"""
_SPOKEN: ContextVar[str | None] = ContextVar("language", default=None)


def install(app: Flask, language: str) -> None:
    """Let an application and its templates speak each request's language; `language` is that of whoever asks for none
    that there is."""
    app.extensions[EXTENSION] = language if language in NAMES else SOURCE_LANGUAGE
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: _translations().gettext(text),
        lambda one, many, n: _translations().ngettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals.update(language=language_now, languages=NAMES)


def language_now() -> str:
    """The language that is spoken: what the user chose, else what was chosen in this browser, else what it asks for,
    else the installation's.

    English where no request is served.
    """
    said = _SPOKEN.get()
    if said is not None:
        return said
    if not has_request_context():
        return SOURCE_LANGUAGE
    found: str | None = g.get("language")
    if found is None:
        found = g.language = _chosen()
    return found


def locale_now() -> str:
    """The locale of the language that is spoken, as Babel names it."""
    return LOCALES.get(language_now(), SOURCE_LANGUAGE)


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Speak a language for a while, such as that of whom a mail is for; None: the language that is spoken now."""
    token = _SPOKEN.set(language if language in NAMES else _SPOKEN.get())
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def _chosen() -> str:
    who = g.get("signed_in")
    if who is not None and who.language in NAMES:
        return str(who.language)
    asked = request.cookies.get(COOKIE)
    if asked in NAMES:
        return str(asked)
    default: str = current_app.extensions[EXTENSION]
    # In the browser's order, whatever the country: who asks for es-MX first and for en then wants Spanish.
    wanted = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((tag for tag in wanted if tag in NAMES), default)


@cache
def _catalogue(language: str) -> NullTranslations:
    source = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not source.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines, domain=DOMAIN))
    compiled.seek(0)
    return Translations(compiled, DOMAIN)


def _translations() -> NullTranslations:
    return _catalogue(language_now())


def _(message: str, **params: object) -> str:
    """The message in the language that is spoken, with `%(name)s` filled in."""
    text = _translations().gettext(message)
    return text % params if params else text


def ngettext(singular: str, plural: str, number: int, **params: object) -> str:
    """The message for a number, which `%(n)s` stands for."""
    return _translations().ngettext(singular, plural, number) % {"n": number, **params}


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a message that is translated later, where it is used."""
    return message


def catalogue() -> Catalog:
    """All messages of the service's sources, in the order of the files."""
    from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir

    found = Catalog(project="CoP Bridge", version="", copyright_holder="", charset="utf-8")
    # jinja2's own extractor needs to know how {% trans %} is trimmed here.
    options = {"**/templates/**.html": {"trimmed": "true"}}
    keywords = {**DEFAULT_KEYWORDS, "N_": None}
    messages = extract_from_dir(LOCALE.parent, list(SOURCES), options, keywords=keywords)
    for filename, _line, message, comments, context in sorted(messages, key=lambda row: (row[0], row[1])):
        # Without line numbers, so that the file changes only when a message does.
        found.add(message, None, [(f"service/{filename}", 0)], auto_comments=comments, context=context)
    return found


def _written(found: Catalog) -> bytes:
    target = BytesIO()
    write_po(target, found, width=100, omit_header=True, sort_output=False, include_lineno=False, ignore_obsolete=True)
    return target.getvalue()


def extract() -> bytes:
    """The template file's content."""
    return _written(catalogue())


def update() -> list[Path]:
    """Bring each service/locale/<language>/LC_MESSAGES/copbridge.po up to date with the sources; the files written."""
    found, written = catalogue(), []
    for source in sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        language = source.parts[-3]
        with source.open("rb") as lines:
            translated = read_po(lines, domain=DOMAIN, locale=language)
        # A guess at what a new message might mean is worse than none.
        translated.update(found, no_fuzzy_matching=True)
        # Without the dates that Babel's own header has: the file changes only when a message does.
        header = HEADER.format(language=language, plurals=translated.plural_forms)
        source.write_bytes(header.encode() + _written(translated))
        written.append(source)
    return written


def main(arguments: list[str]) -> int:
    """The command line; 2 for an unknown command."""
    if arguments == ["extract"]:
        TEMPLATE_FILE.write_bytes(extract())
    elif arguments == ["update"]:
        update()
    else:
        sys.stderr.write("python -m service.i18n extract|update\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
