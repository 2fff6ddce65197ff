"""Texts that belong together: tokens of what is read and of what is to be written, in batches of like length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from training.data.mapped import Growing
from training.errors import TrainingError
from training.language.conversations import IGNORED
from training.texts.columns import AT_ONCE
from training.texts.reading import Encoded, encode_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Batch:
    """Some pairs, filled up at the ends to the longest."""

    source: Tensor
    """Token ids (B, S) int64."""
    mask: Tensor
    """Where a token of the source stands, (B, S) bool."""
    targets: Tensor
    """Token ids (B, T) int64, closed by the end mark; IGNORED behind it."""

    def inputs(self, start: int) -> Tensor:
        """What the writer has before it at each target: the mark `start`, then the targets before (B, T)."""
        before = self.targets[:, :-1].masked_fill(self.targets[:, :-1] == IGNORED, start)
        return torch.cat([torch.full_like(self.targets[:, :1], start), before], dim=1)


@dataclass(frozen=True)
class Pairs:
    """One part of the data as tokens."""

    source: Encoded
    target: Encoded

    def batch(self, indices: Tensor, device: torch.device) -> Batch:
        """The pairs of these numbers."""
        rows = indices.numpy()
        source, mask = self.source.batch(rows, device)
        targets = self.target.padded(self.target.ids, rows, IGNORED).long().to(device)
        return Batch(source, mask, targets)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        """Every pair once, those of like length together, in an order that is `generator`'s alone."""
        both = replace(self.source, lengths=self.source.lengths + self.target.lengths)
        return both.epoch(generator, batch_size)

    def alike(self, indices: Tensor, most: int) -> Iterator[Tensor]:
        """These pairs in portions of at most `most`, those with sources of like length together."""
        order = torch.from_numpy(self.source.lengths)[indices].argsort(stable=True)
        yield from indices[order].split(most)


def encode_pairs(
    tokenizer: PreTrainedTokenizerFast,
    sources: Sequence[str],
    targets: Sequence[str],
    length: int,
    folder: Path | None = None,
) -> Pairs:
    """Both sides cut to `length` tokens, the end mark included, which every target gets.

    More than a gigabyte of tokens is mapped from files in `folder`. Raises TrainingError where the tokenizer has no
    such mark.
    """
    if tokenizer.eos_token_id is None:
        raise TrainingError(
            "The tokenizer of this model has no mark for the end of a text.",
            "Choose a model that was made for translating or summarising.",
            code="wrong_model",
        )
    source, target = (encode_texts(tokenizer, texts, length, folder) for texts in (sources, targets))
    return Pairs(source, _close(target, tokenizer, folder))


def _close(texts: Encoded, tokenizer: PreTrainedTokenizerFast, folder: Path | None) -> Encoded:
    """Every text with one end mark at its end, in place of its last token where there is no room left."""
    end, whole = int(tokenizer.eos_token_id), texts.ids.numpy()
    flat, lengths = Growing(np.int32, folder), np.empty(len(texts.lengths), np.int64)
    for first in range(0, len(lengths), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        pieces = [
            whole[start : start + size] for start, size in zip(texts.starts[some], texts.lengths[some], strict=True)
        ]
        closed = [np.append(piece[piece != end], np.int32(end)) for piece in pieces]
        lengths[some] = [len(piece) for piece in closed]
        flat.add(np.concatenate(closed))
    return Encoded(torch.from_numpy(flat.whole()), np.cumsum(lengths) - lengths, lengths, texts.cut)
