"""The sign-in sheet as a PDF: a line for each person, with its code, and blank ones for whoever else comes."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from service.i18n import _

FONT = Path(str(files("fontpkg_noto_sans").joinpath("files", "NotoSans[wdth,wght].ttf")))
"""Latin with Vietnamese, Greek, Cyrillic; of a letter of another script it has none."""
FAMILY = "sheet"
MISSING = "\ufffd"
"""Stands where a letter is that the font lacks, so that everybody sees that there is one."""
BLANK_LINES = 8
MARGIN, LINE = 14.0, 9.5
"""Millimetres, as all measures here."""
WIDTHS = (18.0, 66.0, 62.0, 21.0, 21.0)
BIG, PLAIN, SMALL, SMALLEST = 15.0, 10.5, 8.5, 7.0
"""Points."""
GREY = (90, 90, 90)


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the lines, in words."""

    title: str
    when: str
    where: str
    community: str


class _Sheet(FPDF):
    def __init__(self, heading: Heading) -> None:
        super().__init__(format="letter")
        self.heading = heading
        self.add_font(FAMILY, fname=FONT)
        font = self.fonts[FAMILY]
        self.letters = frozenset(font.cmap) if isinstance(font, TTFFont) else frozenset[int]()
        self.set_font(FAMILY, size=PLAIN)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, margin=MARGIN + LINE)
        self.set_draw_color(*GREY)

    def header(self) -> None:
        self.set_text_color(0)
        self._text(self.heading.title, BIG, 8.0)
        for words in (self.heading.when, self.heading.where, self.heading.community):
            if words:
                self._text(words, PLAIN, 5.5)
        self.ln(2)
        self.set_font(FAMILY, size=SMALL)
        self.set_text_color(*GREY)
        for words, width in zip((_("Code"), _("Name"), _("Signature"), _("Arrived"), _("Left")), WIDTHS, strict=True):
            self.cell(width, 6, words, border="B")
        self.ln(6)
        self.set_text_color(0)

    def footer(self) -> None:
        self.set_y(-MARGIN - 2)
        self.set_font(FAMILY, size=SMALL)
        self.set_text_color(*GREY)
        self.cell(0, 5, _("Page %(page)s of %(pages)s", page=self.page_no(), pages="{nb}"), align="R")

    def row(self, code: str, name: str) -> None:
        """One line to sign on."""
        for words, width in zip((code, name, "", "", ""), WIDTHS, strict=True):
            self._fit(words, width)
        self.ln(LINE)

    def _text(self, words: str, size: float, height: float) -> None:
        self.set_font(FAMILY, size=size)
        self.cell(0, height, self._cut(self.known(words), self.epw), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _fit(self, words: str, width: float) -> None:
        """A cell whose text is as small as it has to be, and cut where that isn't enough."""
        shown, size = self.known(words), PLAIN
        self.set_font(FAMILY, size=size)
        while size > SMALLEST and self.get_string_width(shown) > width - 3:
            size -= 0.5
            self.set_font(FAMILY, size=size)
        self.cell(width, LINE, self._cut(shown, width - 3), border=1)

    def _cut(self, words: str, width: float) -> str:
        if self.get_string_width(words) <= width:
            return words
        while words and self.get_string_width(words + "…") > width:
            words = words[:-1]
        return words + "…"

    def known(self, words: str) -> str:
        """A text on one line, with a mark in the place of each letter that the font lacks."""
        joined = " ".join(unicodedata.normalize("NFC", words).split())
        return "".join(letter if ord(letter) in self.letters else MISSING for letter in joined)


def sheet(heading: Heading, people: Sequence[tuple[str, str]], *, compress: bool = True) -> bytes:
    """The sheet of a session; `people` are (code, name) in the order of the lines."""
    pdf = _Sheet(heading)
    pdf.set_compression(compress)
    pdf.set_title(heading.title)
    pdf.add_page()
    for code, name in people:
        pdf.row(code, name)
    for _blank in range(BLANK_LINES):
        pdf.row("", "")
    return bytes(pdf.output())
