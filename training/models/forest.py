"""What grown trees have in common, whichever library grew them, and the rows that they are grown on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from training.measures import Floats, Ints


class Forest(Protocol):
    """Grown trees of one library."""

    def raw(self, numbers: Floats, codes: Ints, rounds: int) -> Floats:
        """Sums over the trees of the first `rounds`: (rows,), or (rows, classes) where there are more than two."""

    def save(self, folder: Path, rounds: int) -> None:
        """Write the trees of the first `rounds`."""


class Rows(NamedTuple):
    """The rows of one part."""

    numbers: Floats
    codes: Ints
    targets: NDArray[Any]
    weights: Floats | None
    """How much each counts in the loss (n,); None if all count alike."""

    def matrix(self, some: int | slice | list[int] = slice(None)) -> Floats:
        """Numbers, then codes: (n, columns) of some of the rows, (columns,) of one."""
        return np.concatenate([self.numbers[some], self.codes[some]], axis=-1)
