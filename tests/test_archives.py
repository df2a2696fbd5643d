"""Archives: every document in them is a source of its own; what is hostile or broken is said and harms nothing."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import resource
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import helpers as h
import pytest

from extractor.document.containers import bounds
from extractor.document.kinds import kind_of
from extractor.document.sources import Source, count, walk
from extractor.errors import InputError

REPORT = h.report().encode()
Members = Sequence[tuple[str, bytes]]


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def tarred(members: Members, mode: str = "w:") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def zeros(megabytes: int) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("zeros.txt", "w", force_zip64=True) as member,
    ):
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return buffer.getvalue()


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def read(folder: Path, name: str, data: bytes, *members: str) -> list[Source]:
    (folder / name).write_bytes(data)
    return list(walk([str(folder / name) + member for member in members or ("",)]))


def said(sources: list[Source], folder: Path) -> list[tuple[str, str]]:
    """Each source's name below the folder and what it is: `read`, an error's code, or why it was left out."""
    return [
        (
            source.name.removeprefix(f"{folder}/"),
            source.error.code if source.error else source.left_out if source.left_out else "read",
        )
        for source in sources
    ]


PACKERS: dict[str, Callable[[Members], bytes]] = {
    "a.zip": zipped,
    "stored.zip": lambda members: zipped(members, zipfile.ZIP_STORED),
    "a.tar": tarred,
    "a.tar.gz": lambda members: tarred(members, "w:gz"),
    "a.tar.bz2": lambda members: tarred(members, "w:bz2"),
    "a.tar.xz": lambda members: tarred(members, "w:xz"),
}
MEMBERS: Members = [
    ("b/2.txt", REPORT),
    ("./a.txt", REPORT + b"1"),
    (".git/x.txt", REPORT),
    ("__MACOSX/a.txt", REPORT),
    ("b/10.txt", REPORT),
    ("b/.hidden.txt", REPORT),
    ("p.png", b""),
    ("picture", b"\x89PNG\r\n\x1a\n"),
]


@pytest.mark.parametrize("name", PACKERS)
def test_members_come_in_sorted_order_as_from_a_folder(name: str, tmp_path: Path) -> None:
    found = read(tmp_path, name, PACKERS[name](MEMBERS))
    assert said(found, tmp_path) == [
        (f"{name}!a.txt", "read"),
        (f"{name}!b/10.txt", "read"),
        (f"{name}!b/2.txt", "read"),
        (f"{name}!p.png", "image"),
        (f"{name}!picture", "image"),
    ]
    assert found[0].data == REPORT + b"1"
    assert found[0].sha256 == hashlib.sha256(REPORT + b"1").hexdigest()
    assert found[1].text() == REPORT.decode()
    assert [source.adds for source in found] == [4, 0, 0, 0, 0]
    assert count([str(tmp_path / name)]) == 1


@pytest.mark.parametrize("name", PACKERS)
def test_a_member_is_asked_for_by_its_name(name: str, tmp_path: Path) -> None:
    inner = zipped([("x/1.txt", REPORT), ("y.txt", REPORT)])
    data = PACKERS[name]([*MEMBERS, ("inner.zip", inner), ("none.zip", zipped([]))])
    asked = ("!b/2.txt", "!b", "!inner.zip!x/1.txt", "!inner.zip", "!.git/x.txt", "!p.png", "!gone.txt", "!a.txt!x")
    found = said(read(tmp_path, name, data, *asked, "!none.zip"), tmp_path)
    assert found == [
        (f"{name}!b/2.txt", "read"),
        (f"{name}!b/10.txt", "read"),
        (f"{name}!b/2.txt", "read"),
        (f"{name}!inner.zip!x/1.txt", "read"),
        (f"{name}!inner.zip!x/1.txt", "read"),
        (f"{name}!inner.zip!y.txt", "read"),
        (f"{name}!.git/x.txt", "read"),
        (f"{name}!p.png", "read"),
        (f"{name}!gone.txt", "missing"),
        (f"{name}!a.txt!x", "missing"),
        (f"{name}!none.zip", "empty_archive"),
    ]


def test_a_file_whose_name_holds_the_mark_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped([("b.txt", b"member")]))
    (tmp_path / "a.zip!b.txt").write_bytes(b"file")
    (tmp_path / "plain.txt").write_bytes(b"file")
    assert [source.data for source in walk([f"{tmp_path}/a.zip!b.txt"])] == [b"file"]
    assert said(list(walk([f"{tmp_path}/plain.txt!b"])), tmp_path) == [("plain.txt!b", "missing")]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_one_document_compressed(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    suffix = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz"}[pack]
    (source,) = read(tmp_path, f"r.html.{suffix}", pack(REPORT))
    assert (source.name, source.data) == (f"{tmp_path}/r.html.{suffix}!r.html", REPORT)
    (source,) = read(tmp_path, f"two.{suffix}", pack(b"one ") + pack(b"two"))
    assert source.data == b"one two"
    (source,) = read(tmp_path, f"cut.{suffix}", pack(REPORT)[:-9])
    assert source.error
    assert source.error.code == "truncated_archive"


def test_an_archive_in_a_folder_is_walked_too(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped([("1.txt", REPORT)]))
    (tmp_path / "b.zip").write_bytes(zipped([("1.png", b"")]))
    (tmp_path / "c.zip").write_bytes(zipped([]))
    (tmp_path / "d.txt").write_bytes(REPORT)
    assert said(list(walk([str(tmp_path)])), tmp_path) == [
        ("a.zip!1.txt", "read"), ("b.zip!1.png", "image"), ("c.zip", "empty archive"), ("d.txt", "read"),
    ]  # fmt: skip
    assert said(list(walk([f"{tmp_path}/b.zip"])), tmp_path)[-1] == ("b.zip", "empty_archive")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_are_shown_safely_and_never_used_as_paths(tmp_path: Path) -> None:
    names = ["/abs.txt", "../../up.txt", "C:\\x\\y.txt", "a\nb\x1b[31m.txt", "twice.txt", "twice.txt", "x" * 5000]
    shown = ["../../up.txt", "/abs.txt", "C:\\x\\y.txt", "a\\nb\\x1b[31m.txt", "twice.txt", "twice.txt~2"]
    for name, pack in PACKERS.items():
        found = read(tmp_path, name, pack([(member, REPORT) for member in names]))
        members = [source.name.partition("!")[2] for source in found]
        assert sorted(members[:-1]) == sorted(shown)
        assert len(members[-1]) == 1001
        assert all(source.data == REPORT for source in found)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PACKERS)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param("青禾报告".encode("gbk"), "青禾报告", id="GBK"),
        pytest.param("青禾a".encode() + b"b", "青禾ab", id="UTF-8 without its mark"),
        pytest.param(b"r\x82sum\x82\xff\xff", "résumé\u00a0\u00a0", id="neither"),
    ],
)
def test_zip_names_in_the_encoding_they_were_packed_in(raw: bytes, name: str, tmp_path: Path) -> None:
    (source,) = read(tmp_path, "a.zip", zipped([("A" * len(raw) + ".txt", REPORT)]).replace(b"A" * len(raw), raw))
    assert source.name == f"{tmp_path}/a.zip!{name}.txt"
    assert source.data == REPORT


def test_a_tar_gives_files_only(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:") as archive:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)):
            entry = tarfile.TarInfo(f"{number}.txt")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        entry = tarfile.TarInfo("folder")
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
    found = said(read(tmp_path, "a.tar", buffer.getvalue()), tmp_path)
    assert [what for _, what in found] == ["link", "link", "special file", "special file", "empty_archive"]
    assert said(read(tmp_path, "a.tar", buffer.getvalue(), "!0.txt"), tmp_path) == [("a.tar!0.txt", "not_a_file")]


def test_an_office_file_is_one_document_and_a_zip_of_them_is_not(tmp_path: Path) -> None:
    office = zipped([("word/document.xml", b"<x/>"), ("[Content_Types].xml", b"<x/>")])
    assert kind_of(office) == "docx"
    (source,) = read(tmp_path, "a.docx", office)
    assert source.data == office
    # Stored as it is, its inner names stand in the outer file's bytes.
    outer = zipped([("1.docx", office), ("2.docx", office)], zipfile.ZIP_STORED)
    assert kind_of(outer) == "archive"
    found = read(tmp_path, "a.zip", outer)
    assert [source.data for source in found] == [office, office]


TWO: Members = [("1.txt", REPORT), ("2.txt", REPORT)]
LONG: Members = [("1.txt", REPORT), ("2.txt", REPORT * 9), ("3.txt", REPORT)]
BROKEN: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
    "a wrong byte in a member": (
        zipped(TWO, zipfile.ZIP_STORED).replace(b"\t160\n", b"\t170\n", 1),
        [("!1.txt", "damaged_archive"), ("!2.txt", "read")],
    ),
    "zip cut off": (zipped(TWO)[:-30], [("", "truncated_archive")]),
    "zip of nonsense": (b"PK\x03\x04" + b"\x00" * 60, [("", "truncated_archive")]),
    "locked": (
        patched(zipped(TWO), 6, b"\x01").replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
        [("!1.txt", "encrypted"), ("!2.txt", "encrypted")],
    ),
    "a method that is not read": (zipped(TWO[:1], zipfile.ZIP_LZMA), [("!1.txt", "unsupported_format")]),
    "tar cut off in a member": (
        tarred(LONG)[:9000],
        [("!1.txt", "read"), ("!2.txt", "truncated_archive"), ("", "truncated_archive")],
    ),
    "tar cut off between members": (tarred(TWO)[:3584], [("!1.txt", "read"), ("", "truncated_archive")]),
    "tar with nonsense for a header": (
        patched(tarred(TWO), 3584, b"\xff" * 512), [("!1.txt", "read"), ("", "damaged_archive")],
    ),
    "tar.gz with a wrong byte": (patched(tarred(TWO, "w:gz"), 900, b"\x55\xaa"), [("", "damaged_archive")]),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(50), [("", "unsupported_format")]),
    "rar": (b"Rar!\x1a\x07\x01\x00" + bytes(50), [("", "unsupported_format")]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_said_and_what_was_sound_is_kept(name: str, tmp_path: Path) -> None:
    data, expected = BROKEN[name]
    found = read(tmp_path, "x", data)
    codes = []
    for source in found:
        try:
            source.text()
            codes.append("read")
        except InputError as error:
            codes.append(error.code)
    assert [(source.name.removeprefix(f"{tmp_path}/x"), code) for source, code in zip(found, codes, strict=True)] == (
        expected
    )


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        pytest.param("w:bz2", ["1.txt"], id="bzip2 checks each block"),
        pytest.param("w:gz", [], id="gzip checks at the end"),
        pytest.param("w:xz", [], id="xz checks at the end"),
    ],
)
def test_of_a_compressed_tar_that_is_cut_off_only_what_was_checked_is_kept(
    mode: str, kept: list[str], tmp_path: Path
) -> None:
    noise = "".join(hashlib.sha256(i.to_bytes(2, "big")).hexdigest() for i in range(32_000)).encode()
    whole = tarred([("1.txt", REPORT), ("2.txt", noise)], mode)
    found = read(tmp_path, "a", whole[: len(whole) * 2 // 3])
    assert [source.name.partition("!")[2] for source in found if source.data] == kept
    assert {source.error.code for source in found if source.error} == {"truncated_archive"}
    assert found[-1].name == f"{tmp_path}/a"


def nested(depth: int, pack: Callable[[Members], bytes] = zipped) -> bytes:
    data = REPORT
    for level in range(depth):
        data = pack([("a.txt" if not level else f"{level}.zip", data)])
    return data


def overlapping() -> bytes:
    """Two members of the list that are one run of bytes."""
    data = zipped([("1.txt", REPORT), ("2.txt", REPORT)])
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    return patched(data, second + 42, bytes(4))


def forged_size() -> bytes:
    """A TAR whose member says that it ends before it begins (a negative number in base 256)."""
    header = tarfile.TarInfo("a.txt").tobuf()
    header = patched(header, 124, b"\xff" * 12)
    header = patched(header, 148, b" " * 8)
    return patched(header, 148, f"{sum(header):06o}\0 ".encode()) + bytes(1024)


HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "a gigabyte of zeros": ("zeros.zip", zeros(1000), "too_large"),
    "zeros in a tar.gz": ("z.tar.gz", tarred([("a.txt", bytes(120 << 20))], "w:gz"), "archive_bomb"),
    "zeros in bzip2": ("z.bz2", bz2.compress(bytes(30 << 20)), "too_large"),
    "fifty archives deep": ("deep.zip", nested(50), "too_deep"),
    "fifty gzips deep": ("deep.gz", nested(50, lambda members: gzip.compress(members[0][1])), "too_deep"),
    "members that lie over one another": ("over.zip", overlapping(), "archive_bomb"),
    "a forged size": ("forged.tar", forged_size(), "damaged_archive"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_end_in_time_with_little_memory_and_write_nothing(name: str, tmp_path: Path) -> None:
    file, data, code = HOSTILE[name]
    (tmp_path / file).write_bytes(data)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (900_000_000, 900_000_000))

    done = subprocess.run(
        [sys.executable, "-m", "extractor", "extract", file, "--json"],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False, preexec_fn=limited,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode == 3
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["error"]["code"] for line in lines] == [code]
    assert lines[0]["source"].startswith(file)
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_all_that_one_file_unpacks_to_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_UNPACKED", 3 * len(REPORT))
    found = said(read(tmp_path, "a.zip", zipped([(f"{n}.txt", REPORT) for n in range(6)])), tmp_path)
    assert found == [
        ("a.zip!0.txt", "read"),
        ("a.zip!1.txt", "read"),
        ("a.zip!2.txt", "read"),
        ("a.zip", "archive_bomb"),
    ]


@pytest.mark.parametrize("name", PACKERS)
def test_the_number_of_members_is_bounded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_MEMBERS", 7)
    assert said(read(tmp_path, name, PACKERS[name](MEMBERS[:7])), tmp_path)[-1] == (f"{name}!p.png", "image")
    assert said(read(tmp_path, name, PACKERS[name](MEMBERS)), tmp_path) == [(name, "archive_bomb")]


def test_the_limit_of_a_document_holds_for_members_and_not_for_the_archive(tmp_path: Path) -> None:
    noise = hashlib.sha512(b"").digest() * 30
    members = [(f"{n}.txt", noise[n:]) for n in range(8)]
    for name, pack in PACKERS.items():
        (tmp_path / name).write_bytes(pack([*members, ("large.txt", noise * 2)]))
        found = said(list(walk([f"{tmp_path}/{name}"], max_bytes=2000)), tmp_path)
        assert [what for _, what in found] == ["read"] * 8 + ["too_large"], name


def gouji(*args: str, cwd: Path, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "extractor", *args], input=data, cwd=cwd, capture_output=True, timeout=60, check=False
    )


def test_text_and_extract_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped([("1.txt", REPORT), ("b/2.txt", REPORT)]))
    (tmp_path / "r.txt.gz").write_bytes(gzip.compress(REPORT))
    several = gouji("text", "a.zip", cwd=tmp_path)
    assert several.returncode == 2
    assert b"a.zip!1.txt, a.zip!b/2.txt" in several.stderr
    assert gouji("text", "a.zip!b/2.txt", cwd=tmp_path).stdout == REPORT
    assert gouji("text", "r.txt.gz", cwd=tmp_path).stdout == REPORT
    for args, data in ((("a.zip",), None), (("-",), (tmp_path / "a.zip").read_bytes())):
        done = gouji("extract", "--json", *args, cwd=tmp_path, data=data)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["source"] for line in lines] == [f"{args[0]}!1.txt", f"{args[0]}!b/2.txt"]
        assert [line["sha256"] for line in lines] == [hashlib.sha256(REPORT).hexdigest()] * 2
        assert {line["verdict"] for line in lines} == {"verified"}
