"""`gouji eval`: scores systems against hand-made labels, keeps runs, compares them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.cli.options import Debug, parse_money
from extractor.errors import GoujiError, UsageError

if TYPE_CHECKING:
    from extractor.eval.diff import Diff
    from extractor.eval.gold import GoldSet
    from extractor.eval.harness import Outcome
    from extractor.eval.runs import Run

EPILOG = (
    "\b\nExamples:\n"
    "  gouji eval                                         the reader on the project's own fixtures\n"
    "  gouji eval --gold gold/ --reports reports/         on your own labels\n"
    "  gouji eval --system rule,hybrid --model deepseek   systems side by side\n"
    "  gouji eval --documents 500 --seed 7                on generated reports, any number of them\n"
    "  gouji eval --out run.jsonl                         keep the run; killed, it goes on where it stopped\n"
    "  gouji eval --rescore run.jsonl                     labels changed: score again, ask no model\n"
    "  gouji eval --fail-under accuracy=0.995 --fail-over escapes=0     for CI\n"
    "  gouji eval bless run.jsonl; gouji eval --exit-on-regression      against what was good\n"
    "  gouji eval diff before.jsonl after.jsonl           cell by cell, newly wrong first\n"
    "  gouji eval lint                                    labels that cannot be right\n"
    "\n"
    "\b\nWords: an escape is a wrong number inside a table that is trusted (verified, reconciled,\n"
    "inconsistent). missed: no value where a number is printed; refused: missed in a table that is\n"
    "not trusted. invented: a value where none is printed. derived: a value that follows from the\n"
    "rules where none is printed; it is in no other figure. undecidable: the text allows several\n"
    "readings. Intervals are 95 %, bootstrapped over documents.\n"
    "\n"
    "\b\nExit codes: 0 done; 1 a limit was not kept or something is worse than the baseline; 2 usage or\n"
    "malformed gold; 4 the model endpoint failed; 5 a budget was reached; 130 interrupted."
)

eval_app = typer.Typer(
    name="eval",
    invoke_without_command=True,
    no_args_is_help=False,
    rich_markup_mode=None,
    epilog=EPILOG,
    help="Score systems against hand-made labels: what is right, what is missed, what is wrong and trusted.",
)

Gold = Annotated[
    Path | None, typer.Option("--gold", metavar="DIR", help="Labels, NAME.json (in a clone: fixtures/gold).")
]
Reports = Annotated[
    Path | None, typer.Option("--reports", metavar="DIR", help="Their reports (in a clone: fixtures/reports).")
]
Claims = Annotated[
    Path | None,
    typer.Option("--claims", metavar="DIR", help="Labelled claims of the narrative (else `claims` beside the gold)."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")]


@eval_app.callback()
def evaluate(
    ctx: typer.Context,
    gold: Gold = None,
    reports: Reports = None,
    claims: Claims = None,
    documents: Annotated[
        int | None,
        typer.Option("--documents", min=1, help="Instead of labels: so many generated reports, any number of them."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The first seed of --documents; the next ones count up.")] = 1,
    family: Annotated[
        list[str] | None,
        typer.Option("--family", metavar="NAME", help="Only this layout family of --documents. Repeatable."),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option("--system", metavar="NAME", help="rule, llm, hybrid or naive; several side by side. [rule]"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="SPEC", envvar="GOUJI_MODEL", help="The model of llm, hybrid and naive."),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Read everything so many times.")] = 1,
    temperature: Annotated[float | None, typer.Option("--temperature", help="Of the model, instead of 0.")] = None,
    max_cost: Annotated[
        str | None, typer.Option("--max-cost", metavar="USD", help="Stop a system when it has spent this much.")
    ] = None,
    max_calls: Annotated[int | None, typer.Option("--max-calls", help="Stop a system after so many calls.")] = None,
    as_json: Json = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write a page to look at.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="RUN", help="Keep the run in this file; go on with it if it is there."),
    ] = None,
    rescore: Annotated[
        Path | None, typer.Option("--rescore", metavar="RUN", help="Score a kept run again; nothing is read anew.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="RUN", help="Say what changed since this run.")
    ] = None,
    exit_on_regression: Annotated[
        bool,
        typer.Option("--exit-on-regression", help="Exit 1 if a cell or table is worse than in the baseline."),
    ] = False,
    fail_under: Annotated[
        list[str] | None,
        typer.Option("--fail-under", metavar="METRIC=X", help="Exit 1 if a figure is under X. Repeatable."),
    ] = None,
    fail_over: Annotated[
        list[str] | None,
        typer.Option("--fail-over", metavar="METRIC=X", help="Exit 1 if a figure is over X. Repeatable."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")] = False,
    debug: Debug = False,
) -> None:
    """Score systems against hand-made labels: what is right, what is missed, what is wrong and trusted."""
    if ctx.invoked_subcommand is not None:
        _nothing_before(ctx)
        return
    from extractor.eval import limits as limits_module

    if rescore is not None:
        if system or out == rescore:
            raise UsageError(
                "two_ways", "--rescore reads nothing anew: it takes no --system, and --out only with another file.",
                "Leave --rescore out to read, or the others to score.",
            )  # fmt: skip
        kept = _read_run(rescore)
        names = kept.systems
    else:
        kept, names = None, _names(system)
    limits = limits_module.parse_all(fail_under or [], fail_over or [], names)
    before = _baseline(baseline, exit_on_regression)
    if html is not None and (html.is_dir() or not html.absolute().parent.is_dir()):  # said before anything is spent
        raise UsageError(
            "cannot_write", f"{html} is no file that can be written.", "Name one in a folder that is there."
        )
    labels = gold_set(gold, reports, claims) if documents is None else _generated(documents, seed, family or [])
    if documents is not None and (gold or reports or claims):
        raise UsageError(
            "two_sets", "--documents makes its own labels and reports.", "Leave --gold, --reports and --claims out."
        )
    if documents is None and family:
        raise UsageError("no_documents", "--family chooses among generated reports.", "Add --documents N.")
    say = _silent if quiet else _say
    for remark in limits_module.questionable(limits):
        say(remark)
    if kept is not None:
        outcome = _rescored(kept, labels, out)
    else:
        asks = any(name != "rule" for name in names)
        spend = {"max_cost": parse_money(max_cost), "max_calls": max_calls, "temperature": temperature}
        if model and not asks and _typed(ctx, "model"):
            say("--model is not asked by the system rule; add --system hybrid")
        outcome = _evaluated(labels, names, model if asks else None, repeats, spend, out, quiet)
    for note in outcome.notes:
        say(note)
    run = outcome.run
    if not run.documents:
        _leave(outcome, 0)
    figures = run.figures()
    diffs = _diffs(before, run) if before is not None and not outcome.interrupted else []
    if as_json:
        sys.stdout.write(json.dumps(_object(run, diffs), ensure_ascii=False, indent=1) + "\n")
    else:
        from extractor.cli.eval_view import show_diff, show_run
        from extractor.cli.grid import show_lines

        show_lines(show_run(run), sys.stdout)
        for diff in diffs:
            show_lines(show_diff(diff), sys.stdout)
    sys.stdout.flush()
    if html is not None:
        _write_page(html, run)
    told = limits_module.broken(limits, figures)
    if exit_on_regression:
        told += [f"{diff.systems[1]}: {diff.regressions} worse than the baseline" for diff in diffs if diff.regressions]
    for words in told:
        typer.echo(f"gouji: {words} [limit]", err=True)
    _leave(outcome, 1 if told else 0)


@eval_app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="A run (`gouji eval --out`).")],
    after: Annotated[Path, typer.Argument(metavar="B", help="A later run of the same documents.")],
    system: Annotated[str | None, typer.Option("--system", metavar="NAME", help="Only this system.")] = None,
    as_json: Json = False,
    exit_on_regression: Annotated[
        bool, typer.Option("--exit-on-regression", help="Exit 1 if a cell or table is worse in B.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Compare two runs document by document and cell by cell, newly wrong cells first."""
    from extractor.eval.diff import compare

    diffs = compare(_read_run(before), _read_run(after), system)
    if as_json:
        told: dict[str, Any] = diffs[0].to_json()
        if len(diffs) > 1:
            told["systems_compared"] = [one.to_json() for one in diffs]
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    else:
        from extractor.cli.eval_view import show_diff
        from extractor.cli.grid import show_lines

        for one in diffs:
            show_lines(show_diff(one), sys.stdout)
    if exit_on_regression and any(one.regressions for one in diffs):
        raise typer.Exit(1)


@eval_app.command()
def bless(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run (`gouji eval --out`).")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to. [.gouji/baseline.jsonl]")] = None,
    debug: Debug = False,
) -> None:
    """Make a run the baseline that later runs are compared with."""
    from extractor.eval.diff import BASELINE
    from extractor.eval.diff import bless as copy

    typer.echo(f"{copy(_read_run(run), to or BASELINE)} is the baseline")


@eval_app.command()
def lint(
    gold: Gold = None, reports: Reports = None, claims: Claims = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Find labels that break the form's rules without a note, or that the text does not bear out; exit 1 on errors."""
    from extractor.eval.lint import lint as find
    from extractor.eval.lint import show

    complaints = find(*_folders(gold, reports), claims)
    if as_json:
        for complaint in complaints:
            sys.stdout.write(json.dumps(complaint.to_json(), ensure_ascii=False) + "\n")
    else:
        show(complaints, sys.stdout)
    if any(complaint.severity == "error" for complaint in complaints):
        raise typer.Exit(1)


# ------------------------------------------------------------------------------------------------ what is given


def gold_set(gold: Path | None, reports: Path | None, claims: Path | None) -> GoldSet:
    """The labels with their reports. Errors: UsageError."""
    from extractor.eval.gold import load

    gold_dir, report_dir = _folders(gold, reports)
    beside = (gold_dir if gold_dir.is_dir() else gold_dir.parent).parent / "claims"
    return load(gold_dir, report_dir, claims or (beside if beside.is_dir() else None))


def _generated(documents: int, seed: int, families: list[str]) -> GoldSet:
    from extractor.eval.generated import generated

    return generated(documents, seed, families)


def _folders(gold: Path | None, reports: Path | None) -> tuple[Path, Path]:
    """Where labels and reports lie. Errors: UsageError where nothing is said and this is no clone."""
    import extractor.eval as package

    fixtures = Path(package.__path__[0]).resolve().parent / "fixtures"
    asked = [option for option, given in (("--gold DIR", gold), ("--reports DIR", reports)) if given is None]
    if asked and not (fixtures / "gold").is_dir():
        raise UsageError(
            "no_gold", "The fixtures come with a clone of the project, not with the installed package.",
            f"Say where yours are: add {' and '.join(asked)}.",
        )  # fmt: skip
    return gold or fixtures / "gold", reports or fixtures / "reports"


def _names(given: list[str] | None) -> list[str]:
    from extractor.eval.systems import NAMES

    names = list(dict.fromkeys(name.strip() for part in given or ["rule"] for name in part.split(",")))
    for name in names:
        if name not in NAMES:
            raise UsageError(
                "unknown_system", f"--system {name or '(nothing)'} is no system.", f"Use {', '.join(NAMES)}."
            )
    return names


def _read_run(path: Path) -> Run:
    from extractor.eval.runs import read

    return read(path)


def _baseline(path: Path | None, needed: bool) -> Run | None:
    from extractor.eval.diff import BASELINE

    if path is None and not needed:
        return None
    if path is None and not BASELINE.exists():
        raise UsageError(
            "no_baseline",
            f"There is no baseline at {BASELINE}.",
            "Make one: `gouji eval bless RUN`, or add --baseline RUN.",
        )
    return _read_run(path or BASELINE)


def _nothing_before(ctx: typer.Context) -> None:
    given = [name for name in ctx.params if _typed(ctx, name)]
    if given:
        option = "--" + given[0].removeprefix("as_").replace("_", "-")
        raise UsageError(
            "option_before_command", f"{option} stands before `{ctx.invoked_subcommand}` and says nothing to it.",
            f"Write it behind: gouji eval {ctx.invoked_subcommand} … {option}.",
        )  # fmt: skip


def _typed(ctx: typer.Context, name: str) -> bool:
    """Whether an option was typed, not taken from the environment or its default."""
    source = ctx.get_parameter_source(name)
    # By name: typer brings a click of its own, whose enum is not click's.
    return source is not None and source.name == "COMMANDLINE"


# ------------------------------------------------------------------------------------------------ running


def _evaluated(
    labels: GoldSet,
    names: list[str],
    model: str | None,
    repeats: int,
    spend: dict[str, Any],
    out: Path | None,
    quiet: bool,
) -> Outcome:
    from extractor.eval.harness import Plan, evaluate
    from extractor.eval.systems import System, system

    def make(name: str) -> System:
        # A repeat that gets the kept answer of the first one repeats nothing.
        return system(name, model, cache=repeats == 1, **spend)

    for name in names:  # a name or SPEC that is wrong is said before anything is read
        make(name).close()
    plan = Plan(names, make, model, repeats, spend["temperature"], out)
    return evaluate(labels, plan, _progress(quiet))


def _rescored(kept: Run, labels: GoldSet, out: Path | None) -> Outcome:
    from extractor.eval.harness import Outcome
    from extractor.eval.runs import rescore, write

    run = rescore(kept, labels)
    notes = () if run.status == "done" else (f"{kept.path} is not finished (status: {run.status})",)
    if out is not None:
        write(run, out)
    return Outcome(run, notes=notes)


def _diffs(before: Run, after: Run) -> list[Diff]:
    from extractor.eval.diff import compare

    found: list[Diff] = compare(before, after)
    return found


def _write_page(path: Path, run: Run) -> None:
    from extractor.eval.report import render
    from extractor.eval.runs import unwritable

    page = render(run.figures(), run.documents, run.info())
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from None


def _object(run: Run, diffs: list[Diff]) -> dict[str, Any]:
    """The contract's counts of the first system at the top; all systems under `systems` where there are several."""
    figures = run.figures()
    first = run.systems[0]
    told = {"system": first, **figures[first], "unlabelled": run.head["unlabelled"]}
    told["run"] = {key: value for key, value in run.info().items() if key not in ("type", "gold")}
    if len(figures) > 1:
        told["systems"] = figures
    if diffs:
        told["baseline"] = [one.to_json() for one in diffs]
    return told


# ------------------------------------------------------------------------------------------------ saying


def _say(words: str) -> None:
    typer.echo(f"gouji: {words}", err=True)


def _silent(words: str) -> None:
    pass


@dataclass(slots=True)
class _Bar:
    """One line on a terminal that is written over."""

    wide: int = 0

    def __call__(self, done: int, total: int, what: str) -> None:
        line = f"{done}/{total} {what}"[:78]
        sys.stderr.write("\r" + line.ljust(self.wide))
        self.wide = len(line)
        if done >= total:
            sys.stderr.write("\r" + " " * self.wide + "\r")
        sys.stderr.flush()


def _progress(quiet: bool) -> Callable[[int, int, str], None] | None:
    return None if quiet or not sys.stderr.isatty() else _Bar()


def _leave(outcome: Outcome, code: int) -> None:
    """Ends with the gravest: an interruption, a failed endpoint, a limit that was not kept."""
    from extractor.cli.main import print_error

    failure: GoujiError | None = outcome.failure
    if failure is not None:
        print_error(failure)
    if outcome.interrupted:
        kept = f"kept in {outcome.run.path}" if outcome.run.path else "shown"
        typer.echo(f"interrupted; what was finished is {kept}.", err=True)
        raise typer.Exit(130)
    raise typer.Exit(failure.exit_code if failure is not None else code)
