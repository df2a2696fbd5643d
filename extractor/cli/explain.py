"""`gouji explain`: a rule's formula, meaning, source, an example that passes and one that fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Annotated, Any

import typer

from extractor.cli.options import Debug


def explain(
    rule: Annotated[
        str | None, typer.Argument(metavar="RULE", help="A rule's code, as findings carry it. None: list all rules.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The catalogue's entry as JSON (all, without RULE).")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The whole catalogue as docs/rules.md.")] = False,
    debug: Debug = False,
) -> None:
    """Print a rule: formula, meaning, source, an example that passes and one that fails."""
    from extractor.rules.catalogue import catalogue, find_rule

    if markdown:
        from extractor.cli.rules_page import page

        sys.stdout.write(page())
        return
    if rule is None:
        rules = list(catalogue().values())
        if as_json:
            sys.stdout.write(json.dumps([item.to_json() for item in rules], ensure_ascii=False, indent=1) + "\n")
            return
        for family, members in groupby(rules, key=lambda item: item.family):
            typer.echo(f"{family}")
            for item in members:
                typer.echo(f"  {item.code:<42} {item.severity:<8} {item.zh}")
        typer.echo("\ngouji explain RULE tells more of one.")
        return
    found = find_rule(rule)
    if as_json:
        sys.stdout.write(json.dumps(found.to_json(), ensure_ascii=False, indent=1) + "\n")
        return
    for line in list(words(found, rule)):
        typer.echo(line)


def words(rule: Any, asked: str) -> Iterator[str]:
    """The lines that explain a rule; `asked` may name one application of it."""
    from extractor.rules.catalogue import rule_of
    from extractor.rules.examples import describe, example_outcome

    yield f"{rule.code}  ({rule.severity})"
    yield f"  {rule.zh}"
    yield f"  {rule.en}"
    yield ""
    yield f"formula    {rule.formula}"
    if asked != rule.code:
        yield from _instance(asked)
    elif rule.instances:
        yield f"codes      {rule.instances}"
    yield f"applies    {rule.applies}"
    yield f"source     {rule.source}"
    yield f"passes     {describe(rule.passes)}"
    yield f"fails      {describe(rule.fails)}"
    if rule.about_record:
        for finding in example_outcome(rule, rule.fails).findings:
            if rule_of(finding.rule) is rule:
                yield f"           → {finding.message} [{finding.rule}]"
                yield f"             {finding.message_en}"
                break
    yield f"careful    {rule.false_positives}"


def _instance(code: str) -> Iterator[str]:
    """The equation that a code names, cell by cell."""
    from extractor.form import FORM, GROUPS, equations

    for equation in equations(frozenset(GROUPS)):
        if equation.code == code:
            yield f"{code} is the equation"
            for side, paths in (("left", equation.left), ("right", equation.right)):
                for path in paths:
                    yield f"    {side:<6} {path:<58} {FORM.words(path)}"
            return
    from extractor.errors import UsageError
    from extractor.rules.catalogue import rule_of

    rule = rule_of(code)
    if rule is not None and rule.family == "equations":
        raise UsageError("unknown_rule", f"There is no equation {code!r}.", f"Codes: {rule.instances}")
    yield f"asked for  {code}"
