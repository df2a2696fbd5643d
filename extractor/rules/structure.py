"""What the page lacks, shifts or left over: rows, cells, sections, the fee of section 六, another year's words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from extractor.form import DISPUTE_BLOCKS, FORM, GROUPS, REQUEST_ROWS, TABLES, group_all
from extractor.form.model import row_words
from extractor.results import Evidence
from extractor.rules.case import Case, Words
from extractor.rules.engine import PASS, Outcome, check, fail

_HEADINGS = {section.key: section for section in FORM.sections}


def _title(table: str) -> str:
    return _HEADINGS[table].label


def _rows(case: Case, table: str) -> Iterator[tuple[str, list[str]]]:
    """Each row that the form wants of this report, with its words and its cells."""
    if table == "disclosure":
        for row in FORM.disclosure_rows(case.form):
            yield row.label.label, [f"disclosure.{row.key}.{name}" for name in row.fields[case.form]]
    elif table == "requests":
        for key in REQUEST_ROWS:
            group = key.partition(".")[0]
            if group in GROUPS and group in case.without_sub_rows | case.printed_groups and group_all(group) != key:
                continue  # the group's own row stands for it, or the 2019 form has no sub-rows
            yield row_words(FORM, key), [f"requests.{key}.{column.key}" for column in FORM.columns]
    else:
        for block in FORM.blocks:
            yield block.label, [f"{block.key}.{column.key}" for column in FORM.dispute_columns]


@check("structure.missing_rows")
def missing_rows(case: Case) -> Iterator[Outcome]:
    """Rows of which the text holds not one cell, in tables of which it holds some."""
    for table in _known_tables(case):
        rows = list(_rows(case, table))
        gone = [(words, paths) for words, paths in rows if all(_state(case, p) == "missing" for p in paths)]
        if len(gone) == len(rows):
            continue
        if not gone:
            yield PASS
            continue
        names = "、".join(words for words, _ in gone[:3]) + ("等" if len(gone) > 3 else "")
        yield fail(
            "structure.missing_rows",
            [path for _, paths in gone for path in paths],
            of=table,
            table=_title(table),
            n=len(gone),
            names=names,
            names_en=", ".join(paths[0].rpartition(".")[0] for _, paths in gone[:3]) + (", …" if len(gone) > 3 else ""),
        )


_NO_NUMBER = {
    "blank": "空白",
    "not_applicable": "“/”“-”“无”等",
    "illegible": "无法辨认",
    "ambiguous": "读法不定",
}


@check("structure.blank_cells")
def blank_cells(case: Case) -> Iterator[Outcome]:
    """Cells that are printed without a number."""
    for table in _known_tables(case):
        paths = [path for _, row in _rows(case, table) for path in row]
        kinds = {state: [path for path in paths if _state(case, path) == state] for state in _NO_NUMBER}
        if not any(kinds.values()):
            yield PASS
            continue
        yield fail(
            "structure.blank_cells",
            [path for found in kinds.values() for path in found],
            of=table,
            table=_title(table),
            n=sum(map(len, kinds.values())),
            kinds="，".join(f"{_NO_NUMBER[state]} {len(found)}" for state, found in kinds.items() if found),
            kinds_en=", ".join(f"{len(found)} {state.replace('_', ' ')}" for state, found in kinds.items() if found),
        )


def _known_tables(case: Case) -> Iterator[str]:
    for table in TABLES:
        heads = DISPUTE_BLOCKS if table == "disputes" else (table,)
        if any(path.partition(".")[0] in heads for path in case.cells) and case.verdicts.get(table) != "failed":
            yield table


def _state(case: Case, path: str) -> str:
    cell = case.cells.get(path)
    return cell.state if cell is not None else "missing"


# ------------------------------------------------------------------------------- sections


@check("structure.sections")
def sections(case: Case) -> Iterator[Outcome]:
    """Headings that the text should have and has not."""
    if case.words is None or sum(span is not None for span in case.words.sections.values()) < 2:
        return
    gone = [key for key, span in case.words.sections.items() if span is None]
    if not gone:
        yield PASS
        return
    names = "、".join(f"{_HEADINGS[key].ordinal}、{_HEADINGS[key].label}" for key in gone)
    yield fail("structure.sections", names=names, names_en=", ".join(gone))


_NUMBER = re.compile(r"[\s#*>|(]*第?([一二三四五六七八九]|[1-9](?![\d.]))(?:部分)?[\s、.,:)]")


@check("structure.section_number")
def section_numbers(case: Case) -> Iterator[Outcome]:
    """Headings that carry another number than the form's."""
    for key, words, span in _sections(case):
        printed = _NUMBER.match(words.norm, span[0], span[0] + 12)
        if printed is None:
            continue
        ordinal = _HEADINGS[key].ordinal
        if printed[1] in (ordinal, str("一二三四五六".index(ordinal) + 1)):
            yield PASS
            continue
        yield fail(
            "structure.section_number",
            of=key,
            heading=_HEADINGS[key].label,
            printed=printed[1],
            ordinal=ordinal,
            evidence=[_evidence(words, f"section.{key}", printed.span(1))],
        )


_EMPTY = re.compile(
    r"[\s#*|:,.。、;()/-]*((?:本年度?|暂|目前)?(?:无|没有)(?:明显)?(?:问题)?|略|不涉及)?[\s#*|,.。;()/-]*"
)


@check("structure.section_empty")
def empty_sections(case: Case) -> Iterator[Outcome]:
    """Sections 一 and 五 that hold nothing, or 无, though the text goes on behind them."""
    for key, words, span in _sections(case):
        if key not in ("overview", "problems") or span[1] >= words.end:
            continue
        body = _body(words, key, span)
        empty = _EMPTY.fullmatch(words.norm, *body)
        if empty is None:
            yield PASS
            continue
        at = empty.span(1) if empty[1] else span
        yield fail(
            "structure.section_empty",
            of=key,
            heading=_HEADINGS[key].label,
            says=f"只有“{empty[1]}”" if empty[1] else "没有内容",
            says_en=f"nothing but “{empty[1]}”" if empty[1] else "nothing",
            evidence=[_evidence(words, f"section.{key}", at)],
        )


def _body(words: Words, key: str, span: tuple[int, int]) -> tuple[int, int]:
    """What stands below a section's heading."""
    for wording in (_HEADINGS[key].label, *_HEADINGS[key].variants):
        at = words.norm.find(wording, span[0], min(span[1], span[0] + 60))
        if at >= 0:
            return at + len(wording), span[1]
    stop = words.norm.find("\n", span[0], span[1])
    return (stop if stop >= 0 else span[1]), span[1]


def _sections(case: Case) -> Iterator[tuple[str, Words, tuple[int, int]]]:
    if case.words is not None:
        for key, span in case.words.sections.items():
            if span is not None:
                yield key, case.words, span


_FEE = re.compile(r"处\s*理\s*费|信\s*息\s*公\s*开\s*(?:收\s*费|费\s*用)|(?:收\s*取|收\s*过|收)[^。\n]{0,12}费|收\s*费")


@check("structure.processing_fee")
def processing_fee_said(case: Case) -> Iterator[Outcome]:
    """Section 六 has to speak of the fee; a word on it elsewhere in the narrative counts."""
    if case.words is None or case.form != "2021" or case.words.sections.get("other_matters") is None:
        return
    words = case.words
    start, end = words.sections["other_matters"]  # type: ignore[misc]
    if _FEE.search(words.norm, start, end) or "信息处理费" in words.norm[words.start : words.end]:
        yield PASS
    else:
        yield fail("structure.processing_fee", evidence=[_evidence(words, "section.other_matters", (start, end))])


_PERIOD = re.compile(
    r"(?:统计|数据|期限|时限|报告|所列)[^。;\n]{0,24}?(20[0-3]\d)\s*年\s*1\s*月\s*1\s*日\s*(?:起|零时)?\s*,?\s*(?:至|到|-|起至)"
    r"\s*(?:\1\s*年|同年|当年)?\s*12\s*月\s*31\s*日"
)
_FEE_OF_YEAR = re.compile(
    r"(?<!\d)(20[0-3]\d)\s*年度?[^。;\n《》(〔]{0,16}?(?:收取|收过|收到|产生|发生|信息处理费)[^。;\n]{0,16}"
)


@check("structure.other_year")
def other_year_left(case: Case) -> Iterator[Outcome]:
    """The period of the figures is the report year; the fee of section 六 is not only another year's."""
    words, year = case.words, case.year
    if words is None or year is None:
        return
    periods = list(_PERIOD.finditer(words.norm, words.start, words.end))
    span = words.sections.get("other_matters")
    fees = [m for m in _FEE_OF_YEAR.finditer(words.norm, *span) if "费" in m.group()] if span else []
    for found in (periods, fees):
        if found and all(int(match[1]) != year for match in found):
            yield fail(
                "structure.other_year",
                left=int(found[0][1]),
                right=year,
                printed=found[0][1],
                year=year,
                evidence=[_evidence(words, "year", found[0].span(1))],
            )
            return
    if periods or fees:
        yield PASS


def _evidence(words: Words, of: str, span: tuple[int, int]) -> Evidence:
    start, end = span[0], min(span[1], span[0] + 80)
    return Evidence(of, words.text[start:end], (start, end))
