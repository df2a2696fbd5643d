"""Markup → a tree, by libxml2's forgiving HTML parser: nothing fetched, no entity expanded, depth bounded."""

from __future__ import annotations

import re
from typing import Any

from extractor.errors import InputError

# libxml2 takes time by the square of a tag's attributes: 80,000 of them take ten seconds.
_CROWDED = re.compile(
    r"""<[a-zA-Z][^\s<>/]*+(?:[\s/]*+[^\s>/][^\s=>/]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>]*+))?+){2000}"""
)
_SMALL = 100_000  # characters, too few for harm


def parse(markup: str) -> Any:
    """The root of a page; None for one without an element. Errors: InputError `malformed` (nested too deep)."""
    from lxml import etree

    if len(markup) > _SMALL and _CROWDED.search(markup):
        raise InputError("malformed", "A tag of the page has thousands of attributes.", "Keep only the report.")
    # huge_tree lifts libxml2's depth limit from 256, which real pages of unclosed <span> pass, to 2048.
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True, recover=True
    )
    data = markup.replace("\x00", " ").replace("\ufeff", "").encode("utf-8", "replace")
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return None
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        raise InputError(
            "malformed", "The page is nested deeper than any real page.", "Open it in a browser and save it as text."
        )
    return root
