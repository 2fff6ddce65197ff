"""How well boxes are found: average precision, as functions of resampling weights over the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.measures import Floats, Ints
from training.media.boxes import overlaps
from training.resampling import Measure, Weights

OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


@dataclass(frozen=True)
class Boxes:
    """The boxes of one picture: corners (n, 4) in pixels, class numbers (n,), and how sure each is (n,)."""

    corners: NDArray[np.float32]
    labels: Ints
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Ranking:
    """All boxes that were said to be of one class, surest first, and how many there are in truth."""

    pictures: Ints
    """The picture of each box."""
    hits: NDArray[np.bool_]
    there: Ints
    """True boxes of each picture."""
    scores: NDArray[np.float32]


def detection_estimators(truth: Sequence[Boxes], found: Sequence[Boxes], classes: int) -> dict[str, Measure]:
    """mAP at an overlap of one half, and averaged over overlaps from 0.5 to 0.95 as COCO does, headline first.

    T.-Y. Lin et al., "Microsoft COCO", 2014, https://arxiv.org/abs/1405.0312; the area under the curve is exact
    instead of sampled at 101 points.
    """
    rankings = {overlap: [rank(truth, found, label, overlap) for label in range(classes)] for overlap in OVERLAPS}
    return {
        "map50": _mean_precision(rankings[OVERLAPS[0]]),
        "map": _mean_precision([one for each in rankings.values() for one in each]),
    }


def rank(truth: Sequence[Boxes], found: Sequence[Boxes], label: int, overlap: float) -> Ranking:
    """Match the boxes of one class, the surest first, each with the true box it overlaps most and nobody has yet."""
    pictures, hits, scores = list[int](), list[bool](), list[float]()
    for number, (true, said) in enumerate(zip(truth, found, strict=True)):
        own, boxes = true.corners[true.labels == label], said.labels == label
        order = np.argsort(-said.scores[boxes], kind="stable")
        hits += _match(own, said.corners[boxes][order], overlap)
        scores += said.scores[boxes][order].tolist()
        pictures += [number] * len(order)
    ranked = np.argsort(-np.asarray(scores), kind="stable")
    return Ranking(
        pictures=np.asarray(pictures, np.int64)[ranked],
        hits=np.asarray(hits, bool)[ranked],
        there=np.array([(true.labels == label).sum() for true in truth], np.int64),
        scores=np.asarray(scores, np.float32)[ranked],
    )


def precision_and_recall(ranking: Ranking, weights: Weights) -> tuple[Floats, Floats]:
    """Along the ranking, (resamples, boxes) each; the precision is the best at that recall or a higher one."""
    drawn = weights[:, ranking.pictures]
    hits = np.cumsum(drawn * ranking.hits, axis=1)
    precision = hits / np.maximum(np.cumsum(drawn, axis=1), 1e-9)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return envelope, hits / np.maximum(weights @ ranking.there, 1e-9)[:, None]


def _mean_precision(rankings: Sequence[Ranking]) -> Measure:
    """Area under precision over recall, averaged over the rankings of which a resample holds a true box."""

    def measure(weights: Weights) -> Floats:
        areas = np.stack([_area(ranking, weights) for ranking in rankings])
        there = np.stack([weights @ ranking.there > 0 for ranking in rankings])
        return np.asarray((areas * there).sum(axis=0) / np.maximum(there.sum(axis=0), 1))

    return measure


def _area(ranking: Ranking, weights: Weights) -> Floats:
    precision, recall = precision_and_recall(ranking, weights)
    return np.asarray((precision * np.diff(recall, axis=1, prepend=0.0)).sum(axis=1))


def _match(true: NDArray[np.float32], said: NDArray[np.float32], overlap: float) -> list[bool]:
    """For each box said whether it hits a true box that none before it has hit."""
    if not len(true) or not len(said):
        return [False] * len(said)
    shared = overlaps(torch.from_numpy(said), torch.from_numpy(true)).numpy()
    hits = []
    for row in shared:
        best = int(row.argmax())
        hits.append(bool(row[best] >= overlap))
        if hits[-1]:
            shared[:, best] = -1.0
    return hits
