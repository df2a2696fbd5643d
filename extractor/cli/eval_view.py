"""The evaluation on screen: escapes first and alone, then figures with intervals, families, the worst documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from extractor.cli.grid import Line, fit
from extractor.document.sources import display
from extractor.eval.diff import KINDS, Change, Diff
from extractor.eval.runs import Run
from extractor.eval.score import GOOD, MISSED, TABLES, VERDICTS, WRONG
from extractor.form import FORM

_WORST = 12
_CELLS = 12
_CHANGES = 40
_FEW = 8

_RATES = (
    ("cells right", "accuracy", "right", "cells"),
    ("  other than 0", "nonzero_accuracy", "nonzero_right", "nonzero"),
    ("  zeros", "zero_accuracy", "zero_right", "zero"),
    ("  blanks", "blank_accuracy", "blank_right", "blank"),
    ("tables trusted", "coverage", "tables_trusted", "tables"),
    ("… of those printed", "printed_coverage", "tables_printed_trusted", "tables_printed"),
    ("  of them without error", "trusted_precision", "tables_trusted_right", "tables_trusted"),
    ("tables exact", "tables_exact_rate", "tables_exact", "tables"),
    ("documents exact", "documents_exact_rate", "documents_exact", "documents"),
)


def show_run(run: Run) -> Iterator[Line]:
    """Everything about a run."""
    figures = run.figures()
    for name, found in figures.items():
        yield from _escapes(name, found, run.of(name), _CHANGES if len(figures) == 1 else _FEW)
    yield []
    yield _about(run)
    if len(figures) > 1:
        yield from _side_by_side(figures)
    for name, found in figures.items():
        yield []
        yield from _figures(name, found)
    for name, found in figures.items():
        yield from _families(name if len(figures) > 1 else "", found)
        yield from _confusion(found)
        yield from _sureness(found)
        yield from _documents(run.of(name))


# ------------------------------------------------------------------------------------------------ headline


def _escapes(name: str, found: Mapping[str, Any], documents: Sequence[Mapping[str, Any]], most: int) -> Iterator[Line]:
    """What must not be: wrong numbers inside trusted tables, each of them."""
    number, trusted = found["escapes"], found["tables_trusted"]
    if not trusted:
        yield [(f"{name}: no table is trusted, so nothing could escape: 0 escapes say nothing", "bold yellow")]
        return
    limit = found["escape_documents_upper"]
    if not number:
        told = f" · in documents like these at most {limit:.1%} would have one (95 %)"
        yield [(f"{name}: 0 escapes", "bold green"), (f" in {trusted} trusted tables{told}", "")]
        return
    words = "escape" if number == 1 else "escapes"
    where = f" in {found['escape_documents']} documents: wrong numbers inside trusted tables"
    yield [(f"{name}: {number} {words}", "bold red"), (where, "")]
    shown = 0
    for document in documents:
        for cell in document["cells"]:
            if cell["trusted"] and cell["outcome"] in WRONG:
                shown += 1
                if shown <= most:
                    yield [(f"  {document['name']}  ", "bold"), *_cell(cell)]
    if shown > most:
        yield [(f"  and {shown - most} more (--out, --html)", "dim")]


def _about(run: Run) -> Line:
    head = run.head
    parts = [f"{len(head['gold'])} documents"]
    if head["unlabelled"]:
        parts.append(f"{head['unlabelled']} reports without gold left out")
    if head["repeats"] > 1:
        parts.append(f"read {head['repeats']} times")
    if head["model"]:
        parts.append(str(head["model"]))
    parts.append(
        (head["git"] or head["gouji_version"])[:12] + ("-dirty" if str(head["git"]).endswith("-dirty") else "")
    )
    if run.status != "done":
        parts.append(f"{run.status}: {len(run.documents)} readings are done")
    return [(" · ".join(parts), "dim" if run.status == "done" else "bold yellow")]


def _side_by_side(figures: Mapping[str, Mapping[str, Any]]) -> Iterator[Line]:
    """Each figure of all systems on one line, with its interval."""
    yield []
    yield [(f"{'':<26}" + "".join(f"{name:<30}" for name in figures), "bold")]
    for what in ("escapes", "wrong", "invented", "missed", "unscored"):
        yield [(f"{what:<26}" + "".join(f"{found[what]:<30,}" for found in figures.values()), "")]
    for title, rate, _, _ in _RATES:
        shown = [f"{_percent(found[rate])} ({_interval(found['intervals'][rate])})" for found in figures.values()]
        yield [(f"{title:<26}" + "".join(f"{one:<30}" for one in shown), "")]
    for what in ("calls", "prompt_tokens", "completion_tokens"):
        yield [(f"{what.replace('_', ' '):<26}" + "".join(f"{found[what]:<30,}" for found in figures.values()), "")]
    costs = [found["cost"] if found["cost"] is not None else "-" for found in figures.values()]
    yield [(f"{'cost (USD)':<26}" + "".join(f"{cost:<30}" for cost in costs), "")]
    times = [f"{found['seconds_per_document'] or 0:.2f}" for found in figures.values()]
    yield [(f"{'seconds a document':<26}" + "".join(f"{time:<30}" for time in times), "")]


def _figures(name: str, found: Mapping[str, Any]) -> Iterator[Line]:
    """Rates with their intervals, and the counts beside them."""
    yield [(f"{name:<26}{'':>9}   {'95 % interval':<17}", "bold")]
    for title, rate, part, whole in _RATES:
        if found[whole]:
            yield [
                (f"{title:<26}{_percent(found[rate]):>9}   {_interval(found['intervals'][rate]):<17}", ""),
                (f"{found[part]:>7,} of {found[whole]:,}", "dim"),
            ]
    missed = f"missed {found['missed']:,} (of them refused {found['refused']:,})"
    bad = f"wrong {found['wrong']:,} · invented {found['invented']:,}"
    open_ = f"undecidable {found['undecidable']:,} (refused {found['undecidable_refused']:,})"
    apart = f"derived {found['derived']:,} · {open_}"
    yield [(f"{missed} · {bad} · apart: {apart}", "")]
    if found["unscored"]:
        yield [(f"unscored: {found['unscored']} readings gave an error and are in no figure", "bold yellow")]
    if found["extra_reports"]:
        yield [(f"{found['extra_reports']} reports were found that the gold does not know", "yellow")]
    for what in ("claims", "findings"):
        if found[f"{what}_precision"] is not None or found[f"{what}_recall"] is not None:
            title = {"claims": "claims of the narrative", "findings": "broken rules found"}[what]
            rates = (found[f"{what}_precision"], found[f"{what}_recall"])
            yield [(f"{title:<26}precision {_percent(rates[0])} · recall {_percent(rates[1])}", "")]
    cost = f"{found['cost']} USD" if found["cost"] is not None else "unpriced"
    asked = (
        f"{found['calls']:,} calls · {found['prompt_tokens']:,} + {found['completion_tokens']:,} tokens · {cost} · "
        if found["calls"]
        else "no model asked · "
    )
    yield [(f"{asked}{found['seconds']:.1f} s, {1000 * (found['seconds_per_document'] or 0):.0f} ms a document", "dim")]
    if len(found["repeats"]) > 1:
        for one in found["repeats"]:
            shares = f"{_percent(one['accuracy'])} right · {_percent(one['coverage'])} trusted"
            yield [(f"  repeat {one['repeat'] + 1}: {shares} · {one['escapes']} escapes", "dim")]


# ------------------------------------------------------------------------------------------------ breakdowns


def _families(name: str, found: Mapping[str, Any]) -> Iterator[Line]:
    yield []
    heads = ("documents", "exact", "trusted", "right", "non-zero", "missed", "wrong", "escapes")
    yield [(fit(f"{name + ': ' if name else ''}layout family", 26) + "".join(f"{head:>11}" for head in heads), "bold")]
    for kind in ("family", "form"):
        for key, one in found["by"][kind].items():
            values = (
                one["documents"], one["documents_exact"], _percent(one["coverage"]), _percent(one["accuracy"]),
                _percent(one["nonzero_accuracy"]), one["missed"], one["wrong"] + one["invented"], one["escapes"],
            )  # fmt: skip
            title = key if kind == "family" else f"form {key}"
            style = "bold red" if one["escapes"] else "" if kind == "family" else "dim"
            yield [(fit(title, 26) + "".join(f"{value:>11}" for value in values), style)]
    for key in TABLES:
        if key in found["by"]["table"]:
            one = found["by"]["table"][key]
            values = (
                "", f"{one['tables_exact']}/{one['tables']}", _percent(one["coverage"]), _percent(one["accuracy"]),
                _percent(one["nonzero_accuracy"]), one["missed"], one["wrong"] + one["invented"], one["escapes"],
            )  # fmt: skip
            yield [(fit(f"table: {key}", 26) + "".join(f"{value:>11}" for value in values), "dim")]


def _confusion(found: Mapping[str, Any]) -> Iterator[Line]:
    yield []
    answers = ("none", "zero", "nonzero")
    yield [(f"{'on paper, and answered':<26}" + "".join(f"{head:>11}" for head in ("nothing", "0", "other")), "bold")]
    for gold, title in (("blank", "blank"), ("zero", "0"), ("nonzero", "other"), ("undecidable", "undecidable")):
        row = found["confusion"][gold]
        if any(row.values()):
            yield [(f"{title:<26}" + "".join(f"{row[answer]:>11,}" for answer in answers), "")]


def _sureness(found: Mapping[str, Any]) -> Iterator[Line]:
    yield []
    yield [(f"{'verdict':<26}{'tables':>11}{'no error':>11}{'all right':>11}", "bold")]
    for verdict in VERDICTS:
        one = found["verdicts"][verdict]
        if one["tables"]:
            yield [(f"{verdict:<26}{one['tables']:>11}{one['right_tables']:>11}{one['exact_tables']:>11}", "")]
    yield []
    yield [(f"{'taking answers down to':<30}{'coverage':>11}{'risk':>11}{'answers':>11}{'errors':>11}", "bold")]
    for point in found["risk_coverage"]:
        if point["answered"]:
            shares = f"{_percent(point['coverage']):>11}{_percent(point['risk']):>11}"
            yield [(f"{point['tier']:<30}{shares}{point['answered']:>11,}{point['errors']:>11,}", "")]


def _documents(documents: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    """The documents with most that is not right: each wrong cell, and what is missed by row."""

    def badness(document: Mapping[str, Any]) -> tuple[int, int, int]:
        wrong = [cell for cell in document["cells"] if cell["outcome"] in WRONG]
        return (
            sum(cell["trusted"] for cell in wrong),
            len(wrong),
            sum(cell["outcome"] in MISSED for cell in document["cells"]),
        )

    unread = [document for document in documents if not document["cells"]]
    worst = sorted((d for d in documents if any(badness(d))), key=lambda d: (*(-n for n in badness(d)), d["name"]))
    if worst or unread:
        yield []
        yield [("worst documents", "bold")]
    for document in worst[:_WORST]:
        _, wrong, missed = badness(document)
        good = sum(cell["outcome"] in GOOD for cell in document["cells"])
        counts = f"{wrong} wrong, {missed} missed, {good} right"
        verdicts = " ".join(f"{table}={document['verdicts'][table]}" for table in TABLES)
        yield [(document["name"], "bold"), (f"  {document['family']} · {counts} · {verdicts}", "dim")]
        if document["error"]:
            yield [(f"    {document['error']['message']} [{document['error']['code']}]", "")]
        shown = [cell for cell in document["cells"] if cell["outcome"] in WRONG]
        for cell in shown[:_CELLS]:
            yield [("    ", ""), *_cell(cell)]
        if len(shown) > _CELLS:
            yield [(f"    and {len(shown) - _CELLS} more wrong cells", "dim")]
        yield from _missed([cell for cell in document["cells"] if cell["outcome"] in MISSED])
    if len(worst) > _WORST:
        yield [(f"and {len(worst) - _WORST} more documents with errors (--out, --html)", "dim")]
    for document in unread[:_WORST]:
        error = document["error"] or {}
        yield [(f"{document['name']}  unscored: {error.get('message', '')} [{error.get('code', '')}]", "yellow")]
    if len(unread) > _WORST:
        yield [(f"and {len(unread) - _WORST} more unscored documents", "yellow")]


def _missed(cells: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    if not cells:
        return
    if len(cells) <= _CELLS:
        for cell in cells:
            yield [("    ", ""), *_cell(cell)]
        return
    rows = Counter(cell["path"].rpartition(".")[0] for cell in cells)
    listed = ", ".join(f"{row} {number}" for row, number in rows.most_common(4))
    more = f", {len(rows) - 4} more rows" if len(rows) > 4 else ""
    yield [(f"    missed: {listed}{more}", "")]


def _cell(cell: Mapping[str, Any]) -> Line:
    """One cell: where, what is on paper, what was answered."""
    printed = {None: "nothing printed", "?": "undecidable"}.get(cell["gold"], f"printed {cell['gold']}")
    given = "no value" if cell["value"] is None else f"read {cell['value']}"
    how = f" by {cell['method']}" if cell["method"] else ""
    style = "bold red" if cell["trusted"] and cell["outcome"] in WRONG else "red" if cell["outcome"] in WRONG else ""
    where = f" at {cell['span'][0]}" if cell["span"] else ""
    return [
        (f"{cell['outcome'].replace('_', ' ')}: ", style),
        (f"{_words(cell['path'])}  {printed}, {given}{how}{where}", ""),
        (f"  [{cell['path']}]", "dim"),
    ]


def _words(path: str) -> str:
    """A cell in the form's words; a row that the form does not have stands by its key."""
    try:
        return FORM.words(path)
    except (StopIteration, KeyError, RuntimeError, ValueError):
        return path


def _percent(value: float | None) -> str:
    if value is None:
        return "-"
    # Never rounded to what it is not: 99.996 % is no 100 %.
    shown = f"{value:.2%}"
    if (shown == "100.00%" and value < 1) or (shown == "0.00%" and value > 0):
        shown = "> 99.99%" if value > 0.5 else "< 0.01%"
    return shown


def _interval(pair: Sequence[float] | None) -> str:
    """An interval; where all documents are alike the bootstrap has nothing to say."""
    if pair is None:
        return "-"
    return "all alike" if pair[0] == pair[1] else f"{_percent(pair[0])} – {_percent(pair[1])}"


# ------------------------------------------------------------------------------------------------ two runs

_TITLES = {
    "escaped": ("newly wrong inside a trusted table", "bold red"),
    "newly_wrong": ("newly wrong", "red"),
    "newly_missed": ("newly missed", "yellow"),
    "still_wrong": ("wrong in another way", ""),
    "relabelled": ("the label says something else", "dim"),
    "mended": ("mended", "green"),
}


def show_diff(diff: Diff) -> Iterator[Line]:
    """What changed, newly wrong first, then how the figures moved."""
    before, after = diff.systems
    yield []
    yield [(before if before == after else f"{before} → {after}", "bold")]
    for kind in KINDS:
        yield from _changes(kind, diff.of(kind))
        if kind == "newly_missed":
            for one in diff.lost:
                yield [("no longer trusted: ", "yellow"), (f"{one.name} {one.table}: {one.before} → {one.after}", "")]
    for one in diff.won:
        yield [("now trusted: ", "green"), (f"{one.name} {one.table}: {one.before} → {one.after}", "")]
    if not diff.changes and not diff.lost and not diff.won:
        yield [("every cell came to the same", "")]
    yield []
    yield [(f"{'':<26}{'before':>11}{'after':>11}{'difference':>13}   95 % interval", "bold")]
    for metric, found in diff.figures.items():
        old, new = found["before"], found["after"]
        if old is None and new is None:
            continue
        rate = isinstance(old, float) or isinstance(new, float)
        values = "".join(f"{_percent(value) if rate else f'{value:,}':>11}" for value in (old, new))
        moved = f"{_moved(found['difference'], rate):>13}   {_moves(found['interval'], rate)}"
        yield [(f"{metric:<26}{values}{moved}", "")]


def _changes(kind: str, changes: Sequence[Change]) -> Iterator[Line]:
    title, style = _TITLES[kind]
    if not changes:
        return
    yield [(f"{title}: {len(changes)}", style)]
    for change in changes[:_CHANGES]:
        gold = "undecidable" if change.gold == "?" else "nothing" if change.gold is None else str(change.gold)
        values = " → ".join("none" if value is None else str(value) for value in (change.before, change.after))
        repeat = f" (repeat {change.repeat + 1})" if change.repeat else ""
        yield [
            (f"  {display(change.name)}{repeat}  ", "bold"),
            (f"{_words(change.path)}  {values}, printed {gold}", ""),
            (f"  [{change.path}] {' → '.join(change.outcomes)}", "dim"),
        ]
    if len(changes) > _CHANGES:
        yield [(f"  and {len(changes) - _CHANGES} more (--json)", "dim")]


def _moved(value: float | None, rate: bool) -> str:
    if value is None:
        return "-"
    if not value:
        return "="
    return f"{100 * value:+.2f} pp" if rate else f"{value:+,}"


def _moves(pair: Sequence[float] | None, rate: bool) -> str:
    return "-" if pair is None else f"{_moved(pair[0], rate)} … {_moved(pair[1], rate)}"
