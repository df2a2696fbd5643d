"""Lets systems read the reports of a gold set and scores what they answer, document by document."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from extractor.eval import runs
from extractor.eval.documents import documents_of, without_score
from extractor.eval.gold import GoldSet, Label
from extractor.eval.runs import Run, Writer
from extractor.eval.systems import System

from extractor.errors import GoujiError, InputError, UsageError

# A system that asks a model has several documents under way, so that the endpoint is busy.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: `systems` are made when the first document needs them."""

    names: Sequence[str]
    make: Callable[[str], System]
    model: str | None = None
    repeats: int = 1
    temperature: float | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One file under one system: the labels that are still to do."""

    system: str
    repeat: int
    file: str
    labels: tuple[Label, ...]
    todo: frozenset[str]


@dataclass(slots=True)
class Outcome:
    """A run as far as it came. `failure`: what kept a system from going on (exit 4, 5). `notes`: for people."""

    run: Run
    failure: GoujiError | None = None
    interrupted: bool = False
    notes: tuple[str, ...] = ()


Progress = Callable[[int, int, str], None]


def evaluate(gold: GoldSet, plan: Plan, progress: Progress | None = None) -> Outcome:
    """Runs what is not done yet. Errors: UsageError where `plan.out` holds a run of something else.

    An interruption (Ctrl-C) ends the run with what is done.
    """
    run, notes = begin(gold, plan)
    outcome = Outcome(run, notes=tuple(notes))
    steps = list(_steps(gold, plan, run))
    todo = sum(len(step.todo) for step in steps)
    done = len(run.documents) - sum(not d["cells"] for d in run.documents)
    total = done + todo
    if not steps and run.status == "done":
        return outcome
    with Writer(run, plan.out) as writer:
        try:
            for name in plan.names:
                mine = [step for step in steps if step.system == name]
                if not mine:
                    continue
                system = plan.make(name)
                try:
                    for step, documents, failure in _read_all(gold, system, mine):
                        outcome.failure = outcome.failure or failure
                        writer.add([d for d in documents if d["name"] in step.todo])
                        done += len(step.todo)
                        if progress is not None:
                            progress(done, total, f"{name} {step.file}")
                finally:
                    _close(system)
        except KeyboardInterrupt:
            outcome.interrupted = True
        _in_order(gold, plan, run)
        writer.end("interrupted" if outcome.interrupted else "done")
    return outcome


def begin(gold: GoldSet, plan: Plan) -> tuple[Run, list[str]]:
    """A new run, or the one that lies at `plan.out` already, scored anew against the labels as they are."""
    head = runs.head_of(gold, plan.names, plan.model, plan.repeats, plan.temperature)
    if plan.out is None or not plan.out.exists():
        return Run(head, path=plan.out), []
    old = runs.read(plan.out)
    told = runs.differences(old.head, head)
    if told:
        raise UsageError(
            "another_run",
            f"{plan.out} is a run of something else: {'; '.join(told)}.",
            "Name a new file with --out, or remove this one.",
        )
    notes = []
    if old.head.get("git") != head["git"]:
        notes.append(f"{plan.out} was begun at revision {old.head.get('git')}, now it is {head['git']}")
    run = runs.rescore(old, gold)
    done = sum(bool(document["cells"]) for document in run.documents)
    notes.append(f"{plan.out}: {done} documents are there already")
    if done < len(plan.names) * plan.repeats * len(gold.labels):
        run.status, run.finished = "running", None
    return run, notes


def _steps(gold: GoldSet, plan: Plan, run: Run) -> Iterator[Step]:
    done = {(d["system"], d["repeat"], d["name"]) for d in run.documents if d["cells"]}
    for name in plan.names:
        for repeat in range(plan.repeats):
            for file, labels in gold.files():
                todo = frozenset(one.name for one in labels if (name, repeat, one.name) not in done)
                if todo:
                    yield Step(name, repeat, file, labels, todo)


class _About(TypedDict):
    system: str
    repeat: int
    seconds: float


Read = tuple[Step, list[dict[str, Any]], GoujiError | None]


def _read_all(gold: GoldSet, system: System, steps: Sequence[Step]) -> Iterator[Read]:
    """What comes of each step, as it comes. After a failure that is the endpoint's or a limit's nothing more is begun
    that would only wait for it."""
    if system.name == "rule":
        for step in steps:
            yield _read_one(gold, system, step)
        return
    waiting = list(reversed(steps))
    pool = ThreadPoolExecutor(_AT_ONCE)
    under_way: set[Future[Read]] = set()
    failure: GoujiError | None = None
    try:
        while waiting or under_way:
            while waiting and len(under_way) < _AT_ONCE:
                under_way.add(pool.submit(_read_one, gold, system, waiting.pop()))
            finished, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in finished:
                step, documents, failed = future.result()
                failure = failure or failed
                yield step, documents, failed
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read_one(gold: GoldSet, system: System, step: Step) -> Read:
    started = time.perf_counter()
    text = ""
    failure: GoujiError | None = None
    try:
        text = gold.text(step.file)
        results = system.read(text, step.file)
    except InputError as error:  # what cannot be read gives no number: all of them are missed
        results = [_failed(step, error.code, error.message, error.hint)]
    except GoujiError as error:
        failure, results = error, []
    except Exception as error:  # a fault of the system is no excuse: all numbers are missed
        results = [
            _failed(step, "internal", f"{type(error).__name__}: {str(error)[:200]}", "This is a fault of gouji.")
        ]
    seconds = time.perf_counter() - started
    about: _About = {"system": step.system, "repeat": step.repeat, "seconds": seconds}
    if failure is not None:
        fault = {"code": failure.code, "message": failure.message, "hint": failure.hint}
        return step, without_score(step.labels, fault, **about), failure
    return step, documents_of(gold, step.file, step.labels, results, text, **about), None


def _failed(step: Step, code: str, message: str, hint: str) -> dict[str, Any]:
    verdicts = dict.fromkeys(("disclosure", "requests", "disputes"), "failed")
    error = {"code": code, "message": message, "hint": hint}
    return {"source": step.file, "verdict": "failed", "verdicts": verdicts, "record": None, "cells": [], "error": error}


def _close(system: System) -> None:
    close = getattr(system, "close", None)
    if close is not None:
        close()


def _in_order(gold: GoldSet, plan: Plan, run: Run) -> None:
    """Documents in the order of systems, repeats and labels, however they came."""
    order = {label.name: number for number, label in enumerate(gold.labels)}
    names = {name: number for number, name in enumerate(plan.names)}
    run.documents.sort(key=lambda d: (names[d["system"]], d["repeat"], order[d["name"]]))
