"""The sign-in sheet as a PDF: every name, in whatever script; and the words for what is wrong with lines."""

from itertools import pairwise

from records.roster import Shut
from records.roster_saving import Refused
from records.sheet import Wrong
from service.roster_words import REFUSED, SHUT, WRONG
from service.sheet_pdf import BLANK_LINES, MISSING, Heading, sheet
from tests.support.pdf import pages_of

HEADING = Heading("Saturday session", "Nov 21, 2026, 9:00 AM PST", "Room 5", "Math, Bay Area")
KNOWN = ("Nguyễn Thị Hương", "Łukasz Żak", "Ελένη Παπά", "Сергій Ґава", "Ñandú (Ödön) \\")
UNKNOWN = ("محمد علي", "王小明", "🙂")


def test_every_name_is_there_and_what_the_font_lacks_is_seen_to_be_missing() -> None:
    people = [(f"K7M{at}", name) for at, name in enumerate((*KNOWN, *UNKNOWN))]
    (page,) = pages_of(sheet(HEADING, people, compress=False))
    assert page[:4] == ["Saturday session", "Nov 21, 2026, 9:00 AM PST", "Room 5", "Math, Bay Area"]
    names = dict(pairwise(page))
    assert [names[code] for code, _ in people[: len(KNOWN)]] == list(KNOWN)
    assert [names[code] for code, _ in people[len(KNOWN) :]] == [
        f"{MISSING * 4} {MISSING * 3}",
        MISSING * 3,
        MISSING,
    ]
    assert page[-2:] == ["Page 1 of ", "1"]


def test_long_names_and_many_people() -> None:
    people = [("K7M2", "Maria " * 50), *[("ABCD", f"Person {at}") for at in range(99)]]
    pages = pages_of(sheet(Heading("Title " * 60, "", "", ""), people, compress=False))
    assert ["".join(page[-2:]) for page in pages] == [f"Page {at + 1} of {len(pages)}" for at in range(len(pages))]
    texts = [text for page in pages for text in page]
    assert texts.count("ABCD") == 99
    assert next(text for text in texts if text.startswith("Maria")).endswith("…")
    assert texts.count("Signature") == len(pages)


def test_nobody_yet_is_a_sheet_of_blank_lines() -> None:
    data = sheet(HEADING, [], compress=False)
    assert data.count(b" re S") == 5 * BLANK_LINES


def test_every_code_has_its_words() -> None:
    assert (set(REFUSED), set(WRONG), set(SHUT)) == (set(Refused), set(Wrong), set(Shut))
