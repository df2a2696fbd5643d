"""One object on one line, for every reader of JSON Lines; apart from `lines`, which brings the store with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


def dump(line: Mapping[str, Any]) -> str:
    """A line as JSON on one line of text that every reader takes for one; lone surrogates in JSON's own escapes."""
    return _ESCAPE.sub(lambda match: f"\\u{ord(match.group()):04x}", json.dumps(line, ensure_ascii=False))


_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
