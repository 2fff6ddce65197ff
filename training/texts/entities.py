"""Names in tagged sentences: where they begin and end, how many were found, and what is told of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.measures import Floats, Ints
from training.report import ClassRow
from training.resampling import Measure, Weights

Flags: TypeAlias = NDArray[np.bool_]

OUTSIDE = "O"
NEVER = -1e6
"""What a forbidden step costs in nats: too much, unless there is no other way."""
_PREFIXED = re.compile(r"([BIESLUM])-(.*)", re.DOTALL)


class Entity(NamedTuple):
    """A stretch of tokens, `end` not included."""

    kind: str
    start: int
    end: int


def entities(tags: Sequence[str]) -> list[Entity]:
    """The names of one sentence by the rules of conlleval, which seqeval follows unless told otherwise.

    B opens a name, and so does any tag after nothing, after a closed name or of another kind. Tags without a prefix, as
    for parts of speech, are a name each. Ramshaw and Marcus, "Text chunking using transformation-based learning", 1995.
    """
    found: list[Entity] = []
    prefix_before, kind_before = OUTSIDE, ""
    for at, tag in enumerate(tags):
        prefix, kind = _parts(tag)
        goes_on = prefix in "IELM" and prefix_before in "BIM" and kind == kind_before
        if goes_on:
            found[-1] = found[-1]._replace(end=at + 1)
        elif prefix != OUTSIDE:
            found.append(Entity(kind, at, at + 1))
        prefix_before, kind_before = prefix, kind
    return found


def _parts(tag: str) -> tuple[str, str]:
    if tag == OUTSIDE or not tag:
        return OUTSIDE, ""
    match = _PREFIXED.fullmatch(tag)
    return (match[1], match[2]) if match else ("S", tag)


def forbidden_steps(tags: Sequence[str]) -> Flags:
    """Which tag may not follow which, where every name must be opened: (tags + 1, tags), the last row for the start.

    I, E, L and M go on with a name of their kind. Nothing is forbidden among tags without such prefixes.
    """
    before, after = [_parts(tag) for tag in (*tags, OUTSIDE)], [_parts(tag) for tag in tags]
    return np.array(
        [[prefix in "IELM" and not (opened in "BIM" and kind == of) for prefix, kind in after] for opened, of in before]
    )


def likeliest_tags(logs: Floats, forbidden: Flags) -> Ints:
    """The likeliest way through log probabilities (words, tags) without a forbidden step: tag numbers (words,).

    Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", 1967.
    """
    if not len(logs):
        return np.empty(0, np.int64)
    cost = np.where(forbidden, NEVER, 0.0)
    best, came_from = logs[0] + cost[-1], []
    for row in logs[1:]:
        ways = best[:, None] + cost[:-1]
        came_from.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + row
    path = [int(best.argmax())]
    for before in reversed(came_from):
        path.append(int(before[path[-1]]))
    return np.array(path[::-1])


def count_entities(truth: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> Floats:
    """Per sentence: names right, names said, names there, tokens right, tokens. Shape (sentences, 5)."""
    counts = np.zeros((len(truth), 5))
    for row, (true, guess) in enumerate(zip(truth, said, strict=True)):
        there, found = set(entities(true)), set(entities(guess))
        right = sum(one == other for one, other in zip(true, guess, strict=True))
        counts[row] = len(there & found), len(found), len(there), right, len(true)
    return counts


def entity_estimators(counts: Floats) -> dict[str, Measure]:
    """Every measure by its key, headline first, from the counts per sentence; all names count the same (micro)."""

    def share(above: Sequence[int], below: Sequence[int]) -> Measure:
        over, under = counts[:, above].sum(axis=1), counts[:, below].sum(axis=1)

        def measure(weights: Weights) -> Floats:
            total = weights @ under
            return np.asarray(np.divide(weights @ over, total, out=np.zeros(len(weights)), where=total > 0))

        return measure

    return {
        "f1": share([0, 0], [1, 2]),
        "precision": share([0], [1]),
        "recall": share([0], [2]),
        "accuracy": share([3], [4]),
    }


def kind_rows(truth: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> list[ClassRow]:
    """How each kind of name came out, the commonest first."""
    there: Counter[str] = Counter()
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for true, guess in zip(truth, said, strict=True):
        names, guessed = set(entities(true)), set(entities(guess))
        there.update(name.kind for name in names)
        found.update(name.kind for name in guessed)
        right.update(name.kind for name in names & guessed)
    return [
        ClassRow(
            label=kind,
            count=there[kind],
            precision=right[kind] / max(1, found[kind]),
            recall=right[kind] / max(1, there[kind]),
            f1=2 * right[kind] / max(1, found[kind] + there[kind]),
        )
        for kind in sorted(there.keys() | found.keys(), key=lambda kind: (-there[kind], kind))
    ]


def in_words(tokens: Sequence[str], tags: Sequence[str]) -> str:
    """The names of a sentence as people read them: "New York (location), Ada (person)"."""
    names = [f"{' '.join(tokens[name.start : name.end])} ({name.kind})" for name in entities(tags)]
    return ", ".join(names) or "no name"
