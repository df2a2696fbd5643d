"""The pages' words in Chinese and English (words/*.toml), and which of them a person gets."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import Request

COOKIE = "gouji-lang"
LANGUAGES = ("zh", "en")


class Words:
    """`words("queue.title", n=3)` gives the words under that key, with what stands in braces filled in."""

    def __init__(self, language: str, texts: dict[str, str]) -> None:
        self.language, self._texts = language, texts

    @property
    def tag(self) -> str:
        """The language as HTML's `lang` says it."""
        return {"zh": "zh-Hans"}.get(self.language, self.language)

    def __call__(self, key: str, /, **values: Any) -> str:
        """Errors: KeyError where the key is unknown or a value is left out."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def section(self, name: str) -> dict[str, str]:
        """All words of one section, by the rest of their key."""
        head = f"{name}."
        return {key.removeprefix(head): text for key, text in self._texts.items() if key.startswith(head)}


@lru_cache(maxsize=len(LANGUAGES))
def words_of(language: str) -> Words:
    """The words of one of LANGUAGES."""
    text = (files("extractor.service.pages") / "words" / f"{language}.toml").read_text(encoding="utf-8")
    flat = {
        f"{section}.{key}": words for section, entries in tomllib.loads(text).items() for key, words in entries.items()
    }
    return Words(language, flat)


def language_of(request: Request) -> str:
    """What the cookie says, else the first of the browser's languages that there is, else Chinese."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    asked = []
    for part in request.headers.get("accept-language", "")[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            asked.append((-float(weight or 1), tag.lower().partition("-")[0]))
        except ValueError:
            continue
    return next((tag for _, tag in sorted(asked, key=lambda one: one[0]) if tag in LANGUAGES), LANGUAGES[0])
