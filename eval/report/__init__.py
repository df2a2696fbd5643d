"""The evaluation as one HTML page: no script, no request, readable from a file, on paper, in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from extractor.eval.report.numbers import clean
from extractor.eval.report.view import view_of
from jinja2 import DictLoader, Environment, StrictUndefined, Template
from markupsafe import Markup

__all__ = ["render"]


def render(figures: Mapping[str, Any], documents: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> str:
    """The page of a run: `figures` by system, `documents` and `run` as the run's file holds them.

    Everything in it comes from documents that nobody vouches for, so everything is escaped, characters that act on
    the page are shown by pictures, and the page's own policy forbids scripts and requests.
    """
    return _template().render(view=view_of(figures, documents, run))


@lru_cache(maxsize=1)
def _template() -> Template:
    folder = files("extractor.eval.report")
    names = ("page.html.j2", "macros.html.j2")
    environment = Environment(
        loader=DictLoader({name: (folder / name).read_text(encoding="utf-8") for name in names}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.globals["style"] = Markup((folder / "style.css").read_text(encoding="utf-8"))
    return environment.get_template("page.html.j2")


def _finalize(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
