"""HTML → stored text with lxml: the tables that a person sees as rows, everything else in lines.

A table that holds tables is page layout and gives its content in blocks. Nothing is fetched, nothing executed; depth,
spans and size are bounded.
"""

from __future__ import annotations

import re
from typing import Any

from extractor.document.content import Line, Stored, lay_out
from extractor.document.decode import decode
from extractor.document.formats.html_copies import NO_FRAMES, Saved, blocks_of, blocks_of_script
from extractor.document.formats.html_tables import RUN
from extractor.document.formats.html_tree import parse

_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
_TITLE_LINES = 200


def read_html(data: bytes) -> Stored:
    """The stored text of a page, with the places of its tables' cells.

    Errors: InputError `undecodable`, `malformed` (nested beyond any page's depth, larger than any report).
    """
    return read_markup(decode_page(data))


def decode_page(data: bytes, charset: str = "") -> str:
    """A page's markup. `charset` is what its sender says; what the bytes can be counts more than what anybody says."""
    named = None if charset else _CHARSET.search(data[:4096])
    return decode(data, prefer=named.group(1).decode("ascii") if named else charset).text


def read_markup(markup: str, frames: Saved = NO_FRAMES) -> Stored:
    """The stored text of a decoded page, or of a script or JSON that holds it in a string."""
    if not markup.lstrip("\ufeff \t\n\f\v").startswith(("<", "&")) and (found := blocks_of_script(markup)):
        return lay_out(found)
    root = parse(markup)
    if root is None:
        return Stored("")
    blocks = blocks_of(root, frames)
    stored = lay_out(blocks)
    title = _title(root)
    if title and not any(title in line for line in stored.text.split("\n", _TITLE_LINES)[:_TITLE_LINES]):
        return lay_out([Line(title), *blocks])
    return stored


def _title(root: Any) -> str:
    named = root.find(".//head/title")
    return "" if named is None else RUN.sub(" ", "".join(named.itertext())).strip()


_ERROR_PAGE = re.compile(
    r"\b(?:40[0-9]|50[0-9])\b|not found|forbidden|bad gateway|access denied|service unavailable|internal server error|"
    r"页面不存在|页面未找到|找不到(?:该|此|您|页面|文件)|无法(?:找到|访问|显示)|(?:已被|已经)删除|访问(?:出错|受限|被拒绝|过于频繁)|"
    r"服务器(?:错误|出错|繁忙)|验证码|用户登录|登录|密码|请稍后再试|安全验证|系统(?:错误|维护)",
    re.IGNORECASE,
)


def looks_like_error_page(text: str) -> bool:
    """Whether a short text is a server's error page or a login form rather than a report."""
    return len(text) < 3000 and "勾稽" not in text and bool(_ERROR_PAGE.search(text[:1500]))
