"""Small whole reports with random true figures, about 3 KB each: cheap to make by the hundred thousand."""

from __future__ import annotations

from random import Random

from extractor.eval.generator.records import Record, random_record

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, GROUPS, REQUEST_COLUMNS

LAYOUTS = ("tabs", "pipes", "glued")
_SEPARATORS = {"tabs": "\t", "pipes": " | ", "glued": ""}


def paper(seed: int, layout: str, *, empty: bool = False) -> str:
    """The report of a seed in one of LAYOUTS; `empty`: all its figures are 0. The same arguments give the same text."""
    record = random_record(Random(f"paper:{seed}"), "2021")
    if empty:
        record.values = dict.fromkeys(record.values, 0)
    record.year = 2015 + seed % 12
    between = _SEPARATORS[layout]
    end_of_row = "" if layout == "glued" else "\n"
    lines = [
        f"{record.organization}{record.year}年政府信息公开工作年度报告",
        "一、总体情况",
        f"{record.year}年，{record.organization}依法公开政府信息{seed % 977}条。",
        f"二、{FORM.sections[1].label}",
        end_of_row.join(_disclosure(record, between)),
        f"三、{FORM.sections[2].label}",
        end_of_row.join(_requests(record, between)),
        f"四、{FORM.sections[3].label}",
        end_of_row.join(_disputes(record, between)),
        f"五、{FORM.sections[4].label}",
        "公开不够及时，将改进。",
        f"六、{FORM.sections[5].label}",
        "无。",
    ]
    return "\n".join(lines) + "\n"


def _disclosure(record: Record, between: str) -> list[str]:
    lines: list[str] = []
    previous: tuple[str, ...] = ()
    for row in FORM.disclosure_rows(record.form):
        names = row.fields[record.form]
        if names != previous:
            lines.append(between.join(["信息内容", *(FORM.fields[name].label.label for name in names)]))
            previous = names
        figures = [str(record.values[f"disclosure.{row.key}.{name}"]) for name in names]
        lines.append(between.join([row.label.label, *figures]))
    return lines


def _requests(record: Record, between: str) -> list[str]:
    lines = [between.join(["申请人情况", *(column.label for column in FORM.columns)])]
    open_group = ""
    for row in FORM.rows:
        label = f"{row.ordinal}{'' if row.ordinal.startswith('（') else '、' if not row.group else '.'}{row.label}"
        if row.key == "granted":
            label = f"三、本年度办理结果{between}{label}"
        if row.group != open_group:
            open_group = row.group
            group = next((g for g in FORM.groups if g.key == row.group and row.group in GROUPS), None)
            label = f"（{group.ordinal}）{group.label}{between}{label}" if group else label
        lines.append(between.join([label, *(str(record.values[f"requests.{row.key}.{c}"]) for c in REQUEST_COLUMNS)]))
    return lines


def _disputes(record: Record, between: str) -> list[str]:
    heads = [column.label for column in FORM.dispute_columns]
    figures = [str(record.values[f"{block}.{column}"]) for block in DISPUTE_BLOCKS for column in DISPUTE_COLUMNS]
    return [
        between.join([FORM.blocks[0].label, "行政诉讼"]),
        between.join(block.label for block in FORM.blocks[1:]),
        between.join(heads * 3),
        between.join(figures),
    ]
