"""A small writer of PDF files for tests: every object by hand, so that a test says exactly what is in the file."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

A4 = (595, 842)
_PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def text(x: float, y: float, what: str, size: float = 10, *, mode: int = 0, colour: str = "0 g", turn: str = "") -> str:
    """A string whose baseline starts at (x, y) from the lower left corner. `turn`: a b c d of its matrix."""
    font, shown = ("F1", f"({what})") if what.isascii() else ("F2", f"<{what.encode('utf-16-be').hex()}>")
    return f"{colour} BT /{font} {size} Tf {mode} Tr {turn or '1 0 0 1'} {x} {y} Tm {shown} Tj ET\n"


def line(x0: float, y0: float, x1: float, y1: float, dash: str = "[] 0", width: float = 0.7) -> str:
    """A stroke."""
    return f"0 G {width} w {dash} d {x0} {y0} m {x1} {y1} l S [] 0 d\n"


def area(x0: float, y0: float, x1: float, y1: float, colour: str = "0 g") -> str:
    """A filled rectangle."""
    return f"{colour} {x0} {y0} {x1 - x0} {y1 - y0} re f\n"


def grid(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Every line of a lattice."""
    across = [line(xs[0], y, xs[-1], y) for y in ys]
    return "\n".join([*across, *(line(x, ys[0], x, ys[-1]) for x in xs)])


@dataclass
class Page:
    """One page: its content stream, and what else its dictionary says."""

    content: str | bytes
    size: tuple[float, float] = A4
    extra: str = ""
    images: tuple[tuple[float, float, float, float], ...] = ()  # painted before the content


@dataclass
class Writer:
    """Objects in order; `bytes` puts them together with their index."""

    objects: list[bytes] = field(default_factory=list)
    key: bytes = b""
    trailer: str = ""

    def add(self, body: str | bytes, stream: bytes | None = None) -> int:
        self.objects.append(b"")
        number = len(self.objects)
        self.put(number, body, stream)
        return number

    def put(self, number: int, body: str | bytes, stream: bytes | None = None) -> None:
        data = body.encode() if isinstance(body, str) else body
        if stream is not None:
            if self.key:
                salt = number.to_bytes(3, "little") + b"\0\0"
                stream = rc4(hashlib.md5(self.key + salt).digest()[: len(self.key) + 5], stream)
            data = data.rstrip()[:-2] + b" /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream"
        self.objects[number - 1] = data

    def bytes(self, root: int) -> bytes:
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, body in enumerate(self.objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
        out += f"trailer\n<< /Size {len(places) + 1} /Root {root} 0 R {self.trailer} >>\nstartxref\n{start}\n".encode()
        return bytes(out) + b"%%EOF\n"


FONTS = """/F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>
/F2 << /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [<<
/Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1)
/Supplement 4 >> /DW 1000 >>] >>"""


def pdf(
    *pages: Page | str,
    resources: str = "",
    fonts: str = "",
    objects: Sequence[str] = (),
    forms: Sequence[tuple[str, str]] = (),
    catalog: str = "",
    user: str | None = None,
) -> bytes:
    """A file of these pages. `objects`: their own first (1 0 R, 2 0 R …); `forms`: (dictionary entries, content) of
    /X0, /X1 … (their numbers follow those of `objects`); `user`: a password."""
    writer = Writer()
    for body in objects:
        writer.add(body)
    names = []
    for number, (entries, content) in enumerate(forms):
        box = "" if "/BBox" in entries else "/BBox [-2000 -2000 2000 2000]"
        head = f"<< /Type /XObject /Subtype /Form {box} {entries} "
        at = writer.add(f"{head}/Resources << /Font << {FONTS} >> >> >>", content.encode())
        names.append(f"/X{number} {at} 0 R")
    if user is not None:
        identity = "00" * 16
        writer.key, owner, proof = _locked(user.encode(), bytes.fromhex(identity))
        entries = f"/Filter /Standard /V 1 /R 2 /P -4 /O <{owner.hex()}> /U <{proof.hex()}>"
        lock = writer.add(f"<< {entries} >>")
        writer.trailer = f"/Encrypt {lock} 0 R /ID [<{identity}> <{identity}>]"
    tree = writer.add("")
    image = writer.add(
        "<< /Type /XObject /Subtype /Image /Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8 >>",
        bytes([250, 240, 245, 235]),
    )
    names.append(f"/Im {image} 0 R")
    shared = writer.add(f"<< /Font << {FONTS} {fonts} >> /XObject << {' '.join(names)} >> {resources} >>")
    kids = []
    for page in pages:
        page = Page(page) if isinstance(page, str) else page
        content = page.content if isinstance(page.content, bytes) else page.content.encode()
        for x0, y0, x1, y1 in page.images:
            content = f"q {x1 - x0} 0 0 {y1 - y0} {x0} {y0} cm /Im Do Q\n".encode() + content
        stream = writer.add("<< /Filter /FlateDecode >>", zlib.compress(content))
        wide, high = page.size
        kids.append(
            writer.add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {wide} {high}] /Resources {shared} 0 R "
                f"/Contents {stream} 0 R {page.extra} >>"
            )
        )
    writer.put(tree, f"<< /Type /Pages /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] /Count {len(kids)} >>")
    return writer.bytes(writer.add(f"<< /Type /Catalog /Pages {tree} 0 R {catalog} >>"))


def rc4(key: bytes, data: bytes) -> bytes:
    """The cipher of PDF's first lock."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _locked(user: bytes, identity: bytes) -> tuple[bytes, bytes, bytes]:
    """Key, O and U of the standard lock, revision 2 (40 bits), with the owner's password `owner`."""
    owner = rc4(hashlib.md5((b"owner" + _PAD)[:32]).digest()[:5], (user + _PAD)[:32])
    permissions = (-4 & 0xFFFFFFFF).to_bytes(4, "little")
    key = hashlib.md5((user + _PAD)[:32] + owner + permissions + identity).digest()[:5]
    return key, owner, rc4(key, _PAD)
