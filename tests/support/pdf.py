"""Reads back the texts of a PDF that fpdf2 wrote with one font of ours."""

import re
import zlib

STREAM = re.compile(rb"/Length \d+\n>>\nstream\n(.*?)\nendstream", re.DOTALL)
SHOWN = re.compile(rb"\(((?:[^\\()]|\\.)*)\) Tj", re.DOTALL)
ESCAPED = {b"r": b"\r", b"n": b"\n", b"t": b"\t"}


def pages_of(data: bytes) -> list[list[str]]:
    """The texts of each page, in their order, by the font's own table of what each glyph stands for."""
    streams = [_plain(found) for found in STREAM.findall(data)]
    table = next(stream for stream in streams if b"beginbfchar" in stream).decode("ascii")
    pairs = re.findall(r"<([0-9A-F]{4})> <([0-9A-F]+)>\n", table[table.index("beginbfchar") :])
    letters = {int(glyph, 16): bytes.fromhex(text).decode("utf-16-be") for glyph, text in pairs}
    return [_texts(stream, letters) for stream in streams if b" Tj" in stream]


def _plain(stream: bytes) -> bytes:
    return zlib.decompress(stream) if stream[:1] == b"\x78" else stream


def _texts(stream: bytes, letters: dict[int, str]) -> list[str]:
    shown = [
        re.sub(rb"\\(.)", lambda m: ESCAPED.get(m[1], m[1]), text, flags=re.DOTALL) for text in SHOWN.findall(stream)
    ]
    return [
        "".join(letters[int.from_bytes(text[at : at + 2], "big")] for at in range(0, len(text), 2)) for text in shown
    ]
