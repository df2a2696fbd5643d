"""What a body's name tells of its level, where the name leaves no doubt."""

from __future__ import annotations

import re

from extractor.rules.case import Case

_TOWNSHIP = re.compile(r"(?:乡|镇|苏木)(?:人民政府|政府)?$|街道(?:办事处|办|人民政府)?$")
# Cities that are called by a name which ends like a township's.
_CITIES = re.compile(r"^(?:.*省)?(?:新乡|萍乡|宁乡|湘乡|桐乡|景德镇)(?:人民政府|政府)?$")
_OFFICE = r"(?:[一-鿿]{1,24}(?:局|委|委员会|办公室|中心|院|会|所|站|部|大队|支队))?"
_COUNTY = re.compile(rf"[一-鿿](?<![市各该本一两])(?:县(?![域级乡])|自治旗)(?:人民政府|政府)?{_OFFICE}$")
_DISTRICT = re.compile(rf"市[一-鿿]{{1,5}}(?<![治特])区(?:人民政府|政府)?{_OFFICE}$")


def name_of(case: Case) -> str:
    """The body's name without white space, empty where it is not known."""
    return re.sub(r"\s", "", case.organization or "")


def is_township(name: str) -> bool:
    """Whether the name is surely that of a 乡, 镇 or 街道."""
    return bool(_TOWNSHIP.search(name)) and not _CITIES.match(name)


def is_county(name: str) -> bool:
    """Whether the name is surely that of a body of a county or of a district below a city (its bureaus included)."""
    return not is_township(name) and bool(_COUNTY.search(name) or _DISTRICT.search(name))
