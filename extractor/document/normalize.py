"""1:1 normalisation: every character maps to exactly one, so spans in the normalised text are spans in the stored text.

Not NFKC: that turns `12①` into `121` and changes lengths. The map is narrow: full-width ASCII, spaces, dashes,
quotes, box-drawing borders, radicals, and the traditional forms of characters that occur in the form's labels.
"""

from __future__ import annotations

import re
import unicodedata

_TRADITIONAL = (
    "開开 與与 處处 內内 務务 類类 國国 屬属 於于 規规 範范 穩稳 護护 權权 過过 執执 詢询 機机 關关 沒没 現现 "
    "製制 補补 後后 確确 訪访 舉举 報报 訴诉 複复 復复 無无 當当 認认 獲获 費费 繳缴 納纳 總总 計计 結结 轉转 續续 "
    "辦办 許许 罰罚 強强 業业 議议 訟讼 維维 糾纠 審审 經经 時时 間间 體体 動动 數数 廢废 萬万 單单 條条 項项 "
    "區区 隻只 祇只 這这 請请 聯联 採采 購购 對对 減减 額额 僅仅 據据 係系 於于 組组 織织 會会 構构 企企 "
    "題题 問问 況况 進进 點点 應应 協协 鎮镇 縣县 鄉乡 廳厅 局局 門门 東东 號号 頁页 讀读 參参 "
    "專专 發发 傳传 聞闻 實实 簡简 幹干 幫帮 陽阳 龍龙 馬马 長长 華华 廣广 產产 買买 賣卖 記记 誌志 讓让 "
    "證证 該该 節节 營营 環环 衛卫 勞劳 訂订 調调 嚴严 際际 層层 測测 職职 說说 質质 錄录 鑒鉴 領领 顯显 決决"
)

# No-break, typographic and ideographic spaces, zero-width characters, a byte-order mark inside the text.
_SPACES = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
    "\u200b\u200c\u200d\u2060\ufeff\u00ad"
)
_DASHES = "‐‑‒–—―−﹣－─━⸺"
_BARS = "│┃║｜¦∣丨"
_QUOTES = "“”„‟«»「」『』〝〞＂"
_SINGLE_QUOTES = "‘’‛＇"


def _table() -> dict[int, int]:
    table = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    table |= {ord(char): ord(" ") for char in _SPACES}
    table |= {ord(char): ord("-") for char in _DASHES}
    table |= {ord(char): ord("|") for char in _BARS if char != "丨"}
    table |= {ord(char): ord('"') for char in _QUOTES}
    table |= {ord(char): ord("'") for char in _SINGLE_QUOTES}
    table |= {0x0C: ord("\n"), 0x0B: ord("\n"), 0x85: ord("\n"), 0x2028: ord("\n"), 0x2029: ord("\n"), 0x0D: ord("\n")}
    table |= {ord("〔"): ord("("), ord("〕"): ord(")"), ord("﹙"): ord("("), ord("﹚"): ord(")"), ord("．"): ord(".")}
    table |= {ord(pair[0]): ord(pair[1]) for pair in _TRADITIONAL.split()}
    # Text copied from a PDF has a radical's code for the character that looks the same (⾏ for 行).
    table |= {code: ord(unicodedata.normalize("NFKC", chr(code))) for code in range(0x2F00, 0x2FD6)}
    return table


_TABLE = _table()

# The ruling of a drawn table (`+----+----+`, `|---|---|`): no data.
_RULING = re.compile(r"^(?=[^\n]*(?:-{3}|={3}))[ \t|+:=-]{4,}$", re.MULTILINE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,400}>|<!--[^<>]{0,400}-->|<br/?>|&nbsp;")
_CELL_END = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
_ROW_EDGE = re.compile(r"</?(?:tr|p|div|table|thead|tbody|li)\b", re.IGNORECASE)


def _blank_tag(match: re.Match[str]) -> str:
    tag = match.group()
    if _CELL_END.match(tag):
        return " " * (len(tag) - 1) + "|"
    if _ROW_EDGE.match(tag):
        return " " * (len(tag) - 1) + "\n" if tag[:3].lower() in ("<tr", "</t") else " " * len(tag)
    return " " * len(tag)


_PAGE_END = re.compile(r"\n([ \t]*\d{1,4}[ \t]*)\n?\x0c")


def _without_page_numbers(text: str, norm: str) -> str:
    """Blanks the number that closes a page before its form feed, below a row of figures or an empty line.

    Below a label or a lone figure it may be a cell, and stays.
    """
    for match in _PAGE_END.finditer(text):
        above = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not above.strip() or len(re.findall(r"\d+", above)) >= 2:
            start, end = match.span(1)
            norm = norm[:start] + " " * (end - start) + norm[end:]
    return norm


def normalize(text: str) -> str:
    """The text with look-alike characters folded; same length, position by position.

    Markup that an OCR engine left in plain text (`<td>0</td>`) becomes cell borders and spaces of the same length.
    """
    norm = text.translate(_TABLE)
    if "\x0c" in text:
        norm = _without_page_numbers(text, norm)
    if "<" in norm or "&nbsp;" in norm:
        norm = _TAG.sub(_blank_tag, norm)
    if "---" in norm or "===" in norm:
        norm = _RULING.sub(lambda match: " " * len(match.group()), norm)
    return norm
