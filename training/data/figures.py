"""Figures of columns as they are drawn: histograms, ranges and counts, short enough to read."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

BINS = 30
TOP = 20


def histogram(numbers: NDArray[np.generic]) -> dict[str, JsonValue]:
    """Edges and counts; whole numbers of a narrow range get a bin each."""
    low, high = float(numbers.min()), float(numbers.max())
    if not math.isfinite(high - low):
        return {}
    if np.issubdtype(numbers.dtype, np.integer) and high - low < BINS:
        edges = np.arange(low, high + 2) - 0.5
    else:
        edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, high + 0.5])
    counts, edges = np.histogram(numbers, bins=edges)  # block by block, without a copy
    return {"edges": [short(edge) for edge in edges], "counts": counts.tolist()}


def spread(numbers: Sequence[float] | NDArray[np.generic]) -> dict[str, JsonValue]:
    """Smallest, largest and mean; empty where there are none."""
    values = np.asarray(numbers, dtype=np.float64)
    return {"min": short(values.min()), "max": short(values.max()), "mean": short(values.mean())} if len(values) else {}


def most_common(counts: Mapping[str, int]) -> JsonValue:
    """The commonest with their counts; equal counts in the order of their names."""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:TOP]
    return [{"value": value, "count": count} for value, count in ordered]


def short(number: object) -> float | int:
    """A figure with at most six significant digits; whole numbers stay whole."""
    value = float(number)  # type: ignore[arg-type]
    if value.is_integer() and abs(value) < 2**53:
        return int(value)
    return float(f"{value:.6g}")
