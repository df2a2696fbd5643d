"""What glued digits decide: all cuts of a run into numbers, and which of them fit every equation as printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Cut = tuple[int, ...]
Vector = tuple[int, ...]

# Beyond this many partial sums nothing is claimed to be decided.
_MOST_STATES = 20_000
_MOST_CUTS = 3_000


class TooManyError(Exception):
    """The search space is too large to claim anything."""


def cuts(run: str, n: int) -> Iterator[Cut]:
    """All ways to cut a run of digits into `n` numbers without leading zeros."""
    if n == 0:
        if not run:
            yield ()
        return
    if len(run) < n:
        return
    longest = 1 if run[0] == "0" else len(run) - n + 1
    for size in range(1, longest + 1):
        head = int(run[:size])
        for rest in cuts(run[size:], n - 1):
            yield (head, *rest)


def sum_cuts(run: str, n: int) -> Iterator[Cut]:
    """Cuts into `n` numbers of which the last is the sum of the others (searched from the last)."""
    for size in range(1, len(run) - n + 2):
        tail = run[len(run) - size :]
        if len(tail) > 1 and tail[0] == "0":
            continue
        for rest in _summing(run[: len(run) - size], n - 1, int(tail)):
            yield (*rest, int(tail))


def _summing(run: str, n: int, total: int) -> Iterator[Cut]:
    if n == 0:
        if not run and total == 0:
            yield ()
        return
    if len(run) < n or len(run) > n * len(str(total)):
        return
    longest = 1 if run[0] == "0" else len(run) - n + 1
    for size in range(1, longest + 1):
        head = int(run[:size])
        if head > total:
            break
        for rest in _summing(run[size:], n - 1, total - head):
            yield (head, *rest)


def cells_cuts(tokens: Sequence[str], n: int) -> Iterator[Cut]:
    """All ways to read tokens (kept apart on paper) as `n` numbers in all, each token at least one."""
    if not tokens:
        if n == 0:
            yield ()
        return
    head, rest = tokens[0], tokens[1:]
    for here in range(1, min(len(head), n - len(rest)) + 1):
        for cut in cuts(head, here):
            for others in cells_cuts(rest, n - here):
                yield cut + others


def row_candidates(tokens: Sequence[str], n: int, summed: bool) -> list[Cut]:
    """The readings of a row's tokens; `summed`: the last number is the sum of the others."""
    if len(tokens) == 1 and summed:
        source: Iterator[Cut] = sum_cuts(tokens[0], n)
    else:
        source = (cut for cut in cells_cuts(tokens, n) if not summed or sum(cut[:-1]) == cut[-1])
    out: list[Cut] = []
    for cut in source:
        out.append(cut)
        if len(out) > _MOST_CUTS:
            raise TooManyError
    return out


def blocks_candidates(run: str, blocks: int, size: int) -> list[Cut]:
    """The readings of a run as `blocks` groups of `size` numbers, each ending with its sum (table 4)."""
    ways: dict[int, list[Cut]] = {0: [()]}
    for block in range(blocks):
        after: dict[int, list[Cut]] = {}
        left = (blocks - block - 1) * size
        for start, heads in ways.items():
            for end in range(start + size, len(run) - left + 1):
                for cut in sum_cuts(run[start:end], size):
                    after.setdefault(end, []).extend((*head, *cut) for head in heads)
                    if len(after[end]) > _MOST_CUTS:
                        raise TooManyError
        ways = after
    return ways.get(len(run), [])


@dataclass(frozen=True, slots=True)
class Balance:
    """Which rows of table 3 stand where in the two column rules; None: a rule that cannot be asked."""

    outcomes: tuple[str, ...] | None
    processed: str = "total_processed"
    incoming: tuple[str, str] = ("new_received", "carried_in")
    outgoing: str = "carried_out"


def _add(a: Vector, b: Vector) -> Vector:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def survivors(candidates: Mapping[str, list[Cut]], balance: Balance) -> dict[str, list[Cut]]:
    """The row readings that occur in some reading of the whole table that keeps every column rule."""
    rows = dict(candidates)
    heads = [*balance.incoming, balance.processed, balance.outgoing]
    if all(row in rows for row in heads):
        new, old, done, out = (rows[row] for row in heads)
        if len(new) * len(old) * len(done) * len(out) > _MOST_STATES * 5:
            raise TooManyError
        fits = [(a, b, c, d) for a in new for b in old for c in done for d in out if _add(a, b) == _add(c, d)]
        if balance.outcomes is not None:
            reachable = _reach([rows[row] for row in balance.outcomes], done)
            fits = [fit for fit in fits if fit[2] in reachable[-1]]
        for i, row in enumerate(heads):
            rows[row] = list(dict.fromkeys(fit[i] for fit in fits))
    if balance.outcomes is not None:
        lists = [rows[row] for row in balance.outcomes]
        reachable = _reach(lists, rows[balance.processed])
        wanted = {cut for cut in rows[balance.processed] if cut in reachable[-1]}
        for i in range(len(lists) - 1, -1, -1):
            kept: dict[Cut, None] = {}
            before: set[Vector] = set()
            for cut in lists[i]:
                for goal in wanted:
                    rest = tuple(x - y for x, y in zip(goal, cut, strict=True))
                    if min(rest) >= 0 and rest in reachable[i]:
                        kept[cut] = None
                        before.add(rest)
            rows[balance.outcomes[i]] = list(kept)
            wanted = before
    return rows


def _reach(lists: Sequence[Sequence[Cut]], goals: Sequence[Cut]) -> list[set[Vector]]:
    """Sums that the first k rows can have, none above every goal, for k = 0 … all."""
    top = tuple(max((goal[i] for goal in goals), default=0) for i in range(7))
    layers: list[set[Vector]] = [{(0,) * 7}]
    for cuts_of_row in lists:
        sums = {_add(start, cut) for start in layers[-1] for cut in cuts_of_row}
        layer = {total for total in sums if all(x <= y for x, y in zip(total, top, strict=True))}
        if len(layer) > _MOST_STATES:
            raise TooManyError
        layers.append(layer)
    return layers


def agreed(readings: Sequence[Cut], n: int) -> list[bool]:
    """For each of `n` cells, whether all readings give it the same number."""
    return [len({reading[i] for reading in readings}) == 1 for i in range(n)] if readings else [False] * n
