"""Generated reports with a column that the form does not have: line numbers, remarks, last year's totals.

Offices add such columns to table 3. They leave every number where it stands, so that what the text decides is as
before, but a row then prints more figures than it has cells.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from extractor.eval.generator.sample import Sample, generate

from extractor.form import REQUEST_COLUMNS

KINDS = ("line_numbers", "remarks", "last_year")
BASES = ("tabs", "pipes")
_HEADS = {"line_numbers": "行次", "remarks": "备注", "last_year": "上年总计"}
_REMARKS = ("较上年多3件", "其中网上提交25件", "见附件2", "同比下降12%", "已于次年1月办结")


def with_column(seed: int, base: str, kind: str) -> Sample | None:
    """The sample of a seed with a further column in table 3; None where its rows are not wholly printed."""
    sample = generate(seed, base)
    if len(sample.reports) != 1:
        return None
    expected = sample.reports[0]
    rng = Random(f"{base}:{kind}:{seed}")
    border = "\t" if base == "tabs" else " | "
    rows = {path.rpartition(".")[0] for path in expected.spans if path.startswith("requests.")}
    inserted: list[tuple[int, str]] = []
    places = []
    for row in rows:
        spans = [expected.spans.get(f"{row}.{column}") for column in REQUEST_COLUMNS]
        if any(span is None for span in spans):
            return None
        first, last = spans[0], spans[-1]
        assert first
        assert last
        if "\n" in sample.text[first[0] : last[1]]:
            return None
        places.append((first[0], last[1]))
    if len(places) < 20:
        return None
    for number, (start, end) in enumerate(sorted(places), 1):
        if kind == "line_numbers":
            inserted.append((start, f"{number}{border}"))
        elif kind == "last_year":
            inserted.append((end, f"{border}{rng.choice((0, 0, 0, rng.randint(1, 90)))}"))
        else:
            inserted.append((end, f"{border}{rng.choice(_REMARKS) if rng.random() < 0.2 else ''}"))
    head = sample.text.rfind("自然人", 0, min(places)[0])
    if head < 0:
        return None
    stop = sample.text.find("\n", head)
    inserted.append((head, _HEADS[kind] + border) if kind == "line_numbers" else (stop, border + _HEADS[kind]))
    inserted.sort()
    text, at = [], 0
    for place, words in inserted:
        text += [sample.text[at:place], words]
        at = place

    def moved(position: int, end: bool) -> int:
        return position + sum(len(w) for place, w in inserted if place < position or (place == position and not end))

    spans_moved = {path: (moved(a, False), moved(b, True)) for path, (a, b) in expected.spans.items()}
    return replace(
        sample,
        family=f"{base}+{kind}",
        text="".join([*text, sample.text[at:]]),
        noise=[*sample.noise, kind],
        reports=[replace(expected, spans=spans_moved)],
    )
