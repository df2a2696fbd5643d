"""The form as data: keys, labels, equations and the record's model agree with each other and with FORM."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import DISCLOSURE_FIELDS
from pydantic import ValidationError

from extractor.form import (
    DISPUTE_BLOCKS,
    DISPUTE_COLUMNS,
    FORM,
    GROUPS,
    REQUEST_COLUMNS,
    REQUEST_ROWS,
    cell_paths,
    equations,
    fold,
    group_all,
)
from extractor.pipeline import extract_all
from extractor.record import record_model, validate_record

# The public names, as FORM prints them; changed only by an issue.
COLUMNS = (
    "natural_person", "business", "research_institution", "social_organization", "legal_service",
    "other_organization", "total",
)  # fmt: skip
ROWS = {
    "new_received": "本年新收政府信息公开申请数量",
    "carried_in": "上年结转政府信息公开申请数量",
    "granted": "予以公开",
    "granted_in_part": "部分公开",
    "denied.state_secret": "属于国家秘密",
    "denied.prohibited_by_law": "其他法律行政法规禁止公开",
    "denied.security_and_stability": "危及“三安全一稳定”",
    "denied.third_party_rights": "保护第三方合法权益",
    "denied.internal_affairs": "属于三类内部事务信息",
    "denied.process_information": "属于四类过程性信息",
    "denied.enforcement_file": "属于行政执法案卷",
    "denied.administrative_inquiry": "属于行政查询事项",
    "unavailable.not_held": "本机关不掌握相关政府信息",
    "unavailable.needs_creation": "没有现成信息需要另行制作",
    "unavailable.unclear_after_correction": "补正后申请内容仍不明确",
    "not_processed.petition": "信访举报投诉类申请",
    "not_processed.duplicate": "重复申请",
    "not_processed.publication": "要求提供公开出版物",
    "not_processed.excessive": "无正当理由大量反复申请",
    "not_processed.confirm_or_reissue": "要求行政机关确认或重新出具已获取信息",
    "other.not_corrected": "申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请",
    "other.fee_unpaid": "申请人逾期未按收费通知要求缴纳费用、行政机关不再处理其政府信息公开申请",
    "other.other": "其他",
    "total_processed": "总计",
    "carried_out": "结转下年度继续办理",
}
DISCLOSURE: dict[str, dict[str, tuple[str, ...]]] = {
    "2021": DISCLOSURE_FIELDS,
    "2019": {
        "regulations": ("made", "published", "public_total"),
        "normative_documents": ("made", "published", "public_total"),
        "licensing": ("previous_items", "change", "decisions"),
        "other_services": ("previous_items", "change", "decisions"),
        "penalties": ("previous_items", "change", "decisions"),
        "coercion": ("previous_items", "change", "decisions"),
        "fees": ("previous_items", "change"),
        "procurement": ("items", "amount"),
    },
}
FIELDS = {
    "issued": "本年制发件数", "repealed": "本年废止件数", "in_force": "现行有效件数", "made": "本年新制作数量",
    "published": "本年新公开数量", "public_total": "对外公开总数量", "previous_items": "上一年项目数量",
    "change": "本年增/减", "decisions": "处理决定数量", "items": "采购项目数量", "amount": "本年收费金额",
}  # fmt: skip
BLOCKS = ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
OUTCOMES = {"upheld": "结果维持", "corrected": "结果纠正", "other": "其他结果", "pending": "尚未审结", "total": "总计"}


def test_rows_and_columns_of_table_3() -> None:
    assert REQUEST_COLUMNS == COLUMNS
    assert tuple(ROWS) == REQUEST_ROWS
    for row in FORM.rows:
        assert fold(row.label).startswith(fold(ROWS[row.key]))


def test_blocks_of_table_4() -> None:
    assert DISPUTE_BLOCKS == BLOCKS
    assert tuple(OUTCOMES) == DISPUTE_COLUMNS
    assert {column.key: column.label for column in FORM.dispute_columns} == OUTCOMES


@pytest.mark.parametrize("version", DISCLOSURE)
def test_rows_of_table_2(version: str) -> None:
    assert {row.key: row.fields[version] for row in FORM.disclosure_rows(version)} == DISCLOSURE[version]


def test_fields_of_table_2() -> None:
    assert {key: field.label.label for key, field in FORM.fields.items()} == FIELDS
    kinds = {key: field.kind for key, field in FORM.fields.items()}
    assert {key for key, kind in kinds.items() if kind != "count"} == {"change", "amount"}
    assert (kinds["change"], kinds["amount"]) == ("signed", "amount")


def test_groups() -> None:
    assert {
        group: tuple(key for key in ROWS if key.startswith(f"{group}."))
        for group in ("denied", "unavailable", "not_processed", "other")
    } == GROUPS
    assert [len(rows) for rows in GROUPS.values()] == [8, 3, 5, 3]


@pytest.mark.parametrize(("version", "cells"), [("2021", 10 + 175 + 15), ("2019", 22 + 175 + 15)])
def test_number_of_cells(version: str, cells: int) -> None:
    paths = [path for table in cell_paths(version).values() for path in table]
    assert len(paths) == len(set(paths)) == cells


# ---------------------------------------------------------------- equations


NONE: frozenset[str] = frozenset()
ONLY_OTHER = frozenset({"other"})


@pytest.mark.parametrize(
    ("printed", "without", "number"),
    [
        (NONE, NONE, 42),
        # （六） as one row: 23 rows in place of 25.
        (ONLY_OTHER, ONLY_OTHER, 40),
        # A group's row beside its sub-rows: 7 sums more, and its own row.
        (ONLY_OTHER, NONE, 42 + 7 + 1),
        (frozenset(GROUPS), frozenset(GROUPS), 42 - 19 + 4),
    ],
    ids=["2021", "other.all alone", "other.all beside its rows", "groups alone"],
)
def test_number_of_equations(printed: frozenset[str], without: frozenset[str], number: int) -> None:
    made = equations(printed, without)
    assert len(made) == len({equation.code for equation in made}) == number
    known = {path for table in cell_paths("2021", printed).values() for path in table}
    for equation in made:
        assert set(equation.cells) <= known
        assert len(set(equation.cells)) == len(equation.cells)
        assert not any(path.startswith("disclosure.") for path in equation.cells)


def test_42_equations_over_190_cells() -> None:
    made = equations()
    kinds = [equation.code.rpartition(".")[0].split(".")[:2] for equation in made]
    assert sum(kind == ["requests", "balance"] for kind in kinds) == 7
    assert sum(kind == ["requests", "outcomes"] for kind in kinds) == 7
    assert sum(equation.code.startswith("requests.applicants.") for equation in made) == 25
    assert {equation.code for equation in made if not equation.code.startswith("requests.")} == {
        f"{block}.sum" for block in BLOCKS
    }
    assert len({path for equation in made for path in equation.cells}) == 190


EQUATIONS = {
    "requests.balance.business": (
        {"requests.new_received.business", "requests.carried_in.business"},
        {"requests.total_processed.business", "requests.carried_out.business"},
    ),
    "requests.applicants.granted": (
        {f"requests.granted.{column}" for column in COLUMNS[:6]},
        {"requests.granted.total"},
    ),
    "requests.outcomes.total": (
        {f"requests.{row}.total" for row in list(ROWS)[2:23]},
        {"requests.total_processed.total"},
    ),
    "requests.applicants.denied.state_secret": (
        {f"requests.denied.state_secret.{column}" for column in COLUMNS[:6]},
        {"requests.denied.state_secret.total"},
    ),
    "litigation_direct.sum": (
        {f"litigation_direct.{column}" for column in ("upheld", "corrected", "other", "pending")},
        {"litigation_direct.total"},
    ),
}


@pytest.mark.parametrize("code", EQUATIONS)
def test_equation(code: str) -> None:
    (equation,) = [equation for equation in equations() if equation.code == code]
    left, right = EQUATIONS[code]
    assert (set(equation.left), set(equation.right)) in ((left, right), (right, left))
    assert equation.words


def test_a_group_alone_stands_for_its_rows() -> None:
    made = {equation.code: equation for equation in equations(frozenset({"denied"}), frozenset({"denied"}))}
    outcomes = made["requests.outcomes.total"]
    assert "requests.denied.all.total" in outcomes.cells
    assert not any(path.startswith("requests.denied.") and ".all." not in path for path in outcomes.cells)
    assert "requests.applicants.denied.all" in made
    assert "requests.applicants.denied.state_secret" not in made
    assert not any(code.startswith("requests.groups.") for code in made)


def test_a_group_beside_its_rows_is_their_sum() -> None:
    made = {equation.code: equation for equation in equations(frozenset({"denied"}))}
    group = made["requests.groups.denied.business"]
    assert set(group.cells) == {f"requests.{row}.business" for row in (*GROUPS["denied"], "denied.all")}
    assert "requests.denied.all.total" not in made["requests.outcomes.total"].cells


# ---------------------------------------------------------------- labels


TABLE_LABELS = {
    "requests rows": [*FORM.rows, *FORM.groups],
    "disclosure rows": [row.label for row in FORM.disclosure],
    "disclosure fields": [field.label for field in FORM.fields.values()],
    "requests columns": list(FORM.columns),
    "dispute columns": list(FORM.dispute_columns),
    "blocks": list(FORM.blocks),
    "sections": list(FORM.sections),
}


@pytest.mark.parametrize("name", TABLE_LABELS)
def test_no_wording_names_two_labels_of_a_table(name: str) -> None:
    owners: dict[str, set[str]] = {}
    for label in TABLE_LABELS[name]:
        for wording in label.wordings:
            owners.setdefault(wording, set()).add(label.key)
    assert {wording: keys for wording, keys in owners.items() if len(keys) > 1} == {}


@pytest.mark.parametrize("label", [row for row in FORM.rows if row.head], ids=lambda label: label.key)
def test_a_head_is_enough_to_know_its_row(label: Any) -> None:
    head = fold(label.label)[: label.head]
    assert len(head) == label.head
    others = [
        (other.key, wording)
        for other in [*FORM.rows, *FORM.groups]
        for wording in other.wordings
        if other.key != label.key and wording.startswith(head)
    ]
    # 3.其他 and （七）总计 are whole words that other labels begin with; where they stand tells them apart.
    if label.key in ("other.other", "total_processed"):
        assert head in ("其他", "总计")
    else:
        assert others == []


def test_every_row_has_a_head_and_an_ordinal() -> None:
    assert [row.key for row in FORM.rows if not (row.head and row.ordinal)] == []


@pytest.mark.parametrize("group", GROUPS)
def test_ordinals_count_up_within_a_group(group: str) -> None:
    assert [row.ordinal for row in FORM.rows if row.group == group] == [str(n + 1) for n in range(len(GROUPS[group]))]


def test_words_name_every_cell() -> None:
    names = [FORM.words(p) for paths in cell_paths("2021", frozenset(GROUPS)).values() for p in paths]
    assert len(set(names)) == len(names)
    assert FORM.words("requests.granted.total") == "（一）予以公开 · 总计"
    assert FORM.words("disclosure.procurement.amount") == "政府集中采购 · 采购总金额"
    assert FORM.words("disclosure.fees.amount") == "行政事业性收费 · 本年收费金额"
    assert "其他法律行政法规禁止公开" in FORM.words("requests.denied.prohibited_by_law.business")


# ---------------------------------------------------------------- the record's model


def blank_record(version: str, groups: frozenset[str] = NONE) -> dict[str, Any]:
    record: dict[str, Any] = {
        "form": version, "organization": None, "year": None, "title": None, "sections": {}, "disclosure": {},
        "requests": {},
    }  # fmt: skip
    for row in FORM.disclosure_rows(version):
        record["disclosure"][row.key] = dict.fromkeys(row.fields[version])
        if "amount" in row.fields[version]:
            record["disclosure"][row.key]["unit"] = None
    for key in (*REQUEST_ROWS, *map(group_all, groups)):
        record["requests"][key] = dict.fromkeys(COLUMNS)
    for block in BLOCKS:
        record[block] = dict.fromkeys(OUTCOMES)
    return record


@pytest.mark.parametrize("version", ["2021", "2019"])
@pytest.mark.parametrize("groups", [NONE, frozenset(GROUPS)], ids=["no groups", "all groups"])
def test_the_model_takes_a_whole_record(version: str, groups: frozenset[str]) -> None:
    dumped = validate_record(blank_record(version, groups)).model_dump(by_alias=True)
    paths = {
        f"{table}.{row}.{cell}"
        for table in ("disclosure", "requests")
        for row, cells in dumped[table].items()
        for cell in cells or ()
        if cell != "unit"
    } | {f"{block}.{cell}" for block in BLOCKS for cell in dumped[block]}
    assert paths == {path for table in cell_paths(version, groups).values() for path in table}


def change(record: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return record


@pytest.mark.parametrize(
    ("version", "path", "value"),
    [
        ("2021", ("requests", "granted", "total"), -1),
        ("2021", ("requests", "granted", "total"), 1.5),
        ("2021", ("requests", "granted", "total"), "3"),
        ("2021", ("requests", "granted", "people"), 1),
        ("2021", ("requests", "no_such_row"), dict.fromkeys(COLUMNS)),
        ("2021", ("disclosure", "fees", "amount"), "-2"),
        ("2021", ("disclosure", "licensing", "change"), 1),
        ("2021", ("reconsideration", "total"), -4),
        ("2021", ("form",), "2015"),
        ("2019", ("disclosure", "licensing", "decisions"), -1),
    ],
    ids=str,
)
def test_the_model_refuses(version: str, path: tuple[str, ...], value: Any) -> None:
    validate_record(blank_record(version))
    with pytest.raises((ValidationError, ValueError, KeyError)):
        validate_record(change(blank_record(version), path, value))


@pytest.mark.parametrize("row", ROWS)
def test_the_model_asks_for_every_row(row: str) -> None:
    record = blank_record("2021")
    del record["requests"][row]
    with pytest.raises(ValidationError):
        validate_record(record)


def test_changes_may_be_negative_and_amounts_are_exact() -> None:
    record = blank_record("2019")
    record["disclosure"]["licensing"]["change"] = -16
    record["disclosure"]["procurement"]["amount"] = "3204.550"
    dumped = validate_record(record).model_dump(mode="json", by_alias=True)
    assert dumped["disclosure"]["licensing"]["change"] == -16
    assert dumped["disclosure"]["procurement"]["amount"] == "3204.550"


def test_the_model_has_a_schema() -> None:
    schema = record_model("2021").model_json_schema()
    assert {"form", "disclosure", "requests", *BLOCKS} <= schema["properties"].keys()


def test_a_real_record_is_valid() -> None:
    import helpers

    (result,) = extract_all(helpers.report())
    assert result.record is not None
    validate_record(result.record)
