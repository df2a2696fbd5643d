"""A page saved whole, as Chrome, Edge, Internet Explorer or Word save it (MHTML)."""

from __future__ import annotations

import base64
import quopri
import re
from random import Random

from extractor.eval.generator.html_mess import mess

_META = re.compile(r"<meta\b[^<>]*charset[^<>]*>", re.IGNORECASE)
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # a GIF of one transparent point
_STYLE = "td { padding: 3px; }\r\n.n { width: 20px }\r\n"
_FRAME = "<!DOCTYPE html><html><head><title>访问统计</title></head><body><p>今日访问 {} 次</p></body></html>"


def make(html: str, rng: Random) -> bytes:
    """The page with a style sheet, a picture and perhaps a frame beside it, in the form that one program gives it."""
    saver = rng.choice((_blink, _blink, _internet_explorer, _word))
    return saver(mess(html, rng)[0], rng)


def _blink(html: str, rng: Random) -> bytes:
    """Chrome and Edge: the page as UTF-8 in quoted-printable, its charset said by a meta element that they put in."""
    boundary = f"----MultipartBoundary--{_letters(rng, 42)}----"
    identity = f"<frame-{_letters(rng, 32).upper()}@mhtml.blink>"
    meta = '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">'
    page = html.replace("<head>", f"<head>{meta}", 1)
    frame = f"frame-{_letters(rng, 32).upper()}@mhtml.blink"
    framed = rng.random() < 0.3
    if framed:
        page = page.replace("</body>", f'<iframe src="cid:{frame}" width="1"></iframe></body>', 1)
    head = [
        "From: <Saved by Blink>",
        "Snapshot-Content-Location: https://www.example.gov.cn/zwgk/nb/t1.html",
        "Subject: =?utf-8?Q?=E5=B9=B4=E5=BA=A6=E6=8A=A5=E5=91=8A?=",
        "Date: Mon, 20 Jan 2025 08:03:11 -0000",
        "MIME-Version: 1.0",
        "Content-Type: multipart/related;",
        '\ttype="text/html";',
        f'\tboundary="{boundary}"',
        "",
        "",
    ]
    parts = [
        _part(["Content-Type: text/html", f"Content-ID: {identity}", *_quoted("/zwgk/nb/t1.html")], _qp(page, "utf-8")),
        _part(["Content-Type: text/css", *_quoted("/css/a.css")], _qp(_STYLE, "utf-8")),
        _part(["Content-Type: image/gif", *_based("/images/a.gif")], _b64(_PIXEL)),
    ]
    if framed:
        inner = _FRAME.format(rng.randint(1, 999))
        parts.append(
            _part(["Content-Type: text/html", f"Content-ID: <{frame}>", *_quoted("/f.html")], _qp(inner, "utf-8"))
        )
    return _message(head, parts, boundary)


def _internet_explorer(html: str, rng: Random) -> bytes:
    """Internet Explorer: the page in its own charset, named in the part's header."""
    boundary = f"----=_NextPart_000_0000_01D{_letters(rng, 5).upper()}.{_letters(rng, 8).upper()}"
    charset = rng.choice(("gb2312", "utf-8"))
    page = _META.sub(f'<META content="text/html; charset={charset}" http-equiv=Content-Type>', html)
    head = [
        "From: <Saved by Microsoft Internet Explorer 8>",
        "Subject: =?gb2312?B?xOq2yLGouObm?=",
        "Date: Mon, 20 Jan 2025 16:03:11 +0800",
        "MIME-Version: 1.0",
        "Content-Type: multipart/related;",
        '\ttype="text/html";',
        f'\tboundary="{boundary}"',
        "X-MimeOLE: Produced By Microsoft MimeOLE V6.00.2900.5579",
        "",
        "This is a multi-part message in MIME format.",
        "",
    ]
    kind = ["Content-Type: text/html;", f'\tcharset="{charset}"']
    encoding = "gb18030" if charset == "gb2312" else charset
    if rng.random() < 0.5:
        body = _part([*kind, *_quoted("/zwgk/nb/t1.html")], _qp(page, encoding))
    else:
        body = _part([*kind, *_based("/zwgk/nb/t1.html")], _b64(page.encode(encoding, "xmlcharrefreplace")))
    return _message(head, [body, _part(["Content-Type: image/gif", *_based("/images/a.gif")], _b64(_PIXEL))], boundary)


def _word(html: str, rng: Random) -> bytes:
    """Word's single file web page: the page is a file of the parts, its pictures and lists others."""
    boundary = f"----=_NextPart_01D{_letters(rng, 5).upper()}.{_letters(rng, 8).upper()}"
    head = [
        "MIME-Version: 1.0",
        f'Content-Type: multipart/related; boundary="{boundary}"',
        "",
        "此文档为“单个文件网页”，也称为“Web 档案”文件。",
        "",
    ]
    place = "Content-Location: file:///C:/9A1B2C3D/nb.htm"
    body = [place, "Content-Transfer-Encoding: quoted-printable", 'Content-Type: text/html; charset="utf-8"']
    files = [
        "Content-Location: file:///C:/9A1B2C3D/nb.files/filelist.xml",
        "Content-Transfer-Encoding: quoted-printable",
        'Content-Type: text/xml; charset="utf-8"',
    ]
    listed = '<xml xmlns:o="urn:schemas-microsoft-com:office:office"><o:MainFile HRef="../nb.htm"/></xml>'
    return _message(head, [_part(body, _qp(html, "utf-8")), _part(files, _qp(listed, "utf-8"))], boundary)


def _message(head: list[str], parts: list[bytes], boundary: str) -> bytes:
    lines = "\r\n".join(head).encode()
    return b"".join(
        [lines, *(f"\r\n--{boundary}\r\n".encode() + part for part in parts), f"\r\n--{boundary}--\r\n".encode()]
    )


def _part(head: list[str], body: bytes) -> bytes:
    return "\r\n".join([*head, "", ""]).encode() + body


def _quoted(path: str) -> list[str]:
    return ["Content-Transfer-Encoding: quoted-printable", f"Content-Location: https://www.example.gov.cn{path}"]


def _based(path: str) -> list[str]:
    return ["Content-Transfer-Encoding: base64", f"Content-Location: https://www.example.gov.cn{path}"]


def _qp(text: str, encoding: str) -> bytes:
    data = text.replace("\n", "\r\n").encode(encoding, "xmlcharrefreplace")
    return quopri.encodestring(data).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _b64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _letters(rng: Random, count: int) -> str:
    return "".join(rng.choice("0123456789ABCDEFabcdef") for _ in range(count))
