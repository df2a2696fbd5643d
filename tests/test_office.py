"""Office files from strangers: which kind, bombs, entities, passwords, files that are not what they are called."""

from __future__ import annotations

import io
import socket
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from office import TYPES, WORD_SPACES, S, W, cell, excel, pack, paragraph, relationships, row, sheet_rows, table, word

from extractor.document.kinds import kind_of
from extractor.document.sources import read_bytes, read_stored
from extractor.errors import InputError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def stream(name: str) -> bytes:
    return OLE + name.encode("utf-16-le") + bytes(200)


def open_document(kind: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", "<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(word(paragraph("1")), "docx", id="docx"),
        pytest.param(word("", parts={"word/vbaProject.bin": b"x"}), "docx", id="docm"),
        pytest.param(excel(sheet_rows()), "xlsx", id="xlsx"),
        pytest.param(excel(sheet_rows(), parts={"xl/vbaProject.bin": b"x"}), "xlsx", id="xlsm"),
        pytest.param(pack({"[Content_Types].xml": TYPES, "word\\document2.xml": "<x/>"}), "docx", id="other names"),
        pytest.param(pack({"[Content_Types].xml": TYPES, "ppt/presentation.xml": "<x/>"}), "office", id="pptx"),
        pytest.param(pack({"[Content_Types].xml": TYPES, "xl/workbook.bin": b"x"}), "office", id="xlsb"),
        pytest.param(pack({"OFD.xml": "<x/>", "Doc_0/Document.xml": "<x/>"}), "office", id="ofd"),
        pytest.param(open_document("text"), "office", id="odt"),
        pytest.param(pack({"a.docx": word("")}, zipfile.ZIP_STORED), "archive", id="an archive of Word files"),
        pytest.param(pack({"word/a.txt": "x", "xl/b.txt": "x"}), "archive", id="folders of those names"),
        pytest.param(word(paragraph("1"))[:-60], "docx", id="cut off"),
        pytest.param(b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:x/>', "office", id="Word XML"),
        pytest.param(
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Table>', "office",
            id="Excel 2003 XML",
        ),
        pytest.param(
            b'<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">'
            b"<table>", "html", id="a web page that Excel wrote",
        ),
    ],
)  # fmt: skip
def test_kinds(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        pytest.param(stream("WordDocument"), "unsupported_format", "--convert-to docx", id="doc"),
        pytest.param(stream("Workbook"), "unsupported_format", "--convert-to xlsx", id="xls"),
        pytest.param(stream("PowerPoint Document"), "unsupported_format", "PowerPoint", id="ppt"),
        pytest.param(OLE, "unsupported_format", ".wps", id="some OLE file"),
        pytest.param(stream("EncryptedPackage"), "encrypted", "password", id="password"),
        pytest.param(b"{\\rtf1 x}", "unsupported_format", "--convert-to docx", id="rtf"),
        pytest.param(open_document("text"), "unsupported_format", ".odt", id="odt"),
        pytest.param(open_document("spreadsheet"), "unsupported_format", "--convert-to xlsx", id="ods"),
        pytest.param(pack({"OFD.xml": "<x/>"}), "unsupported_format", "OFD", id="ofd"),
        pytest.param(
            pack({"[Content_Types].xml": TYPES, "xl/workbook.bin": b""}), "unsupported_format", ".xlsb", id="xlsb",
        ),
    ],
)  # fmt: skip
def test_what_is_not_read_says_what_it_is_and_how_to_convert_it(data: bytes, code: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_stored(data)
    assert caught.value.code == code
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_web_page_called_a_word_file_is_read_as_a_page() -> None:
    page = "<html><body><table><tr><td>规章</td><td>3</td></tr></table></body></html>"
    assert read_bytes(page.encode("gbk")) == "规章\t3"


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
DOCUMENT = {"[Content_Types].xml": TYPES, "_rels/.rels": relationships(officeDocument="word/document.xml")}


def nested(depth: int) -> str:
    return "<w:tbl><w:tr><w:tc>" * depth + paragraph("1") + "</w:tc></w:tr></w:tbl>" * depth


def lying() -> bytes:
    """A part that says it has 10 bytes and has 50 million."""
    data = bytearray(pack({**DOCUMENT, "word/document.xml": bytes(50_000_000)}))
    entry = data.rindex(b"word/document.xml") - 46
    data[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def overlapping() -> bytes:
    """A second part whose bytes are those of the first."""
    data = bytearray(pack({**DOCUMENT, "word/document.xml": "<x/>", "word/documenu.xml": "<x/>"}))
    first, second = data.rindex(b"word/document.xml") - 46, data.rindex(b"word/documenu.xml") - 46
    data[first + 42 : first + 46] = data[second + 42 : second + 46]
    return bytes(data)


def locked() -> bytes:
    data = bytearray(word(paragraph("1")))
    entry = data.rindex(b"word/document.xml") - 46
    data[entry + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda: pack({**DOCUMENT, "word/document.xml": bytes(130_000_000)}), "too_large", id="zeros"),
        pytest.param(lambda: pack({**DOCUMENT, "word/document.xml": bytes(40_000_000)}), "too_large", id="fewer zeros"),
        pytest.param(lying, "malformed", id="a size that lies"),
        pytest.param(overlapping, "malformed", id="overlapping parts"),
        pytest.param(lambda: pack({**DOCUMENT, **{f"word/{n}": "" for n in range(10_001)}}), "too_large", id="members"),
        pytest.param(lambda: word("<w:p/>" * 2_000_001), "too_large", id="elements"),
        pytest.param(lambda: word(nested(1000)), "malformed", id="nested tables"),
        pytest.param(lambda: word(table(row(cell("1")) * 3) * 100_000), "too_large", id="tables"),
        pytest.param(
            lambda: word(table(row(*[cell("1")] * 400), *[row(cell("1"))] * 1300)), "malformed", id="a grid of nothing"
        ),
        pytest.param(lambda: word(paragraph("&j;"), before=LAUGHS), "malformed", id="laughs"),
        pytest.param(lambda: word('<w:p w:x="&j;"/>', before=LAUGHS), "malformed", id="laughs in an attribute"),
        pytest.param(lambda: excel(sheet_rows("<c><v>&j;</v></c>"), before=LAUGHS), "malformed", id="in a sheet"),
        pytest.param(lambda: word(paragraph("1"), before="<!DOCTYPE x>"), "malformed", id="document type"),
        pytest.param(lambda: word(paragraph("1"))[:-200], "malformed", id="cut off"),
        pytest.param(lambda: word("<w:p>"), "malformed", id="no XML"),
        pytest.param(lambda: pack(DOCUMENT | {"word/x": ""}), "malformed", id="no document"),
        pytest.param(
            lambda: pack({"[Content_Types].xml": TYPES, "word/document.xml": "<x/>"}), "malformed", id="no links",
        ),
        pytest.param(lambda: pack({**DOCUMENT, "word/document.xml": f'<x xmlns="{W}"/>'}), "malformed", id="no body"),
        pytest.param(
            lambda: pack({**DOCUMENT, "word/document.xml": "<x/>", "WORD/document.XML": "<x/>"}), "malformed",
            id="twice",
        ),
        pytest.param(lambda: pack({**DOCUMENT, "word/document.xml": "<x/>"}, zipfile.ZIP_LZMA), "malformed", id="lzma"),
        pytest.param(lambda: excel(), "malformed", id="no sheets"),
        pytest.param(locked, "encrypted", id="password"),
    ],
)  # fmt: skip
def test_bombs_and_broken_files_end_in_an_error_quickly_and_in_little_memory(
    make: Callable[[], bytes], code: str
) -> None:
    data = make()
    tracemalloc.start()
    started = time.monotonic()
    try:
        with pytest.raises(InputError) as caught:
            read_stored(data)
        assert tracemalloc.get_traced_memory()[1] < 150_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.code == code
    assert caught.value.hint
    assert time.monotonic() - started < 60


def test_parts_that_nobody_asked_for_are_never_unpacked() -> None:
    parts = {f"word/media/{n}.png": bytes(60_000_000) for n in range(3)} | {"word/vbaProject.bin": bytes(10_000_000)}
    assert read_bytes(word(paragraph("20"), parts=parts)) == "20"


def test_nothing_is_fetched() -> None:
    """Every way in which a part can name an address; a server on loopback would notice a call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        called = threading.Event()

        def listen() -> None:
            try:
                server.accept()
                called.set()
            except TimeoutError:
                return

        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        listener = threading.Thread(target=listen)
        listener.start()
        outside = (
            relationships(officeDocument="word/document.xml").replace("</Relationships>", "")
            + f'<Relationship Id="z" Type="x/attachedTemplate" Target="{address}" TargetMode="External"/>'
            f'<Relationship Id="y" Type="x/styles" Target="{address}"/></Relationships>'
        )
        entity = f'<!DOCTYPE x SYSTEM "{address}" [<!ENTITY e SYSTEM "{address}"><!ENTITY % p SYSTEM "{address}">%p;]>'
        picture = f'<w:r><w:pict><v:imagedata src="{address}"/></w:pict></w:r>'
        linked = word(paragraph("1", picture), parts={"word/_rels/document.xml.rels": outside})
        assert read_bytes(linked) == "1"
        for data in (
            word(paragraph("&e;"), before=entity),
            excel(sheet_rows("<c><v>&e;</v></c>"), before=entity),
            pack({**DOCUMENT, "word/document.xml": f'<w:document {WORD_SPACES} xmlns:xi="x"><w:body/></w:document>',
                  "_rels/.rels": entity + "<x/>"}),
            pack({"[Content_Types].xml": TYPES, "_rels/.rels": relationships(officeDocument="xl/workbook.xml"),
                  "xl/workbook.xml": f'{entity}<workbook xmlns="{S}"/>'}),
        ):  # fmt: skip
            with pytest.raises(InputError):
                read_bytes(data)
        listener.join()
    assert not called.is_set()
