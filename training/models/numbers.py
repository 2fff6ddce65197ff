"""Ways in which networks for tables read a number: by learnt waves, or by pieces of the line it lies on."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.media.encoded import spread

CUT_BY = 50_000
"""Rows by which columns are cut at most."""


def read_numbers(numbers: int, width: int, pieces: int) -> nn.Module | None:
    """A reader that gives `width` numbers for each of so many; None where they are read plainly."""
    if not (numbers and width):
        return None
    return PieceNumbers(numbers, width, pieces) if pieces else PeriodicNumbers(numbers, width)


class PeriodicNumbers(nn.Module):
    """Each number as a small vector of learnt waves, then a linear map: (B, n) to (B, n * width).

    The PLR embedding of Gorishniy et al., "On embeddings for numerical features in tabular deep learning", 2022,
    https://arxiv.org/abs/2203.05556, with the number itself kept beside the waves.
    """

    def __init__(self, numbers: int, width: int, frequencies: int = 16, sigma: float = 1.5) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(numbers, frequencies) * sigma)
        inputs = 2 * frequencies + 1
        self.weight = nn.Parameter(torch.randn(numbers, inputs, width) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(numbers, width))

    def forward(self, numbers: Tensor) -> Tensor:
        waves = 2 * math.pi * numbers.unsqueeze(-1) * self.frequencies
        features = torch.cat([waves.sin(), waves.cos(), numbers.unsqueeze(-1)], dim=-1)
        return F.relu(torch.einsum("bni,niw->bnw", features, self.weight) + self.bias).flatten(1)


class PieceNumbers(nn.Module):
    """Each number as how far it has come through each piece of its line, then a linear map: (B, n) to (B, n * width).

    Pieces end where a decision tree on that column alone would cut, as in the PLE-T embedding of Gorishniy et al., "On
    embeddings for numerical features in tabular deep learning", 2022, https://arxiv.org/abs/2203.05556, with the number
    itself kept beside them.
    """

    start: Tensor
    slope: Tensor
    """Where each piece begins, and one over its length: (n, pieces); pieces that a column lacks have a slope of 0."""

    def __init__(self, numbers: int, width: int, pieces: int) -> None:
        super().__init__()
        self.register_buffer("start", torch.zeros(numbers, pieces))
        self.register_buffer("slope", torch.zeros(numbers, pieces))
        self.weight = nn.Parameter(torch.randn(numbers, pieces + 1, width) / math.sqrt(pieces + 1))
        self.bias = nn.Parameter(torch.zeros(numbers, width))

    def cut(self, numbers: Tensor, targets: Tensor) -> None:
        """Choose the pieces by numbers (rows, n) and class numbers or values (rows,)."""
        places = spread(torch.arange(len(numbers)), CUT_BY)
        values, truth = numbers[places].cpu().numpy(), targets[places].cpu().numpy()
        for at, column in enumerate(values.T):
            edges = torch.from_numpy(_edges(column, truth, self.start.shape[1]))
            self.start[at, : len(edges) - 1] = edges[:-1]
            self.slope[at, : len(edges) - 1] = 1 / edges.diff().clamp(min=1e-6)

    def forward(self, numbers: Tensor) -> Tensor:
        come = ((numbers.unsqueeze(-1) - self.start) * self.slope).clamp(0, 1)
        features = torch.cat([come, numbers.unsqueeze(-1)], dim=-1)
        return F.relu(torch.einsum("bnp,npw->bnw", features, self.weight) + self.bias).flatten(1)


def _edges(column: np.ndarray, truth: np.ndarray, pieces: int) -> np.ndarray:
    """The ends of at most so many pieces, ascending."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if truth.dtype.kind == "f" else DecisionTreeClassifier
    tree = kind(max_leaf_nodes=max(2, pieces), min_samples_leaf=20, random_state=0).fit(column[:, None], truth).tree_
    cuts = tree.threshold[tree.feature >= 0].astype(np.float32)[: pieces - 1]
    return np.unique(np.concatenate([[column.min()], cuts, [column.max()]]).astype(np.float32))
