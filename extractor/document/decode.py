"""Bytes → stored text: BOM dropped, line ends `\\n`, otherwise untouched.

No statistical detector: a report says itself in which encoding it is readable. A candidate encoding must decode
every byte, and what comes out must look like Chinese (words of the form, the commonest characters) or be plain
ASCII. A file cut in the middle of its last character is still read; a byte that is no text anywhere else is not
guessed at, since a replaced byte could have been part of a number.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from extractor.errors import InputError

# Words that stand in nearly every report, simplified and traditional.
_WORDS = re.compile(r"政府信息|信息公开|年度报告|行政|公开|申请|本年|政府資訊|資訊公開|年度報告|公開|申請")
# The commonest characters of administrative prose, simplified and traditional: about a third of any real
# text, next to nothing of a text read in the wrong encoding.
_COMMON = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出会三二四五六七八九十年月日本公开政府信息申请行政"
    "机关情况数量予以其他理处结果部分不属无规章制发件许可罚强收费金额单位主动依法自然业科研社会律服务构总计新结转下"
    "度报告工建设进加推市县区镇乡局办室及全面各等第项与对及市民与"
    "這個國為時來們會開請機關況數據處結報業構總計轉發許罰強費額單動對進縣區鎮鄉辦與務"
    "，。、：；（）“”《》"
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16 LE, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 64_000
_CONTROL = bytes(set(range(32)) - {8, 9, 10, 11, 12, 13, 27}) + b"\x7f"
_HINT = "Save it as UTF-8 (an editor's “save with encoding”, or `iconv -t UTF-8`)."


@dataclass(frozen=True, slots=True)
class Decoded:
    """The stored text, the encoding it was read in, and whether its last character was cut off."""

    text: str
    encoding: str
    cut: bool = False


def decode(data: bytes, prefer: str = "") -> Decoded:
    """The stored text of a text file; `prefer` is an encoding that the document names itself (HTML's meta).

    Errors: InputError `undecodable` (bytes that are no text in any encoding we know), `binary` (no text at all).
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _whole(data[len(mark) :], encoding)
    utf8 = _try(data, "utf-8")
    if utf8 and b"\x00" not in data[:_SAMPLE]:
        return utf8
    wide = _wide(data)
    if wide:
        return _whole(data, wide)
    if looks_binary(data):
        raise InputError("binary", "The file holds binary data, not text.", "Give the report as text, HTML or a table.")
    if utf8:
        return utf8
    return _double_byte(data, prefer)


def looks_binary(data: bytes) -> bool:
    """Whether more than one byte in a hundred is a control character that no text file holds."""
    sample = data[:_SAMPLE]
    return len(sample) - len(sample.translate(None, _CONTROL)) > len(sample) // 100


def _whole(data: bytes, encoding: str) -> Decoded:
    decoded = _try(data, encoding)
    if decoded is None:
        raise _undecodable(data, encoding)
    return decoded


def _try(data: bytes, encoding: str) -> Decoded | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(data, final=False)
    except UnicodeDecodeError:
        return None
    left_over = decoder.getstate()[0]
    return Decoded(stored(text), encoding, cut=bool(left_over))


def stored(text: str) -> str:
    """Text as it is stored and as spans count it: no BOM at the start, line ends `\\n`."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark, in the byte order in which it reads as Chinese (or as nothing but ASCII)."""
    sample = data[:_SAMPLE]
    best, most = None, 0.3  # GBK or binary data read as UTF-16 stay far below
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, "replace")
        if text.count("\ufffd") <= 1 and not looks_binary(text.encode("utf-8", "replace")):
            found = 1.0 if text.isascii() else evidence(text)
            if found > most:
                best, most = encoding, found
    return best


def _double_byte(data: bytes, prefer: str) -> Decoded:
    """GB18030 (which holds GBK and GB2312) or Big5, whichever reads as Chinese."""
    order = ("big5hkscs", "gb18030") if prefer.lower().startswith("big5") else ("gb18030", "big5hkscs")
    found = [decoded for decoded in (_try(data, encoding) for encoding in order) if decoded]
    best = max(found, key=lambda decoded: evidence(decoded.text), default=None)
    if best is None or not plausible(best.text):
        raise _undecodable(data, "utf-8")
    return best


def evidence(text: str) -> float:
    """How much of the text beyond ASCII is made of common Chinese characters, plus the form's words found."""
    sample = [char for char in text[:_SAMPLE] if char > "\x7f"]
    if not sample:
        return 0.0
    return sum(char in _COMMON for char in sample) / len(sample) + 0.1 * min(5, len(_WORDS.findall(text[:_SAMPLE])))


def plausible(text: str) -> bool:
    """Whether the text is ASCII or reads as Chinese; mojibake has almost none of the common characters."""
    sample = text[:_SAMPLE]
    return sample.isascii() or evidence(sample) >= 0.12


def _undecodable(data: bytes, encoding: str) -> InputError:
    try:
        data.decode(encoding)
        where = ""
    except UnicodeDecodeError as error:
        where = f" (first at byte {error.start})"
    return InputError(
        "undecodable", f"The file holds bytes that are no text in UTF-8, GB18030, Big5 or UTF-16{where}.", _HINT
    )
