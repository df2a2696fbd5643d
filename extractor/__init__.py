"""gouji (勾稽): Chinese government-information yearly reports as records whose every number is proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extractor.files import extract_file
    from extractor.pipeline import extract, extract_all
    from extractor.results import Cell, Finding, Result

__version__ = "0.1.0"
__all__ = ["Cell", "Finding", "Result", "__version__", "extract", "extract_all", "extract_file"]


def __getattr__(name: str) -> Any:
    # Late, so that `import extractor` and `gouji --help` stay quick.
    if name in ("extract", "extract_all"):
        from extractor import pipeline

        return getattr(pipeline, name)
    if name == "extract_file":
        from extractor.files import extract_file

        return extract_file
    if name in ("Cell", "Finding", "Result"):
        from extractor import results

        return getattr(results, name)
    raise AttributeError(name)
