"""The pages' words and colours, their static files, text that acts on a page: without a browser."""

from __future__ import annotations

import re
import string
import tomllib
from importlib.resources import files

import pytest

from extractor.rules.catalogue import catalogue
from extractor.service.pages.html import static_file, static_files
from extractor.service.pages.shown import plainly, shown
from extractor.service.pages.source import WINDOW, Mark, window_of
from extractor.service.pages.words import LANGUAGES, words_of

PAGES = files("extractor.service.pages")
TEMPLATES = sorted(entry.name for entry in (PAGES / "templates").iterdir() if entry.name.endswith(".html"))


def template(name: str) -> str:
    return (PAGES / "templates" / name).read_text(encoding="utf-8")


def words(language: str) -> dict[str, str]:
    raw = tomllib.loads((PAGES / "words" / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": text for section, entries in raw.items() for key, text in entries.items()}


def holes(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


def test_both_languages_have_the_same_words_with_the_same_holes() -> None:
    zh, en = (words(language) for language in LANGUAGES)
    assert zh.keys() == en.keys()
    assert [key for key in zh if holes(zh[key]) != holes(en[key])] == []
    assert [key for key in en if not en[key].strip() and key != "document.done"] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_no_words_of_its_own(name: str) -> None:
    named = re.sub(r"{% block kind %}\w+{% endblock %}", " ", template(name))  # a class of the style sheet
    bare = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", named, flags=re.DOTALL)
    bare = re.sub(r"<(code|kbd)\b[^>]*>.*?</\1>", " ", bare, flags=re.DOTALL)  # a command, a key
    bare = re.sub(r"<!doctype html>|<[a-zA-Z/][^<>]*>", " ", bare)
    assert re.findall(r"[^\W\d_]{2,}", bare) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_neither_script_nor_style_in_it(name: str) -> None:
    text = template(name)
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", text)
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text) == []
    assert "<style" not in text


def test_every_word_that_a_template_names_is_there() -> None:
    known = words("en")
    for name in TEMPLATES:
        for key, more in re.findall(r"\bt\('([a-z_.]+)'( ~)?", template(name)):
            assert key in known or (more and any(word.startswith(key) for word in known)), f"{name}: {key}"


def test_every_word_is_used() -> None:
    code = "".join(template(name) for name in TEMPLATES)
    code += "".join(e.read_text(encoding="utf-8") for e in PAGES.iterdir() if e.name.endswith(".py"))
    scripts = "".join(data.decode() for name, data in static_files()[1].items() if name.endswith(".js"))
    by_name = {
        "verdict",
        "progress",
        "state",
        "method",
        "action",
        "severity",
        "blame",
        "problem",
        "keys",
        "help",
        "languages",
    }
    by_name |= {"document", "nav", "overview", "history"}
    for key in words("en"):
        section, _, name = key.partition(".")
        used = f"'{key}'" in code or f'"{key}"' in code or section in by_name
        assert used or (section == "script" and f"words.{name}" in scripts), key


def test_the_rules_that_a_finding_may_name_have_words_in_both_languages() -> None:
    assert [rule.code for rule in catalogue().values() if not rule.zh or not rule.en] == []


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9", "en"),
        ("fr,en;q=0.2,zh;q=0.1", "en"),
        ("", "zh"),
        ("x;q=y", "zh"),
    ],
)
def test_the_language_is_the_browsers_first_that_there_is(asked: str, language: str) -> None:
    from starlette.requests import Request

    from extractor.service.pages.words import language_of

    scope = {"type": "http", "headers": [(b"accept-language", asked.encode())]}
    assert language_of(Request(scope)) == language
    assert words_of(language).language == language


# ------------------------------------------------------------------------------- colours


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# Which text stands on which paper.
PAIRS = [
    *((ink, paper) for ink in ("ink", "soft", "accent") for paper in ("paper", "card", "faint")),
    *(("ink", paper) for paper in ("mark", "here", "warn-paper", "bad-paper", "human-paper")),
    *((ink, f"{ink}-paper") for ink in ("good", "warn", "bad", "human")),
    *(("soft", paper) for paper in ("human-paper",)),
    ("on-accent", "accent"), ("accent", "warn-paper"), ("human", "warn-paper"), ("bad", "card"), ("human", "card"),
]  # fmt: skip


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_its_paper(scheme: int) -> None:
    style = static_files()[1]["page.css"].decode()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[0]))
    colours = {**light, **(dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[1])) if scheme else {})}
    poor = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in PAIRS}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


# ------------------------------------------------------------------------------- static files, text


def test_a_static_file_may_be_kept_for_good_under_its_hash() -> None:
    from extractor.service.api.problems import Problem

    version, found = static_files()
    answer = static_file(version, "review.js")
    assert answer.body == found["review.js"]
    assert "immutable" in answer.headers["cache-control"]
    for wrong in (("0" * 16, "review.js"), (version, "../routes.py"), (version, "nothing.js")):
        with pytest.raises(Problem):
            static_file(*wrong)


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("<b>&", "&lt;b&gt;&amp;"),
        ("a\u202eb", 'a<span class="code" title="U+202E RIGHT-TO-LEFT OVERRIDE">U+202E</span>b'),
        ("1\u200b2", '1<span class="code" title="U+200B ZERO WIDTH SPACE">U+200B</span>2'),
        ("\x1b[31m", '<span class="code" title="U+001B ">U+001B</span>[31m'),
        ("\ud800", '<span class="code" title="U+D800 ">U+D800</span>'),
        ("\tx", "\tx"),
    ],
)
def test_characters_that_act_are_shown_by_their_code(text: str, markup: str) -> None:
    assert str(shown(text)) == markup


def test_attributes_hold_codes_too() -> None:
    assert plainly("a\u2066b") == "a⟨U+2066⟩b"


def test_every_invisible_character_of_unicode_is_shown() -> None:
    import sys
    import unicodedata

    from extractor.service.pages.shown import ACTING

    acting = [
        chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
    assert [f"U+{ord(c):04X}" for c in acting if not ACTING.fullmatch(c) and c not in "\t\n"] == []


# ------------------------------------------------------------------------------- windows of a text


def test_a_long_text_is_shown_in_a_bounded_window_with_true_line_numbers() -> None:
    line = "某县 12 件\n"
    text = line * 300_000
    mark = Mark(200_000 * len(line) + 3, 200_000 * len(line) + 5, "cell", "requests.granted.total")
    window = window_of(text, [mark])
    assert window.end - window.start <= WINDOW + 4_000
    number = next(one.number for one in window.lines if "<mark" in one.markup)
    assert number == 200_001
    assert window.before is not None
    assert window.after is not None


def test_windows_lead_through_a_text_that_is_one_line() -> None:
    text = "数" * 150_000
    at, seen = 0, set()
    while True:
        window = window_of(text, [], at)
        seen |= set(range(window.start, window.end))
        assert window.end - window.start <= WINDOW + 4_000
        if window.after is None:
            break
        at = window.after
    assert len(seen) == len(text)


def test_a_window_of_nothing() -> None:
    assert [str(line.markup) for line in window_of("", []).lines] == [""]


def test_marks_that_overlap_name_all_their_cells() -> None:
    marks = [Mark(0, 3, "cell", "a"), Mark(1, 2, "human", "b")]
    (line,) = window_of("123", marks).lines
    assert re.findall(r'class="(\w+)" data-of="([^"]*)"', line.markup) == [
        ("cell", "a"),
        ("human", "a b"),
        ("cell", "a"),
    ]
