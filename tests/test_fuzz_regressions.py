"""Generated reports in which a wrong number once stood in a trusted table: each must stay refused or right."""

from __future__ import annotations

import pytest
from extractor.eval.fuzz import run_one

CASES = [
    (300540, "tabs"),
    (300780, "tabs"),
    (82488, "pdf_layout"),
    (82692, "pdf_layout"),
    (41254, "glued"),
    (301416, "tabs"),
    (700037, "pipes"),
    (700966, "glued"),
    (4930, "ocr_markdown"),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{seed}-{family}" for seed, family in CASES])
def test_no_escape(case: tuple[int, str]) -> None:
    outcome = run_one(case)
    assert [fault for fault in outcome.faults if fault.kind in ("escape", "passed_over", "exception")] == []
