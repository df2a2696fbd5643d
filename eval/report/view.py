"""What the page shows, in the order in which it shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extractor.eval.report import charts
from extractor.eval.report.faults import BAD, Faults, faults, is_escape, system_name
from extractor.eval.report.heat import SCALE, Map, family_map, requests_map, table_names
from extractor.eval.report.numbers import NOTHING, clean, count, duration, percent, ratio, whole

from extractor.form import TABLES

VERDICTS = ("verified", "reconciled", "inconsistent", "needs_review", "failed")
# The list of documents shows this many readings, the worst first.
MOST_READINGS = 2000

_COUNTS = (
    ("cells", "gold cells", 0),
    ("right", "right", 1),
    ("missed", "missed", 1),
    ("refused", "of them refused", 2),
    ("wrong", "wrong", 1),
    ("invented", "invented", 1),
    ("nonzero", "gold numbers other than 0", 0),
    ("nonzero_right", "of them right", 1),
    ("zero", "gold zeros", 0),
    ("zero_right", "of them right", 1),
    ("blank", "blank on paper", 0),
    ("blank_right", "of them without a value", 1),
    ("derived", "derived where paper shows nothing", 0),
    ("undecidable", "undecidable", 0),
    ("undecidable_refused", "of them refused", 1),
    ("undecidable_answered", "of them answered in a trusted table", 1),
    ("escapes", "escapes", 0),
    ("trusted_answers", "among answers in trusted tables", 1),
    ("escape_documents", "documents that hold one", 1),
    ("tables", "tables", 0),
    ("tables_trusted", "trusted", 1),
    ("tables_exact", "exact", 1),
    ("documents", "documents", 0),
    ("documents_exact", "exact", 1),
    ("unscored", "unscored", 1),
    ("extra_reports", "reports found that are none", 1),
)
# title, what it is, part, whole, the rate under which the interval stands
_METRICS = (
    ("Accuracy", "right / gold cells", "right", "cells", "accuracy"),
    ("Non-zero right", "right / gold numbers other than 0", "nonzero_right", "nonzero", "nonzero_accuracy"),
    ("Zeros right", "right / gold zeros", "zero_right", "zero", "zero_accuracy"),
    ("Blanks right", "without a value / blank on paper", "blank_right", "blank", "blank_accuracy"),
    ("Coverage", "trusted / tables", "tables_trusted", "tables", "coverage"),
    ("Tables exact", "every cell right / tables", "tables_exact", "tables", "tables_exact_rate"),
    ("Documents exact", "every cell right / documents", "documents_exact", "documents", "documents_exact_rate"),
)
_GOLD = (("blank", "blank"), ("zero", "0"), ("nonzero", "other number"), ("undecidable", "undecidable “?”"))
_ANSWERS = (("none", "no value"), ("zero", "0"), ("nonzero", "other number"))
_AGREEING = {("blank", "none"), ("zero", "zero"), ("nonzero", "nonzero"), ("undecidable", "none")}


@dataclass(frozen=True, slots=True)
class Escapes:
    """The figure that stands alone: `tone` is good (0 of some), bad, or none (nothing trusted, or not finished)."""

    system: str
    number: str
    tone: str
    verdict: str
    detail: str


@dataclass(frozen=True, slots=True)
class Share:
    """One system's share with its interval."""

    system: str
    shown: str
    part: str
    of: str
    interval: str
    bar: charts.Bar


@dataclass(frozen=True, slots=True)
class Metric:
    """One headline figure of all systems, on one scale."""

    title: str
    what: str
    floor: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of figures, one per system (or per column of its table)."""

    label: str
    values: tuple[str, ...]
    level: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Confused:
    """A cell of the blank-vs-zero matrix."""

    number: str
    share: str
    tone: str


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Counts by one thing, e.g. layout family."""

    title: str
    rows: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What is drawn once for each system."""

    system: str
    requests: Map
    families: Map
    confusion: tuple[tuple[str, tuple[Confused, ...]], ...]
    breakdowns: tuple[Breakdown, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One document read by one system."""

    name: str
    system: str
    source: str
    organization: str
    year: str
    family: str
    form: str
    verdict: str
    verdicts: tuple[str, ...]
    scored: bool
    bad: int
    escapes: int
    anchor: str
    seconds: str
    error: str


@dataclass(frozen=True, slots=True)
class View:
    """The page."""

    title: str
    systems: tuple[str, ...]
    several: bool
    facts: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]
    escapes: tuple[Escapes, ...]
    metrics: tuple[Metric, ...]
    verdicts: tuple[Line, ...]
    curve: charts.Curve
    tiers: tuple[Line, ...]
    parts: tuple[Part, ...]
    claims: tuple[Line, ...]
    findings: tuple[Line, ...]
    identity: tuple[Line, ...]
    repeats: tuple[Line, ...]
    counts: tuple[Line, ...]
    usage: tuple[Line, ...]
    faults: Faults
    readings: tuple[Reading, ...]
    readings_left_out: int
    about: tuple[tuple[str, str], ...]
    tables: tuple[str, ...] = table_names()
    scale: tuple[str, ...] = SCALE
    breakdown_heads: tuple[str, ...] = ("gold cells", "right", "missed", "wrong", "invented", "escapes", "accuracy")
    answers: tuple[str, ...] = tuple(words for _, words in _ANSWERS)


def view_of(figures: Mapping[str, Any], documents: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> View:
    """The page of a run."""
    systems = tuple(name for name in run.get("systems") or () if name in figures)
    systems += tuple(name for name in figures if name not in systems)
    each = {name: figures[name] for name in systems}
    names = dict.fromkeys(str(document["name"]) for document in documents)
    anchors = {name: f"document-{number}" for number, name in enumerate(names, 1)}
    wrong = faults(documents, anchors)

    def names_of(system: str) -> int:
        return len({str(one["name"]) for one in documents if one.get("system") == system and one.get("cells")})

    readings, left_out = _readings(documents, {one.name: one.anchor for one in wrong.documents})
    total = sum(count(one, "escapes") for one in each.values())
    return View(
        title=f"gouji eval · {', '.join(systems) or 'no system'} · {len(names)} documents · escapes {total}",
        systems=systems,
        several=len(systems) > 1,
        facts=_facts(run, systems, len(names)),
        notices=_notices(each, run, wrong),
        escapes=tuple(_escapes(name, one, run, names_of(name)) for name, one in each.items()),
        metrics=tuple(_metric(each, *metric) for metric in _METRICS),
        verdicts=_verdicts(each),
        curve=charts.curve({name: one.get("risk_coverage") or () for name, one in each.items()}),
        tiers=_tiers(each),
        parts=tuple(_part(name, one) for name, one in each.items()),
        claims=_claims(each),
        findings=_findings(each),
        identity=_identity(each),
        repeats=_repeats(each),
        counts=tuple(
            Line(words, tuple(whole(count(one, key)) for one in each.values()), level, key)
            for key, words, level in _COUNTS
        ),
        usage=_usage(each),
        faults=wrong,
        readings=readings,
        readings_left_out=left_out,
        about=_about(run, figures),
    )


def _facts(run: Mapping[str, Any], systems: Sequence[str], documents: int) -> tuple[tuple[str, str], ...]:
    facts = [("documents", whole(documents)), ("system" if len(systems) == 1 else "systems", ", ".join(systems))]
    if run.get("model"):
        facts.append(("model", str(run["model"])))
    if int(run.get("repeats") or 1) > 1:
        facts.append(("repeats", str(run["repeats"])))
    facts.append(("started", str(run.get("started") or NOTHING)))
    if run.get("git"):
        revision, _, dirty = str(run["git"]).partition("-")
        facts.append(("revision", revision[:10] + (" (files changed)" if dirty else "")))
    return tuple(facts)


def _finished(run: Mapping[str, Any]) -> bool:
    return str(run.get("status") or "done") == "done"


def _notices(each: Mapping[str, Any], run: Mapping[str, Any], wrong: Faults) -> tuple[str, ...]:
    notices = []
    if not _finished(run):
        notices.append(f"This run is not finished (status: {run['status']}). The figures hold for what is done.")
    failed: dict[str, list[str]] = {}
    for name, one in each.items():
        if unscored := count(one, "unscored"):
            words = f"{unscored} of {unscored + count(one, 'documents')} documents are unscored"
            failed.setdefault(words, []).append(name)
    for words, names in failed.items():
        notices.append(f"{', '.join(names)}: {words}: nothing was answered for reasons outside the document.")
    if unlabelled := int(run.get("unlabelled") or 0):
        notices.append(f"{unlabelled} reports without gold were left out.")
    if wrong.left_out:
        rest = f"{whole(wrong.left_out)} stand in the run’s file only"
        notices.append(f"{whole(wrong.answers)} wrong cells: the gravest are shown, {rest}.")
    return tuple(notices)


def _escapes(name: str, one: Mapping[str, Any], run: Mapping[str, Any], documents: int) -> Escapes:
    number, trusted, answers = (count(one, key) for key in ("escapes", "tables_trusted", "trusted_answers"))
    among = f"{whole(answers)} answers in {whole(trusted)} trusted tables"
    if number:
        hit = count(one, "escape_documents")
        words = "a wrong number stands" if number == 1 else "wrong numbers stand"
        return Escapes(
            name,
            whole(number),
            "bad",
            f"{words} in trusted tables",
            f"among {among}, in {hit} of {documents} documents",
        )
    if not trusted:
        return Escapes(
            name, "0", "none", "no table was trusted", "so nothing could escape: this 0 says nothing of the system"
        )
    if not _finished(run):
        return Escapes(name, "0", "none", "none so far", f"the run is not finished; {among}")
    detail = ""
    if (upper := one.get("escape_documents_upper")) is not None:
        room = f"up to {percent(upper, 1)} of their like to hold one"
        detail = f"So few documents still leave room for {room} (95 %, exact, one-sided)."
    return Escapes(name, "0", "good", f"no wrong number among {among}", detail)


def _metric(each: Mapping[str, Any], title: str, what: str, part: str, of: str, rate: str) -> Metric:
    values = {name: ratio(count(one, part), count(one, of)) for name, one in each.items()}
    given = {name: _interval(one, rate) for name, one in each.items()}
    drawn = [value for value in values.values() if value is not None]
    floor = charts.floor_of([*drawn, *(end for pair in given.values() if pair for end in pair)])
    shares = tuple(
        Share(
            system=name,
            shown=percent(values[name]),
            part=whole(count(one, part)),
            of=whole(count(one, of)),
            interval=_interval_words(given[name]),
            bar=charts.bar(values[name], given[name], floor),
        )
        for name, one in each.items()
    )
    return Metric(title, what, percent(floor, 0), shares)


def _interval(one: Mapping[str, Any], rate: str) -> tuple[float, float] | None:
    pair = (one.get("intervals") or {}).get(rate)
    return (float(pair[0]), float(pair[1])) if pair else None


def _interval_words(pair: tuple[float, float] | None) -> str:
    if pair is None:
        return "no interval"
    if pair[0] == pair[1]:
        return "same in all"  # a bootstrap of what never differs knows no spread
    return f"{percent(pair[0])} – {percent(pair[1])}"


def _verdicts(each: Mapping[str, Any]) -> tuple[Line, ...]:
    """One line per verdict that occurs; for each system: tables, without a wrong answer, precision, all right."""
    met = {verdict for one in each.values() for verdict, n in (one.get("verdicts") or {}).items() if n.get("tables")}
    lines = []
    for verdict in (*VERDICTS, *sorted(met - set(VERDICTS))):
        if verdict not in met:
            continue
        values: list[str] = []
        for one in each.values():
            found = (one.get("verdicts") or {}).get(verdict) or {}
            tables, right = count(found, "tables"), count(found, "right_tables")
            values += [whole(tables), whole(right), percent(ratio(right, tables), 1), whole(found.get("exact_tables"))]
        lines.append(Line(verdict, tuple(values), key=verdict))
    return tuple(lines)


def _tiers(each: Mapping[str, Any]) -> tuple[Line, ...]:
    """The numbers under the curve: for each system coverage and risk, down to this tier."""
    points = {name: {str(p["tier"]): p for p in one.get("risk_coverage") or ()} for name, one in each.items()}
    tiers = dict.fromkeys(tier for found in points.values() for tier in found)
    return tuple(
        Line(
            tier.replace("_", " "),
            tuple(
                text
                for found in points.values()
                for text in (
                    percent((found.get(tier) or {}).get("coverage")),
                    percent((found.get(tier) or {}).get("risk")),
                )
            ),
        )
        for tier in tiers
    )


def _part(name: str, one: Mapping[str, Any]) -> Part:
    by = one.get("by") or {}
    headings = dict(zip(TABLES, table_names(), strict=True))
    breakdowns = tuple(
        Breakdown(title, tuple(_breakdown(headings.get(key, str(key)), n) for key, n in (by.get(what) or {}).items()))
        for what, title in (("family", "layout family"), ("form", "form version"), ("table", "table"))
        if by.get(what)
    )
    return Part(
        name,
        requests_map((one.get("heat") or {}).get("requests") or {}),
        family_map((one.get("heat") or {}).get("families") or {}),
        _confusion(one.get("confusion") or {}),
        breakdowns,
    )


def _breakdown(label: str, n: Mapping[str, Any]) -> Line:
    cells = count(n, "cells")
    shown = [whole(count(n, key)) for key in ("cells", "right", "missed", "wrong", "invented", "escapes")]
    return Line(label, (*shown, percent(ratio(count(n, "right"), cells))))


def _confusion(found: Mapping[str, Any]) -> tuple[tuple[str, tuple[Confused, ...]], ...]:
    rows = []
    for gold, words in _GOLD:
        given = found.get(gold) or {}
        total = sum(int(given.get(key) or 0) for key, _ in _ANSWERS)
        boxes = []
        for key, _ in _ANSWERS:
            number = int(given.get(key) or 0)
            tone = "same" if (gold, key) in _AGREEING else "other" if number else "empty"
            boxes.append(Confused(whole(number), percent(ratio(number, total), 1) if total else NOTHING, tone))
        rows.append((words, tuple(boxes)))
    return tuple(rows)


def _claims(each: Mapping[str, Any]) -> tuple[Line, ...]:
    lines = []
    for name, one in each.items():
        if not (n := one.get("claims")):
            continue
        right, missed, invented = (int(n.get(key) or 0) for key in ("right", "missed", "invented"))
        if not right + missed + invented:
            continue
        precision, recall = ratio(right, right + invented), ratio(right, right + missed)
        lines.append(
            Line(name, (whole(right), whole(missed), whole(invented), percent(precision, 1), percent(recall, 1)))
        )
    return tuple(lines)


def _findings(each: Mapping[str, Any]) -> tuple[Line, ...]:
    """By equation that paper breaks or was said to break; for each system told, not told, false alarms."""
    found = {name: one.get("findings") or {} for name, one in each.items()}
    rules = sorted({str(rule) for by_rule in found.values() for rule in by_rule})
    return tuple(
        Line(
            rule,
            tuple(
                whole(count(by_rule.get(rule) or {}, key))
                for by_rule in found.values()
                for key in ("right", "missed", "invented")
            ),
        )
        for rule in rules
    )


def _identity(each: Mapping[str, Any]) -> tuple[Line, ...]:
    """How often year and body were read as labelled."""
    lines = []
    for key, words in (("year", "year"), ("organization", "body")):
        found = [(one.get("identity") or {}).get(key) or {} for one in each.values()]
        if any(count(n, "of") for n in found):
            lines.append(Line(words, tuple(f"{whole(count(n, 'right'))} / {whole(count(n, 'of'))}" for n in found)))
    return tuple(lines)


def _repeats(each: Mapping[str, Any]) -> tuple[Line, ...]:
    """The main figures of each repeat, where a system has several."""
    return tuple(
        Line(
            f"{name} · {int(n['repeat']) + 1}",
            (
                whole(count(n, "escapes")),
                percent(n.get("accuracy")),
                percent(n.get("nonzero_accuracy")),
                percent(n.get("coverage")),
            ),
        )
        for name, one in each.items()
        if len(one.get("repeats") or ()) > 1
        for n in one["repeats"]
    )


def _usage(each: Mapping[str, Any]) -> tuple[Line, ...]:
    def line(label: str, key: str) -> Line:
        return Line(label, tuple(whole(count(one, key)) for one in each.values()))

    return (
        line("calls to a model", "calls"),
        line("prompt tokens", "prompt_tokens"),
        line("completion tokens", "completion_tokens"),
        Line("cost", tuple(NOTHING if one.get("cost") is None else str(one["cost"]) for one in each.values())),
        Line("time", tuple(duration(one.get("seconds")) for one in each.values())),
        Line("time per document", tuple(duration(one.get("seconds_per_document")) for one in each.values())),
    )


def _readings(documents: Sequence[Mapping[str, Any]], anchors: Mapping[str, str]) -> tuple[tuple[Reading, ...], int]:
    repeats = any(document.get("repeat") for document in documents)
    worst: dict[str, tuple[int, int]] = {}
    listed = []
    for document in documents:
        cells = document.get("cells") or ()
        bad = sum(cell["outcome"] in BAD for cell in cells)
        escapes = sum(is_escape(cell) for cell in cells)
        name = str(document["name"])
        before = worst.get(name, (0, 0))
        worst[name] = (before[0] + escapes, before[1] + bad)
        error = document.get("error")
        verdicts = document.get("verdicts") or {}
        listed.append(
            Reading(
                name=name,
                system=system_name(document, repeats),
                source=str(document.get("source") or NOTHING),
                organization=str(document.get("organization") or NOTHING),
                year=str(document.get("year") or NOTHING),
                family=str(document.get("family") or NOTHING),
                form=str(document.get("form") or NOTHING),
                verdict=str(document.get("verdict") or NOTHING),
                verdicts=tuple(str(verdicts.get(table) or NOTHING) if cells else NOTHING for table in TABLES),
                scored=bool(cells),
                bad=bad,
                escapes=escapes,
                anchor=anchors.get(name, "") if bad else "",
                seconds=duration(document.get("seconds")),
                error=_error(error),
            )
        )
    listed.sort(key=lambda one: (-worst[one.name][0], -worst[one.name][1], one.name))
    return tuple(listed[:MOST_READINGS]), max(0, len(listed) - MOST_READINGS)


def _error(error: Any) -> str:
    if isinstance(error, Mapping):
        return " · ".join(str(error[key]) for key in ("code", "message") if error.get(key))
    return str(error) if error else ""


def _about(run: Mapping[str, Any], figures: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    words = (
        ("status", "status"),
        ("started", "started"),
        ("finished", "finished"),
        ("model", "model"),
        ("repeats", "repeats"),
        ("gouji_version", "gouji"),
        ("git", "git revision"),
        ("form_hash", "form"),
        ("prompts_hash", "prompts"),
        ("rules_hash", "rules"),
        ("unlabelled", "reports without gold"),
    )
    lines = [(name, clean(str(run[key]))) for key, name in words if run.get(key) is not None]
    if isinstance(run.get("gold"), Sequence):
        lines.append(("gold labels", whole(len(run["gold"]))))
    return tuple(lines)
