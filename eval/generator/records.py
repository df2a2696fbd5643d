"""Random true records: every equation of the form holds, whatever the size of the body."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from extractor.form import DISPUTE_BLOCKS, FORM, GROUPS, REQUEST_COLUMNS, REQUEST_ROWS, group_all

Value = int | Decimal

APPLICANTS = REQUEST_COLUMNS[:-1]
OUTCOMES = tuple(
    row for row in REQUEST_ROWS if row not in ("new_received", "carried_in", "total_processed", "carried_out")
)
SIZES = ("zero", "tiny", "small", "county", "city")

_FIRST = "青临安宁永新平清东西南北长吉兴华昌德文武石金玉龙凤白云高丰和顺"
_SECOND = "江阳山川源水河原城丘泉岭湖州化泰远康陵田口林"
_OFFICES = (
    "教育局",
    "民政局",
    "财政局",
    "水利局",
    "自然资源局",
    "人力资源和社会保障局",
    "交通运输局",
    "卫生健康局",
    "审计局",
)


@dataclass(slots=True)
class Record:
    """A true report: `values` has every cell path of the form version plus the four `<group>.all` rows."""

    form: str
    requests_form: str
    year: int
    organization: str
    size: str
    values: dict[str, Value] = field(default_factory=dict)
    fee_unit: str = "万元"
    procurement_unit: str | None = None

    def count(self, path: str) -> int:
        """A count cell as an int."""
        return int(self.values[path])


def organization(rng: Random) -> str:
    """An invented body: a place with its rank, sometimes an office of it."""
    place = rng.choice(_FIRST) + rng.choice(_SECOND)
    rank = rng.choice(("县", "县", "市", "区", "镇", "乡", "街道", "州"))
    if rank in "镇乡":
        name = rng.choice(_FIRST) + rng.choice(_SECOND) + "县" + place + rank
    else:
        name = place + rank
    kind = rng.random()
    if kind < 0.3:
        return name
    if kind < 0.6:
        return name + ("办事处" if rank == "街道" else "人民政府")
    if kind < 0.75 and rank in "县市区":
        return name + "人民政府办公室"
    return name + rng.choice(_OFFICES) if rank in "县市区" else name


def random_record(rng: Random, form: str | None = None, requests_form: str | None = None) -> Record:
    """One record; `form` is the version of table 2, `requests_form` that of table 3 (by default the same)."""
    form = form or ("2019" if rng.random() < 0.18 else "2021")
    if rng.random() < 0.93:
        year = rng.choice((2019, 2020)) if form == "2019" else rng.choice((2021, 2022, 2023, 2024, 2024, 2025))
    else:
        year = rng.randint(2019, 2025)
    size = rng.choices(SIZES, (18, 22, 26, 24, 10))[0]
    record = Record(form, requests_form or form, year, organization(rng), size)
    _requests(rng, record)
    _disputes(rng, record)
    _disclosure(rng, record)
    return record


def _split(rng: Random, total: int, weights: list[float]) -> list[int]:
    """`total` things thrown into boxes by weight; large totals by shares."""
    counts = [0] * len(weights)
    if total > 400:
        scale = sum(weights)
        for i, weight in enumerate(weights):
            counts[i] = int(total * weight / scale * rng.uniform(0.6, 1.0))
        counts[max(range(len(weights)), key=weights.__getitem__)] += total - sum(counts)
        return counts
    for i in rng.choices(range(len(weights)), weights, k=total):
        counts[i] += 1
    return counts


def _requests(rng: Random, record: Record) -> None:
    bounds = {"zero": (0, 0), "tiny": (1, 3), "small": (2, 20), "county": (20, 160), "city": (160, 6000)}
    processed = rng.randint(*bounds[record.size])
    dense = rng.random() < 0.4
    columns = [rng.uniform(5, 40)] + [
        rng.uniform(0.2, 2.0) if dense or rng.random() < 0.35 else 0.0 for _ in APPLICANTS[1:]
    ]
    rows = [
        rng.uniform(3, 12)
        if row in ("granted", "unavailable.not_held")
        else rng.uniform(0.2, 3)
        if dense or rng.random() < 0.35
        else 0.0
        for row in OUTCOMES
    ]
    if not any(rows):
        rows[0] = 1.0
    by_column = _split(rng, processed, columns)
    values = record.values
    for column, n in zip(APPLICANTS, by_column, strict=True):
        shares = _split(rng, n, [weight * rng.uniform(0.3, 1.7) for weight in rows])
        for row, share in zip(OUTCOMES, shares, strict=True):
            values[f"requests.{row}.{column}"] = share
        carried_out = rng.randint(0, max(1, n // 8)) if n and rng.random() < 0.4 else 0
        carried_in = rng.randint(0, max(1, n // 8)) if n and rng.random() < 0.35 else 0
        carried_in = min(carried_in, n + carried_out)
        values[f"requests.total_processed.{column}"] = n
        values[f"requests.carried_out.{column}"] = carried_out
        values[f"requests.carried_in.{column}"] = carried_in
        values[f"requests.new_received.{column}"] = n + carried_out - carried_in
        for group, members in GROUPS.items():
            values[f"requests.{group_all(group)}.{column}"] = sum(
                int(values[f"requests.{row}.{column}"]) for row in members
            )
    for row in (*REQUEST_ROWS, *map(group_all, GROUPS)):
        values[f"requests.{row}.total"] = sum(int(values[f"requests.{row}.{column}"]) for column in APPLICANTS)


def _disputes(rng: Random, record: Record) -> None:
    top = {"zero": 0, "tiny": 1, "small": 3, "county": 20, "city": 300}[record.size]
    for block in DISPUTE_BLOCKS:
        busy = top and rng.random() < 0.6
        parts = [rng.randint(0, top) if busy and rng.random() < 0.55 else 0 for _ in range(4)]
        for name, n in zip(("upheld", "corrected", "other", "pending"), parts, strict=True):
            record.values[f"{block}.{name}"] = n
        record.values[f"{block}.total"] = sum(parts)


def amount(rng: Random, record: Record) -> Decimal:
    """An amount of money: nil, whole, or with one to six decimals."""
    scale = {"zero": 10, "tiny": 100, "small": 2000, "county": 40000, "city": 3000000}[record.size]
    if rng.random() < (0.8 if record.size == "zero" else 0.35):
        return Decimal(0)
    digits = rng.choice((0, 0, 1, 2, 2, 2, 4, 6))
    whole = rng.randint(0, scale)
    if not digits:
        return Decimal(whole)
    return Decimal(f"{whole}.{rng.randint(0, 10**digits - 1):0{digits}d}")


def _disclosure(rng: Random, record: Record) -> None:
    big = {"zero": 0, "tiny": 12, "small": 400, "county": 30000, "city": 900000}[record.size]
    for row in FORM.disclosure_rows(record.form):
        for name in row.fields[record.form]:
            path = f"disclosure.{row.key}.{name}"
            kind = FORM.fields[name].kind
            if kind == "amount":
                record.values[path] = amount(rng, record)
            elif kind == "signed":
                record.values[path] = rng.choice((0, 0, 0, rng.randint(1, 40), -rng.randint(1, 40)))
            elif row.key in ("regulations", "normative_documents"):
                few = 0 if row.key == "regulations" and rng.random() < 0.8 else min(big, rng.choice((0, 3, 30, 200)))
                record.values[path] = rng.randint(0, few)
            else:
                record.values[path] = rng.choice((0, rng.randint(0, big), rng.randint(0, max(1, big // 100))))
    record.fee_unit = "元" if rng.random() < 0.06 else "万元"
    record.procurement_unit = rng.choice(("万元", "元", None, None))


def paths_of(record: Record, printed_groups: frozenset[str], without: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """The cell paths by table that this record can print, in print order."""
    disclosure = tuple(
        f"disclosure.{row.key}.{name}" for row in FORM.disclosure_rows(record.form) for name in row.fields[record.form]
    )
    requests = tuple(
        f"requests.{row}.{column}" for row in printed_rows(printed_groups, without) for column in REQUEST_COLUMNS
    )
    disputes = tuple(f"{block}.{c.key}" for block in DISPUTE_BLOCKS for c in FORM.dispute_columns)
    return {"disclosure": disclosure, "requests": requests, "disputes": disputes}


def printed_rows(printed_groups: frozenset[str], without: frozenset[str]) -> tuple[str, ...]:
    """Row keys of table 3 in print order; groups in `without` print their group row only."""
    rows: list[str] = []
    for key in REQUEST_ROWS:
        group = key.split(".")[0] if "." in key else ""
        if group in printed_groups and group_all(group) not in rows:
            rows.append(group_all(group))
        if group not in without:
            rows.append(key)
    return tuple(rows)
