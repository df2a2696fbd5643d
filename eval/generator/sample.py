"""One sample: a file's text, what is on paper in it, and what the text decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from extractor.eval.files import FILE_FAMILIES, make_file
from extractor.eval.generator.compose import Context, compose
from extractor.eval.generator.html_mess import mess
from extractor.eval.generator.labels import Wording
from extractor.eval.generator.layout_glued import HiddenErrorError
from extractor.eval.generator.noise import Noise
from extractor.eval.generator.paper import Paper, Planted, make_paper, table_of
from extractor.eval.generator.records import Record, Value, paths_of, random_record
from extractor.eval.generator.render import EVERY_FAMILY, FAMILIES, FAMILY, mixed_render, mixed_style
from extractor.eval.generator.slots import Slots

from extractor.form import GROUPS, TABLES

__all__ = ["EVERY_FAMILY", "FAMILIES", "Expected", "Planted", "Sample", "generate"]


@dataclass(slots=True)
class Expected:
    """What one report of a sample prints.

    `truth`: path → printed number, None where none is printed; a path that is absent is not printed either.
    `record_values`: path → the true number beneath, which a value derived by the rules must equal.
    `decided`: the paths whose printed number the text leaves no doubt of; `lenient`: paths where the true
    number is as good an answer as none (the words say it, or the place of a lost cell is not to be seen).
    `spans`: path → place of the print in the text (empty for HTML).
    `planted`: errors that some wholly printed equation shows (`broken`); `misprints`: these and any that a cut hid.
    """

    form: str
    organization: str
    year: int
    truth: dict[str, Value | None]
    states: dict[str, str]
    record_values: dict[str, Value]
    decided: set[str]
    lenient: set[str]
    planted: list[Planted]
    tables_decided: dict[str, bool]
    printed: dict[str, str]
    spans: dict[str, tuple[int, int]]
    fee_unit: str | None
    misprints: list[Planted]
    broken: list[str]


@dataclass(slots=True)
class Sample:
    """A generated file; the properties are those of its first (mostly only) report."""

    seed: int
    family: str
    text: str
    name: str
    encoding: str
    noise: list[str]
    reports: list[Expected]
    payload: bytes | None = None  # the file made of `text`, where it is no text file

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        if self.payload is not None:
            return self.payload
        return self.text.encode(self.encoding, errors="xmlcharrefreplace" if self.name.endswith("html") else "strict")

    @property
    def truth(self) -> dict[str, Value | None]:
        """Path → printed number or None."""
        return self.reports[0].truth

    @property
    def states(self) -> dict[str, str]:
        """Path → state on paper."""
        return self.reports[0].states

    @property
    def decided(self) -> set[str]:
        """The paths that the text decides."""
        return self.reports[0].decided

    @property
    def record_values(self) -> dict[str, Value]:
        """Path → true number beneath."""
        return self.reports[0].record_values

    @property
    def planted(self) -> list[Planted]:
        """The planted publication errors."""
        return self.reports[0].planted

    @property
    def tables_decided(self) -> dict[str, bool]:
        """Table → whether all of it is decided."""
        return self.reports[0].tables_decided


def generate(seed: int, family: str | None = None) -> Sample:
    """The sample of a seed; without a family the seed chooses one. The same arguments give the same sample."""
    if family is None:
        family = Random(f"family:{seed}").choice(FAMILIES)
    if family in FILE_FAMILIES:
        page = _sample(seed, "html")
        payload = make_file(family, page.text, seed)
        return replace(page, family=family, name=f"report.{FILE_FAMILIES[family]}", payload=payload)
    if family not in FAMILY:
        raise ValueError(f"No family {family!r}. Choose one of {', '.join((*EVERY_FAMILY, *FILE_FAMILIES))}.")
    sample = _sample(seed, family)
    if family == "html":  # pages alone: other formats have no hidden text and no scripts
        text, done = mess(sample.text, Random(f"mess:{seed}"))
        return replace(sample, text=text, noise=[*sample.noise, *done])
    return sample


def _sample(seed: int, family: str) -> Sample:
    try:
        return _generate(seed, family, plant=True)
    except HiddenErrorError:
        return _generate(seed, family, plant=False)


def _generate(seed: int, family: str, *, plant: bool) -> Sample:
    rng = Random(f"{family}:{seed}:{plant}")
    kind = FAMILY[family]
    levels = dict(kind.knobs)
    damage = rng.choice((0.0, 0.5, 1.0, 1.0, 1.6))  # whole documents are cleaner or worse
    levels = {name: min(1.0, chance * damage) for name, chance in levels.items()}
    levels["planted_error"] = kind.knobs["planted_error"] if plant else 0.0
    noise = Noise(rng, levels)
    slots = Slots()
    contexts: list[Context] = []
    if family == "mixed":
        lines = _mixed_file(noise, slots, contexts, plant)
    else:
        context = _context(rng, noise, slots, random_record(rng), kind.explicit)
        contexts.append(context)
        lines = kind.lines(context)
    text, spans = slots.fill("\n".join(lines))
    html = family == "html"
    if not html and noise.hit("cut_off", 1.0):
        text = _cut(text, spans, contexts, rng)
    reports = [expected_of(context, number, {} if html else spans, slots) for number, context in enumerate(contexts)]
    return Sample(seed, family, text, "report.html" if html else "report.txt", contexts[0].encoding, noise.log, reports)


def _context(rng: Random, noise: Noise, slots: Slots, record: Record, explicit: bool) -> Context:
    paper = make_paper(record, noise, explicit=explicit)
    return Context(paper, Wording(noise), slots)


def _mixed_file(noise: Noise, slots: Slots, contexts: list[Context], plant: bool) -> list[str]:
    """A 2019 table 2 with a 2021 table 3, or two reports in one file, each table perhaps in its own lay-out."""
    rng = noise.rng
    two = rng.random() < 0.4
    lines: list[str] = []
    first: Record | None = None
    for number in range(2 if two else 1):
        old_table = rng.random() < 0.5
        record = random_record(rng, "2019" if old_table else None, "2021" if old_table and rng.random() < 0.8 else None)
        if old_table and record.requests_form == "2021":
            noise.note("table2_of_2019_with_table3_of_2021")
            record.year = rng.randint(2021, 2025)
        own = noise
        if first is not None:  # the second report is another draw of the same noise levels
            record.organization, record.year = first.organization, first.year - 1
            own = Noise(rng, noise.knobs, noise.log)
        first = first or record
        slots.report = number
        context = _context(rng, own, slots, record, explicit=False)
        contexts.append(context)
        bare = number > 0 and rng.random() < 0.3
        lines += ["", *compose(context, mixed_render(context), mixed_style(rng), bare=bare)]
    if two:
        noise.note("two_reports")
    return lines


def _cut(text: str, spans: dict[tuple[int, str], tuple[int, int]], contexts: list[Context], rng: Random) -> str:
    """The document ends early, never inside a number of a table."""
    end = rng.randint(len(text) // 4, len(text) - 1)
    for start, stop in spans.values():
        if start < end < stop:
            end = stop
    for (number, path), (start, _) in list(spans.items()):
        if start >= end:
            cell = contexts[number].paper.cells[path]
            cell.text, cell.value, cell.state = "", None, "missing"
            del spans[number, path]
    for number, context in enumerate(contexts):
        context.cut_tables = {table_of(p) for p, c in context.paper.cells.items() if c.state == "missing"} & {
            table_of(p) for p, c in context.paper.cells.items() if c.text
        }
        for path, cell in context.paper.cells.items():
            if not cell.text and cell.state == "blank" and _after(path, number, spans, context.paper):
                cell.state = "missing"
        _forget_hidden_errors(context.paper)
    return text[:end]


def _after(path: str, number: int, spans: dict[tuple[int, str], tuple[int, int]], paper: Paper) -> bool:
    """A blank cell of a table of which nothing later survived the cut."""
    order = [p for p in paper.cells if table_of(p) == table_of(path)]
    return not any((number, p) in spans for p in order[order.index(path) :])


def _forget_hidden_errors(paper: Paper) -> None:
    """An error that no wholly printed equation shows any more cannot be found; it stays as a printed number."""
    if not paper.broken():
        paper.planted.clear()


def expected_of(context: Context, number: int, spans: dict[tuple[int, str], tuple[int, int]], slots: Slots) -> Expected:
    paper, record = context.paper, context.paper.record
    truth = {path: cell.value for path, cell in paper.cells.items()}
    states = {path: cell.state for path, cell in paper.cells.items()}
    every = paths_of(record, paper.printed_groups, frozenset())
    for paths in every.values():
        for path in paths:
            truth.setdefault(path, None)
            states.setdefault(path, "missing")
    sure = {path for path, cell in paper.cells.items() if cell.value is not None and cell.sure}
    lenient = set(context.lenient)
    for row in paper.dropped:
        lenient.update(paper.row_paths(row))
        if not _alike(paper, row):
            context.undecided.update(paper.row_paths(row))
    if not any(cell.text for path, cell in paper.cells.items()):
        context.undecided |= paper.cells.keys()
    if paper.noise.on("no_header"):
        context.undecided |= {path for path in truth if table_of(path) == "requests"}
    decided = sure - context.undecided
    tables = {
        table: bool(cells := [p for p in paper.cells if table_of(p) == table and paper.cells[p].state != "missing"])
        and all(paper.cells[p].value is None or p in decided for p in cells)
        and not any(p in context.undecided or paper.cells[p].state == "illegible" for p in cells)
        and table not in context.cut_tables
        for table in TABLES
    }
    printed = {path: cell.text for path, cell in paper.cells.items() if cell.text}
    return Expected(
        form=record.form,
        organization=record.organization,
        year=record.year,
        truth=truth,
        states=states,
        record_values=_beneath(record),
        decided=decided,
        lenient=lenient,
        planted=list(paper.planted),
        tables_decided=tables,
        printed=printed,
        spans={path: span for (n, path), span in spans.items() if n == number},
        fee_unit=record.fee_unit if paper.unit_printed and truth.get("disclosure.fees.amount") is not None else None,
        misprints=list(paper.misprints),
        broken=paper.broken(),
    )


def _alike(paper: Paper, row: str) -> bool:
    """All numbers of a row that lost a cell are 0, so that it does not matter which was lost."""
    return all(int(paper.record.values[path]) == 0 for path in paper.row_paths(row))


def _beneath(record: Record) -> dict[str, Value]:
    """The true numbers, amounts as exact decimals."""
    out: dict[str, Value] = dict(record.values)
    for path, value in out.items():
        if path.endswith(".amount"):
            out[path] = Decimal(value)
    assert all(f"requests.{group}.all.total" in out for group in GROUPS)
    return out
