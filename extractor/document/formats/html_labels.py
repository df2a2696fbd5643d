"""Which of the form's three tables a page's words could be: to tell the report from what else a page carries."""

from __future__ import annotations

from functools import lru_cache

from extractor.document.normalize import normalize
from extractor.form import FORM, fold

_MOST = 5_000_000  # characters looked at
# How many different labels of a table make it one: narrative names some of them too.
_ENOUGH = {"disclosure": 3, "requests": 5, "disputes": 3}


@lru_cache(maxsize=1)
def _labels() -> dict[str, tuple[tuple[str, ...], ...]]:
    tables = {
        "disclosure": [field.label for field in FORM.fields.values()],
        "requests": list(FORM.rows),
        "disputes": list(FORM.dispute_columns),
    }
    # 其他 and 总计 stand in any text.
    return {
        table: tuple(words for label in labels if (words := tuple(w for w in label.wordings if len(w) > 3)))
        for table, labels in tables.items()
    }


def tables_in(text: str) -> frozenset[str]:
    """The tables of the form (`disclosure`, `requests`, `disputes`) whose labels stand in the text."""
    folded = fold(normalize(text[:_MOST]))
    found = set()
    for table, labels in _labels().items():
        counts = [max(folded.count(word) for word in words) for words in labels]
        # Table 4 names its columns three times; narrative says 结果维持、结果纠正 once.
        if sum(count > 0 for count in counts) >= _ENOUGH[table] and (table != "disputes" or sum(counts) >= 6):
            found.add(table)
    return frozenset(found)
