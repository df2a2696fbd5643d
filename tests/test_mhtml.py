"""Pages saved whole: which part is the page, in which charset, with which frames."""

from __future__ import annotations

import base64
import quopri
import time
from random import Random

import pytest
from extractor.eval.files import mhtml as saved
from extractor.eval.generator import generate

from extractor.document.formats.html import read_html
from extractor.document.formats.mhtml import read_mhtml
from extractor.document.kinds import kind_of
from extractor.document.sources import read_stored
from extractor.errors import InputError

PAGE = "<html><body><p>某县2023年政府信息公开工作年度报告</p>{}</body></html>"
TABLE = "<table><tr><td>予以公开</td><td>12</td></tr></table>"


def part(markup: str, *headers: str, kind: str = "text/html", charset: str = "", way: str = "base64") -> bytes:
    data = markup.encode(charset or "utf-8")
    body = base64.encodebytes(data) if way == "base64" else quopri.encodestring(data) if way else data
    named = f'{kind}; charset="{charset}"' if charset else kind
    head = [f"Content-Type: {named}", f"Content-Transfer-Encoding: {way or 'binary'}", *headers, "", ""]
    return "\n".join(head).encode() + body


def message(*parts: bytes, start: str = "", kind: str = "multipart/related") -> bytes:
    named = f'; start="{start}"' if start else ""
    head = f'MIME-Version: 1.0\nContent-Type: {kind}; boundary="b"{named}\n\n'
    return head.encode() + b"".join(b"--b\n" + one + b"\n" for one in parts) + b"--b--\n"


@pytest.mark.parametrize("saver", [saved._blink, saved._internet_explorer, saved._word])
@pytest.mark.parametrize("seed", range(4))
def test_a_saved_page_is_the_page(saver: object, seed: int) -> None:
    page = generate(seed, "html").text
    data = saver(page, Random(seed))  # type: ignore[operator]
    assert kind_of(data) == "mhtml"
    assert data == saver(page, Random(seed))  # type: ignore[operator]
    assert read_stored(data).text == read_html(page.encode()).text


@pytest.mark.parametrize("way", ["base64", "quoted-printable", ""])
@pytest.mark.parametrize(("charset", "meta"), [("gb2312", ""), ("gbk", "utf-8"), ("utf-8", "gb2312"), ("", "gbk")])
def test_a_part_in_any_charset(way: str, charset: str, meta: str) -> None:
    page = f'<html><meta charset="{meta}">' + PAGE.format(TABLE).removeprefix("<html>")
    stored = read_mhtml(message(part(page, charset=charset, way=way)))
    assert stored.text == "某县2023年政府信息公开工作年度报告\n予以公开\t12"
    assert [(place.table, place.row, place.column) for _, _, place in stored.places] == [(1, 1, 1), (1, 1, 2)]


def test_the_root_is_the_part_that_start_names_else_the_first_page() -> None:
    parts = [
        part("<p>广告</p>", "Content-ID: <ad@x>"),
        part("td{}", kind="text/css"),
        part(PAGE.format(TABLE), "Content-ID: <root@x>"),
    ]
    assert read_mhtml(message(*parts)).text == "广告"
    assert read_mhtml(message(*parts, start="<root@x>")).text.endswith("予以公开\t12")
    assert read_mhtml(message(*parts, start="<gone@x>")).text == "广告"


def test_a_page_with_plain_text_beside_it_or_alone() -> None:
    plain = part("予以公开 13", kind="text/plain", charset="utf-8")
    inner = (
        b"Content-Type: multipart/alternative; boundary=c\n\n--c\n" + plain + b"\n--c\n" + part(TABLE) + b"\n--c--\n"
    )
    assert read_mhtml(message(inner)).text == "予以公开\t12"
    assert read_mhtml(b"MIME-Version: 1.0\n" + part(TABLE)).text == "予以公开\t12"


LABELS = "<table><tr><td>本年制发件数<td>本年废止件数<td>现行有效件数<tr><td>1<td>2<td>3</table>"
SEEN = "本年制发件数\t本年废止件数\t现行有效件数\n1\t2\t3"


@pytest.mark.parametrize(
    ("root", "header"),
    [
        ('<p>文</p><iframe src="cid:f@x"></iframe>', "Content-ID: <f@x>"),
        ('<p>文</p><iframe src="http://a.gov.cn/x/f.html"></iframe>', "Content-Location: http://a.gov.cn/x/f.html"),
        ('<p>文</p><iframe src="f.html"></iframe>', "Content-Location: http://a.gov.cn/x/f.html"),
        ('<p>文</p><iframe src="/x/f.html"></iframe>', "Content-Location: http://a.gov.cn/x/f.html"),
    ],
)
def test_a_frame_that_holds_the_tables_is_read_in_its_place(root: str, header: str) -> None:
    base = "Content-Location: http://a.gov.cn/x/a.html"
    parts = part(f"<html><body>{root}<p>尾</p></body></html>", base), part(f"<html>{LABELS}</html>", header)
    assert read_mhtml(message(*parts)).text == f"文\n{SEEN}\n尾"
    other = part(f"<html>{LABELS}</html>", "Content-Location: http://b.gov.cn/f.html")
    assert read_mhtml(message(parts[0], other)).text == "文\n尾"


def test_a_frameset_is_its_frames() -> None:
    root = "<html><frameset><frame src='menu.html'><frame src='f.html'></frameset></html>"
    base = "Content-Location: http://a.gov.cn/a.html"
    frame = part(LABELS, "Content-Location: http://a.gov.cn/f.html")
    assert read_mhtml(message(part(root, base), frame)).text == SEEN


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(message(part("td{}", kind="text/css")), id="no page"),
        pytest.param(message(), id="no part"),
        pytest.param(
            b"MIME-Version: 1.0\n"
            + b"".join(b"Content-Type: multipart/related; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(50_000)),
            id="parts in parts",
        ),
        pytest.param(
            message(*[b"Content-Type: text/html\n\n<p>1"] * 100_000),
            id="many parts",
        ),
    ],
)
def test_what_is_no_saved_page_is_an_error(data: bytes) -> None:
    started = time.process_time()
    with pytest.raises(InputError, match="part"):
        read_mhtml(data)
    assert time.process_time() - started < 10
