"""What only words say: claims of a report without tables, and body and year where no title names them.

Claims are never cells: they are handed out beside the record, each with the characters it was read from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from extractor.ask.answers import identity_answer, of_rows, rows_answer
from extractor.ask.excerpts import excerpt
from extractor.ask.ground import printed_numbers, tokens
from extractor.ask.session import Session
from extractor.claims.claim import Claim
from extractor.form import FORM

# Cells of the form that narratives speak of, and the words that must stand in the sentence of a claim.
_SPOKEN_OF = {
    "requests.new_received.total": r"新收|收到|受理",
    "requests.carried_in.total": r"结转",
    "requests.granted.total": r"予以公开|同意公开",
    "requests.granted_in_part.total": r"部分公开",
    "requests.total_processed.total": r"办结|答复|办理",
    "requests.carried_out.total": r"结转",
    "reconsideration.total": r"复议",
    "litigation_direct.total": r"诉讼",
    "disclosure.normative_documents.issued": r"规范性文件",
    "disclosure.normative_documents.in_force": r"规范性文件.*有效|有效.*规范性文件",
    "disclosure.licensing.decisions": r"许可",
    "disclosure.penalties.decisions": r"处罚",
    "disclosure.coercion.decisions": r"强制",
}
_SENTENCE = re.compile(r"[^。；;\n]*\d[^。；;\n]*[。；;\n]?")
_SUBJECT = re.compile(r"申请|公开|结转|复议|诉讼|规范性文件|许可|处罚|强制|答复|办结")
_LONGEST = 3_000
_YEARS = re.compile(r"(?<!\d)20[0-3]\d(?=\s*年)")


async def ask_narrative(session: Session, found: Sequence[Claim]) -> list[Claim]:
    """Claims of a report that prints no table beside those `found` by rule; nothing is asked where its words hold no
    number about the form's subjects."""
    spoken_of = {path: words for path, words in _SPOKEN_OF.items() if path not in {claim.field for claim in found}}
    if not spoken_of:
        return []
    reading = session.reading
    layout = reading.layout
    spans = [m.span() for m in _SENTENCE.finditer(reading.norm, layout.start, layout.end) if _SUBJECT.search(m.group())]
    if not spans:
        return []
    piece = excerpt("\n".join(reading.norm[a:b].strip() for a, b in spans), 0, 10**9, _LONGEST)
    fields = [tokens(reading.norm, a, b, ("count",)) for a, b in spans]
    printed = printed_numbers(reading.norm, [field for tokens_ in fields for field in tokens_])
    words = "事项：\n" + "\n".join(f"{i}. {FORM.words(path)}" for i, path in enumerate(spoken_of, 1))
    model = rows_answer([1] * len(spoken_of), [printed] * len(spoken_of))
    answer = await session.ask("narrative", words, piece, model, "narrative", 220)
    claims = []
    for (path, words), (value, *_) in zip(
        spoken_of.items(), of_rows(answer) if answer is not None else (), strict=False
    ):
        places = [
            (f.start, f.end)
            for (a, b), tokens_ in zip(spans, fields, strict=True)
            for f in tokens_
            if isinstance(value, int) and f.reading and f.reading.value == value and re.search(words, reading.norm[a:b])
        ]
        if isinstance(value, int) and len(places) == 1:
            raw = reading.text[slice(*places[0])]
            claims.append(Claim(path, value, raw, places[0], year=reading.identity.year, method="llm"))
    taken = Counter(claim.span for claim in (*found, *claims))
    return [claim for claim in claims if taken[claim.span] == 1]  # A number that is claimed twice tells nothing.


async def ask_identity(session: Session) -> list[str]:
    """Fills body and year of the reading where the reader found none, both only as the excerpt prints them; gives the
    names of what was filled."""
    reading, found = session.reading, session.reading.identity
    if found.organization is not None and found.year is not None:
        return []
    start = reading.layout.start
    piece = excerpt(reading.norm, start, min(reading.layout.end, start + 1_200), 1_000)
    tail = excerpt(reading.norm, max(start, reading.layout.end - 200), reading.layout.end, 200)
    piece = f"{piece}\n……\n{tail}" if reading.layout.end - start > 1_400 else piece
    years = sorted({int(year) for year in _YEARS.findall(piece)})
    answer = await session.ask("identity", "发布机关和报告年度：", piece, identity_answer(years), "identity", 80)
    if answer is None:
        return []
    name = (answer.organization or "").strip()  # type: ignore[attr-defined]
    year = answer.year  # type: ignore[attr-defined]
    printed = re.sub(r"\s", "", piece)
    body = name if len(name) >= 2 and re.sub(r"\s", "", name) in printed else None
    reading.identity = replace(
        found,
        organization=found.organization or body,
        year=found.year if found.year is not None else year if len(years) == 1 and year in years else None,
    )
    now = reading.identity
    return [key for key in ("organization", "year") if getattr(now, key) is not None and getattr(found, key) is None]
