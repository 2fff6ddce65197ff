"""Which words stand beside which: windows of a text, counted meetings, and pairs for judging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from training.texts.tokenizers import encode_each

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Ints: TypeAlias = NDArray[np.int64]
LONGEST = 10_000_000
"""Words of one text that are read."""
POWER = 0.75
"""How common words are drawn as wrong ones: their share to this power. Mikolov et al., 2013."""
TABLE = 1 << 20


@dataclass(frozen=True)
class Company:
    """Some words with those around them."""

    words: Tensor
    """(B,) int64."""
    company: Tensor
    """(B, 2 * window) int64."""
    stands: Tensor
    """Where there is a word, bool (B, 2 * window)."""

    def to(self, device: torch.device) -> Company:
        """The same on a device."""
        return Company(self.words.to(device), self.company.to(device), self.stands.to(device))


@dataclass(frozen=True)
class Words:
    """Texts as one row of word numbers, without what is no word or too rare."""

    ids: Tensor
    """(N,) int64."""
    texts: Tensor
    """Number of the text that each word stands in, (N,)."""

    def around(self, places: Tensor, window: int, reach: Tensor) -> Company:
        """The words at these places (B,) with what stands at most `reach` (B,) and `window` words away."""
        steps = torch.cat([torch.arange(-window, 0), torch.arange(1, window + 1)])
        at = places[:, None] + steps
        inside = (at >= 0) & (at < len(self.ids)) & (steps.abs() <= reach[:, None])
        at = at.clamp(0, len(self.ids) - 1)
        stands = inside & (self.texts[at] == self.texts[places][:, None])
        return Company(self.ids[places], self.ids[at], stands)

    def kept(self, chances: Tensor, generator: torch.Generator) -> Words:
        """The text without some of its common words: each stays by the chance of its kind (vocabulary,)."""
        stays = torch.rand(len(self.ids), generator=generator) < chances[self.ids]
        return Words(self.ids[stays], self.texts[stays])


def read_words(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> Words:
    """The words of the texts that the tokenizer knows; marks are left out."""
    known = torch.tensor(are_words(tokenizer))
    pieces = [torch.from_numpy(ids.astype(np.int64)) for ids in encode_each(tokenizer, texts, LONGEST, marks=False)]
    ids = torch.cat([*pieces, torch.empty(0, dtype=torch.int64)])
    numbers = torch.repeat_interleave(torch.arange(len(pieces)), torch.tensor([len(piece) for piece in pieces]))
    return Words(ids[known[ids]], numbers[known[ids]])


def are_words(tokenizer: PreTrainedTokenizerFast) -> list[bool]:
    """Which tokens are words, rather than marks, special tokens or unknown."""
    special = set(tokenizer.all_special_ids)
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return [number not in special and any(sign.isalnum() for sign in name) for number, name in enumerate(names)]


def wrong_words(words: Words, vocabulary: int) -> Tensor:
    """A table of a million words to draw wrong ones from, common ones more often, (TABLE,)."""
    shares = np.bincount(words.ids.numpy(), minlength=vocabulary).astype(np.float64) ** POWER
    edges = np.cumsum(shares) / shares.sum()
    return torch.from_numpy(np.minimum(np.searchsorted(edges, (np.arange(TABLE) + 0.5) / TABLE), vocabulary - 1))


def staying(words: Words, vocabulary: int, keep: float) -> Tensor:
    """The chance with which each word stays when common ones are thinned, (vocabulary,). Mikolov et al., 2013."""
    shares = torch.bincount(words.ids, minlength=vocabulary) / len(words.ids)
    return (keep / shares.clamp(min=1e-12)).sqrt().clamp(max=1.0)


def count_meetings(words: Words, window: int, vocabulary: int, *, by_distance: bool) -> csr_matrix:
    """How often each word had each other within `window` words: float64 (vocabulary, vocabulary), symmetric.

    `by_distance` counts a word that stands d away as 1 / d, as GloVe does.
    """
    total = csr_matrix((vocabulary, vocabulary), dtype=np.float64)
    ids, texts = words.ids.numpy(), words.texts.numpy()
    for distance in range(1, min(window, len(ids) - 1) + 1):
        same = texts[distance:] == texts[:-distance]
        first, second = ids[:-distance][same], ids[distance:][same]
        weight = np.full(len(first), 1 / distance if by_distance else 1.0)
        total = total + csr_matrix((weight, (first, second)), shape=total.shape)
    return csr_matrix(total + total.T)


@dataclass(frozen=True)
class HeldOut:
    """Pairs of an unseen text: a word, one that stands beside it, and one drawn by how common words are there."""

    words: Tensor
    beside: Tensor
    random: Tensor
    places: Ints
    """Place of the word among those of its part, (n,)."""


def held_out_pairs(words: Words, window: int, most: int) -> HeldOut:
    """At most `most` pairs, always the same ones, none of which compares a word with itself."""
    random = torch.Generator().manual_seed(0)
    places = torch.randperm(len(words.ids), generator=random)[: 2 * most].sort().values
    around = words.around(places, window, torch.full_like(places, window))
    chosen = (around.stands * torch.rand(around.stands.shape, generator=random)).argmax(1)
    beside = around.company.gather(1, chosen[:, None])[:, 0]
    other = words.ids[torch.randint(len(words.ids), (len(places),), generator=random)]
    fair = around.stands.any(1) & (other != beside) & (beside != around.words)
    fair &= fair.cumsum(0) <= most
    return HeldOut(around.words[fair], beside[fair], other[fair], places[fair].numpy())


def counted_vectors(meetings: csr_matrix, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vectors of words and of company (vocabulary, width) from counts alone.

    The singular vectors of positive pointwise mutual information: Levy and Goldberg, "Neural word embedding as
    implicit matrix factorization", 2014.
    """
    from scipy.sparse.linalg import svds

    total, sums = meetings.sum(), np.asarray(meetings.sum(axis=1)).ravel()
    cells = meetings.tocoo()
    information = np.log(cells.data * total / (sums[cells.row] * sums[cells.col]))
    positive = csr_matrix((np.maximum(information, 0), (cells.row, cells.col)), shape=meetings.shape)
    width = min(width, meetings.shape[0] - 1)
    left, strengths, right = svds(positive, k=width, random_state=0)
    roots = np.sqrt(strengths)
    return left * roots, right.T * roots
