"""Mail: attachments and, where it is the report, the body; pages saved whole are no mail."""

from __future__ import annotations

import time
from email.message import EmailMessage
from pathlib import Path

import helpers as h
import pytest
from test_archives import REPORT, read, said, zipped

from extractor.document.kinds import kind_of

LETTER = "您好：附件是青禾县2023年政府信息公开工作年度报告，请查收。"
HEAD = b"From: a@b.cn\nTo: c@d.cn\nMIME-Version: 1.0\n"


def mail(body: str | None = LETTER, html: str | None = None, **files: bytes) -> EmailMessage:
    """A mail; a key of `files` is a name with `_` for its dot."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.cn", "c@d.cn", "年度报告"
    if body is not None:
        message.set_content(body)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for name, data in files.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name.replace("_", "."))
    return message


PAGE = f"<html><body>{h.report().replace(chr(10), '<br>')}</body></html>"
CASES: dict[str, tuple[EmailMessage, list[tuple[str, str]]]] = {
    "a letter and what is attached": (
        mail(青禾县_txt=REPORT, p_png=b"x", inner_zip=zipped([("1.txt", REPORT)])),
        [("!inner.zip!1.txt", "read"), ("!p.png", "image"), ("!青禾县.txt", "read")],
    ),
    "the report is the body": (mail(h.report(), p_png=b"x"), [("!body", "read"), ("!p.png", "image")]),
    "body and attachment": (mail(h.report(), a_txt=REPORT), [("!a.txt", "read"), ("!body", "read")]),
    "a letter alone": (mail(), [("!body", "read")]),
    "nothing but pictures": (mail(None, p_png=b"x"), [("!p.png", "image"), ("", "empty_archive")]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_mail_holds(name: str, tmp_path: Path) -> None:
    message, expected = CASES[name]
    found = said(read(tmp_path, "m.eml", message.as_bytes()), tmp_path)
    assert [(member.removeprefix("m.eml"), what) for member, what in found] == expected


def test_of_alternatives_the_page_is_read(tmp_path: Path) -> None:
    (source,) = read(tmp_path, "m.eml", mail(h.report(), PAGE).as_bytes())
    assert source.data is not None
    assert kind_of(source.data) == "html"
    assert "青禾县人民政府2023年" in source.text()


def test_an_attachment_is_what_was_attached(tmp_path: Path) -> None:
    found = read(tmp_path, "m.eml", mail(r_txt=REPORT).as_bytes(), "", "!r.txt", "!body")
    assert found[0].data == found[1].data == REPORT
    assert found[2].error
    assert found[2].error.code == "missing"


def test_a_mail_sent_on_and_one_attached_as_a_file(tmp_path: Path) -> None:
    outer = mail("转发", f_eml=mail(x_txt=REPORT).as_bytes())
    outer.add_attachment(mail(r_txt=REPORT))
    assert said(read(tmp_path, "m.eml", outer.as_bytes()), tmp_path) == [
        ("m.eml!f.eml!x.txt", "read"),
        ("m.eml!message.eml!r.txt", "read"),
    ]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        pytest.param(b'attachment; filename="=?GB2312?B?sai45i50eHQ=?="', "报告.txt", id="RFC 2047"),
        pytest.param(b"attachment; filename*=utf-8''%E6%8A%A5%E5%91%8A.txt", "报告.txt", id="RFC 2231"),
        pytest.param(
            b"attachment; filename*0*=gbk''%B1%A8; filename*1*=%B8%E6.txt", "报告.txt", id="RFC 2231 in parts"
        ),
        pytest.param(b'attachment; filename="' + "报告.txt".encode("gbk") + b'"', "报告.txt", id="bare GBK"),
        pytest.param(b'attachment; filename="' + "报告.txt".encode() + b'"', "报告.txt", id="bare UTF-8"),
        pytest.param(b'attachment; filename="=?none?B?sai45i50eHQ=?="', "attachment", id="an encoding nobody knows"),
        pytest.param(b'attachment; filename="../../etc/x.txt"', "../../etc/x.txt", id="a path"),
        pytest.param(b"attachment", "attachment", id="no name"),
    ],
)
def test_names_of_attachments(header: bytes, name: str, tmp_path: Path) -> None:
    data = HEAD + b"Content-Type: text/plain\nContent-Disposition: " + header + b"\n\n2023"
    (source,) = read(tmp_path, "m.eml", data)
    assert (source.name, source.data) == (f"{tmp_path}/m.eml!{name}", b"2023")
    assert [path.name for path in tmp_path.iterdir()] == ["m.eml"]


def parts(*bodies: bytes) -> bytes:
    return HEAD + b"Content-Type: multipart/mixed; boundary=q\n\n--q\n" + b"\n--q\n".join(bodies) + b"\n--q--\n"


ATTACHED = b"Content-Disposition: attachment; filename=%d.txt\n"
SEALED = b"Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nAAAA\n"
BROKEN: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
    "broken base64": (
        parts(ATTACHED % 1 + b"Content-Transfer-Encoding: base64\n\nMTIzM", ATTACHED % 2 + b"\n12"),
        [("!1.txt", "damaged_archive"), ("!2.txt", "read")],
    ),
    "cut off": (
        parts(ATTACHED % 1 + b"\n12", ATTACHED % 2 + b"\n1234")[:-9],
        [("!1.txt", "read"), ("!2.txt", "truncated_archive")],
    ),
    "sealed": (HEAD + SEALED, [("!smime.p7m", "encrypted")]),
    "locked": (
        HEAD + b"Content-Type: multipart/encrypted; boundary=q\n\n--q\n\n1\n--q--\n", [("!body", "encrypted")]
    ),
    "headers alone": (HEAD, [("", "empty_archive")]),
    "ten thousand parts": (parts(*(ATTACHED % n + b"\n1" for n in range(10_000))), [("", "archive_bomb")]),
    "three thousand deep": (
        HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
        [("", "damaged_archive")],
    ),
    "line ends without end": (HEAD + b"Content-Type: multipart/mixed; boundary=q\n" * 9 + b"\n" * 6_000_000,
        [("", "archive_bomb")]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_and_hostile_mail_is_said_in_time(name: str, tmp_path: Path) -> None:
    data, expected = BROKEN[name]
    started = time.monotonic()
    found = said(read(tmp_path, "m.eml", data), tmp_path)
    assert time.monotonic() - started < 10
    assert [(member.removeprefix("m.eml"), what) for member, what in found] == expected


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(HEAD + b"\nx", "eml", id="mail"),
        pytest.param(b"From a@b Mon\n" + HEAD + b"\nx", "eml", id="out of a mailbox"),
        pytest.param(b"Received: from a\r\n by b\r\nSubject: x\r\n\r\nx", "eml", id="folded header"),
        pytest.param(HEAD + b"Content-Type: multipart/related; boundary=q\n\n", "eml", id="mail with pictures"),
        pytest.param(
            b"From: <Saved by Blink>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\tboundary=q\r\n\r\n",
            "mhtml",
            id="a page saved whole",
        ),
        pytest.param(b"Title: x\nDate: 2024\n\nx", "text", id="a crawler's notes"),
        pytest.param("报告: MIME-Version: 1.0\n".encode(), "text", id="a text"),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "__substg1.0_1000001F".encode("utf-16-le"),
            "msg",
            id="Outlook",
        ),
    ],
)
def test_mail_is_known_by_its_headers(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


def test_outlook_is_told_how_to_convert(tmp_path: Path) -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "__substg1.0_1000001F".encode("utf-16-le")
    (source,) = read(tmp_path, "m.msg", data)
    with pytest.raises(Exception, match=r"\.eml"):
        source.text()
