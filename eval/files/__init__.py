"""Generated reports as the files people have: an HTML sample of the generator made into another format.

Each module `NAME.py` has `make(html: str, rng: Random) -> bytes`: the page's paragraphs and tables (spans included)
in that format, in a way that the seed chooses. What is on paper stays what the HTML sample says.
"""

from __future__ import annotations

from importlib import import_module
from random import Random

# Family of the fuzzer → suffix of its files.
FILE_FAMILIES = {"docx": "docx", "xlsx": "xlsx", "pdf": "pdf", "mhtml": "mhtml"}


def make_file(family: str, html: str, seed: int) -> bytes:
    """The bytes of a file of `family` that shows what `html` shows; the same arguments give the same bytes."""
    module = import_module(f"extractor.eval.files.{family}")
    made: bytes = module.make(html, Random(f"{family}:{seed}"))
    return made


def missing(family: str) -> str:
    """The program that making files of `family` needs and this machine lacks; empty where nothing is missing."""
    if family not in FILE_FAMILIES:
        return ""
    lacks = getattr(import_module(f"extractor.eval.files.{family}"), "missing", str)
    return str(lacks())
