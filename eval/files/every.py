"""One report in every format that is read: `python -m extractor.eval.files.every PAGE.html FOLDER`.

fixtures/formats is such a folder; a test holds every file of it to the same record.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from extractor.eval.files import make_file

from extractor.document.decode import decode
from extractor.document.sources import read_stored

_EPOCH = (2024, 1, 1, 0, 0, 0)
_SEED = 1


def every_format(page: bytes) -> dict[str, bytes]:
    """File name → bytes. Errors: FileNotFoundError where no browser can print the PDF."""
    html = decode(page).text
    text = read_stored(page).text
    made: dict[str, bytes] = {
        "report.html": html.encode("utf-8"),
        "report-gbk.html": _charset(html, "gbk").encode("gbk", "xmlcharrefreplace"),
        "report-in-a-script.html": _in_a_script(html).encode("utf-8"),
        "report.txt": text.encode("utf-8"),
        "report-gb18030.txt": text.replace("\n", "\r\n").encode("gb18030"),
        "report.md": _lines(text, _markdown).encode("utf-8"),
        "report.csv": b"\xef\xbb\xbf" + _lines(text, _csv).encode("utf-8"),
    }
    made |= {f"report.{family}": make_file(family, html, _SEED) for family in ("docx", "xlsx", "pdf")}
    made["report.mht"] = make_file("mhtml", html, _SEED)
    made["report.html.gz"] = gzip.compress(made["report.html"], mtime=0)
    made["report.zip"] = _zip("2024年度报告/report.docx", made["report.docx"])
    made["report.tar.gz"] = _tar("reports/report.html", made["report.html"])
    made["report.eml"] = _mail("report.xlsx", made["report.xlsx"])
    return made


def _charset(html: str, name: str) -> str:
    return re.sub(r"(charset=[\"']?)[\w-]+", rf"\g<1>{name}", html, count=1)


def _in_a_script(html: str) -> str:
    """The page's content as a string that a script would put in place."""
    body = html.partition("<body")[2].partition(">")[2].partition("</body>")[0]
    inner = json.dumps(body).replace("</", "<\\/")
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><title>信息公开</title></head><body><div id="main"></div>'
        f'<script>var content = {inner}; document.getElementById("main").innerHTML = content;</script></body></html>'
    )


def _lines(text: str, row: Callable[[list[str]], str]) -> str:
    return "\n".join(row(line.split("\t")) if "\t" in line else line for line in text.split("\n"))


def _markdown(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _csv(cells: list[str]) -> str:
    return ",".join(f'"{cell}"' if re.search('[,"\n]', cell) else cell for cell in cells)


def _zip(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _tar(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


def _mail(name: str, data: bytes) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "office@example.org", "archive@example.org"
    message["Subject"] = "政府信息公开工作年度报告"
    message["Date"] = "Mon, 20 Jan 2025 08:00:00 +0800"
    message.set_content("附件请查收。\n")
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    message.set_boundary("=-gouji")
    return message.as_bytes(policy=SMTP)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m extractor.eval.files.every", description=__doc__.split("\n")[0])
    parser.add_argument("page", type=Path, help="the report as an HTML page")
    parser.add_argument("folder", type=Path, help="where the files are written")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, data in every_format(options.page.read_bytes()).items():
        (options.folder / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
