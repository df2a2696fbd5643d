"""Texts made to break a reader: each ends in time, in a process of its own, and trusts nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import helpers as h
import pytest

# A guard against hanging, not a measure of speed.
GUARD = 60
READ = (
    "import json, sys\n"
    "from extractor.document.sources import read_bytes\n"
    "from extractor.pipeline import extract_all\n"
    "results = extract_all(read_bytes(open(sys.argv[1], 'rb').read()))\n"
    "print(json.dumps([[r.verdict, r.verdicts, r.error] for r in results]))\n"
)
LABELS = "".join("".join(h.label_of(key)) for key in h.LABELS)
ROW = "（一）予以公开"


def whole(requests: str) -> str:
    return h.report(requests)


TEXTS: dict[str, str] = {
    "5 MB run of digits behind a label": ROW + "1" * 5_000_000,
    "5 MB run of digits inside table 3": whole(
        h.tabs(h.rows()).replace("（二）部分公开", "1" * 5_000_000 + "（二）部分公开", 1)
    ),
    "5 MB run of zeros inside glued table 3": whole(
        h.glued(h.rows()).replace("（二）部分公开", "0" * 5_000_000 + "（二）部分公开", 1)
    ),
    "5 MB run of digits in table 4": h.report(disputes=h.table_4().rsplit("\n", 2)[0] + "\n" + "12" * 2_500_000 + "\n"),
    "5 MB run of digits in table 2": h.report(
        disclosure=h.table_2().replace("行政许可\t160", "行政许可" + "7" * 5_000_000)
    ),
    "every row a run of digits": whole(h.glued({key: ["12" * 10_000] for key in h.LABELS})),
    "every row a run of ones": whole(h.glued({key: ["1" * 60] for key in h.LABELS})),
    "every row thirty cells": whole(h.spaced({key: ["1"] * 30 for key in h.LABELS})),
    "rows of eleven to sixteen ones": whole(h.glued({k: ["1" * (11 + i % 6)] for i, k in enumerate(h.LABELS)})),
    "2 MB of tabs": "\t" * 2_000_000 + "0",
    "2 MB of tabs in a row": whole(h.tabs(h.rows()).replace("（一）予以公开", "（一）予以公开" + "\t" * 2_000_000, 1)),
    "2 MB of newlines": "x" + "\n" * 2_000_000 + "x",
    "2 MB of newlines in a label": whole(h.tabs(h.rows()).replace("予以公开", "予以" + "\n" * 2_000_000 + "公开", 1)),
    "2 MB of pipes": "|" * 2_000_000,
    "2 MB of pipes in a row": whole(h.pipes(h.rows()).replace("（一）予以公开", "（一）予以公开" + "|" * 2_000_000, 1)),
    "2 MB of spaces in a row": whole(
        h.spaced(h.rows()).replace("（一）予以公开", "（一）予以公开" + " " * 2_000_000, 1)
    ),
    "2 MB of one label": "予以公开" * 500_000,
    "2 MB of one character of a label": "予" * 2_000_000,
    "2 MB of half a label": "本年新收政府信息公开申请数" * 150_000,
    "2 MB of all labels": LABELS * 5_000,
    "labels in reverse order": "".join("".join(h.label_of(key)) + "0000000" for key in reversed(h.LABELS)) * 1_000,
    "2 MB of headings": "三、收到和处理政府信息公开申请情况\n" * 100_000,
    "2 MB of titles": "青禾县2023年政府信息公开工作年度报告\n" * 80_000,
    "2 MB of heads": "自然人 商业企业 科研机构 " * 150_000,
    "2 MB of outcomes": "结果维持 结果纠正 " * 200_000,
    "2 MB of （": "（" * 2_000_000,
    "2 MB of ( behind a label": ROW + "(" * 2_000_000 + "0",
    "2 MB of （（12（（": ROW + "（（12" * 500_000,
    "2 MB of commas": ROW + "1," * 1_000_000,
    "2 MB of points": ROW + "1." * 1_000_000,
    "2 MB of dashes": "-" * 2_000_000,
    "2 MB of dashes in a row": ROW + "-/" * 1_000_000,
    "2 MB of ruling": "+---" * 500_000,
    "2 MB of 1件、": ROW + "1件、" * 600_000,
    "2 MB of page numbers": "- 3 -\n" * 350_000,
    "2 MB of 第": "第" * 2_000_000,
    "2 MB of years": "2023年" * 400_000,
    "100,000 rows": "\n".join(f"{i}\t{i}\t0\t0\t0\t0\t0" for i in range(100_000)),
    "100,000 rows with a label": "（一）予以公开\t1\t0\t0\t0\t0\t0\t1\n" * 100_000,
    "100,000 rows inside table 3": whole(
        h.tabs(h.rows()).replace("\t（二）", "0\t0\t0\t0\n" * 100_000 + "\t（二）", 1)
    ),
    "100,000 tables": "".join(h.LABELS[key][0] or h.LABELS[key][1] for key in ("new_received", "granted")) * 50_000,
    "2,000 tables 3": h.tabs(h.rows()) * 300,
    "deep <td>": "<table>" + "<tr><td>" * 100_000 + "0",
    "deep tables": "<table><tr><td>" * 20_000 + "予以公开 0 0 0 0 0 0 0",
    "2 MB of <": "<" * 2_000_000,
    "2 MB of open tags": "<td " * 500_000,
    "2 MB of O and l": ROW + "Ol" * 1_000_000,
    "2 MB of Chinese numerals": ROW + "一百零二" * 500_000,
    "a number of a million digits in the title": "青禾县" + "2023" * 250_000 + "年政府信息公开工作年度报告\n",
    "combining marks": ("予\u0301以\u0301公\u0301开\u0301 0\n") * 100_000,
    "control characters": "".join(map(chr, range(1, 32))) * 50_000,
    "lone surrogate escapes": "\ufffd\u200b\u202e" * 300_000,
}
# Whole and readable reports all the same; only the promise is asked of them.
READABLE = {
    "2 MB of tabs in a row",
    "2 MB of newlines in a label",
    "2 MB of pipes in a row",
    "2 MB of spaces in a row",
    "2,000 tables 3",
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_text(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.txt"
    path.write_text(TEXTS[name], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=GUARD,
        check=False,
    )
    if done.returncode:
        assert "InputError" in done.stderr.splitlines()[-1]  # no text at all: the document fails with a code
        return
    found = json.loads(done.stdout)
    assert found
    for verdict, _, error in found:
        if name not in READABLE:
            assert verdict in ("needs_review", "failed")
        assert (verdict == "failed") == (error is not None)
