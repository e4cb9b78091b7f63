"""Words for people: gettext, with catalogues in service/locale.

`python -m service.i18n extract` collects the texts into service/locale/copbridge.pot, `compile` makes
what a running service reads out of the translations beside it. Both need Babel, a development tool.
"""

import gettext as stdlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, current_app, has_app_context

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

DOMAIN = "copbridge"
LOCALE = Path(__file__).parent / "locale"
TEMPLATE_FILE = LOCALE / f"{DOMAIN}.pot"
SOURCES = (("**.py", "python"), ("**/templates/**.html", "jinja2"))
EXTENSION = "copbridge.translations"


def install(app: Flask, language: str) -> None:
    """Let an application and its templates speak a language; English where there is no catalogue of it."""
    found = stdlib.translation(DOMAIN, LOCALE, [language], fallback=True)
    app.extensions[EXTENSION] = found
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_translations(found, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.policies["ext.i18n.trimmed"] = True


def _translations() -> stdlib.NullTranslations:
    if not has_app_context():
        return stdlib.NullTranslations()
    found: stdlib.NullTranslations = current_app.extensions[EXTENSION]
    return found


def _(message: str, **params: object) -> str:
    """The message in the language of the pages, with `%(name)s` filled in."""
    text = _translations().gettext(message)
    return text % params if params else text


def ngettext(singular: str, plural: str, number: int, **params: object) -> str:
    """The message for a number, which `%(n)s` stands for."""
    return _translations().ngettext(singular, plural, number) % {"n": number, **params}


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a message that is translated later, where it is used."""
    return message


def catalogue() -> "Catalog":
    """All messages of the service's sources, in the order of the files."""
    from babel.messages.catalog import Catalog
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


def extract() -> bytes:
    """The template file's content."""
    from io import BytesIO

    from babel.messages.pofile import write_po

    target = BytesIO()
    write_po(target, catalogue(), width=100, omit_header=True, sort_output=False, include_lineno=False)
    return target.getvalue()


def compile_all() -> list[Path]:
    """Compile each service/locale/<language>/LC_MESSAGES/copbridge.po; the files that were written."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    written = []
    for source in sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        with source.open("rb") as lines, source.with_suffix(".mo").open("wb") as target:
            write_mo(target, read_po(lines, domain=DOMAIN))
        written.append(source.with_suffix(".mo"))
    return written


def main(arguments: list[str]) -> int:
    """The command line; 2 for an unknown command."""
    if arguments == ["extract"]:
        TEMPLATE_FILE.write_bytes(extract())
    elif arguments == ["compile"]:
        compile_all()
    else:
        sys.stderr.write("python -m service.i18n extract|compile\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
