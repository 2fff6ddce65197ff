"""The tokens of one part as stretches that fit through the network: windows of a text, or one conversation each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.language.conversations import IGNORED
from training.language.packing import Packed, filled_up, lay_out, places_in_rows

CHUNK_BATCHES = 32
"""Batches among which conversations of like length are brought together."""


class Stretches(Protocol):
    """Token stretches of one part, on the device."""

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        """Index batches that cover the part once; the same number of them in every epoch."""

    def fixed(self, most: int) -> Tensor:
        """Indices of all stretches in order, evenly thinned to about `most` tokens."""

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets of some stretches, (B, T) int64 each; targets that do not count are IGNORED."""

    def flat(self, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first `most` tokens in reading order, and the ones after them, IGNORED where they do not count."""


@dataclass(frozen=True)
class Windows:
    """One long text, read in windows of `length` tokens; an index is the place where a window starts."""

    ids: Tensor
    """(N,) int32."""
    length: int

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        count = max(1, (len(self.ids) - self.length) // self.length)
        slack = min(self.length, len(self.ids) - count * self.length)
        offset = torch.randint(slack, (1,), generator=generator)
        starts = offset + self.length * torch.randperm(count, generator=generator)
        return list(torch.split(starts, batch_size))

    def fixed(self, most: int) -> Tensor:
        starts = torch.arange((len(self.ids) - 1) // self.length) * self.length
        return thin(starts, most // self.length)

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        places = indices.to(self.ids.device)[:, None] + torch.arange(self.length + 1, device=self.ids.device)
        tokens = self.ids[places].long()
        return tokens[:, :-1], tokens[:, 1:]

    def to(self, device: torch.device) -> Windows:
        """The same on a device."""
        return Windows(self.ids.to(device), self.length)

    def flat(self, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        ids = self.ids[: most + 1].cpu().numpy().astype(np.int64)
        return ids[:-1], ids[1:]


@dataclass(frozen=True)
class Conversations:
    """One conversation per row of a batch, filled up at the end to the longest; an index is its number.

    What fills up comes after all that counts, so that no token sees it, and none sees another conversation.
    """

    ids: Tensor
    """(N,) int32, one conversation after the other."""
    targets: Tensor
    """(N,) int32; IGNORED where somebody else than the assistant speaks."""
    lengths: Tensor
    """Tokens per conversation, (conversations,) int64, on the CPU."""

    def to(self, device: torch.device) -> Conversations:
        """The same on a device."""
        return Conversations(self.ids.to(device), self.targets.to(device), self.lengths)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        order = torch.randperm(len(self.lengths), generator=generator)
        batches: list[Tensor] = []
        for chunk in torch.split(order, CHUNK_BATCHES * batch_size):
            by_length = chunk[self.lengths[chunk].argsort(stable=True)]
            batches += torch.split(by_length, batch_size)
        return [batches[number] for number in torch.randperm(len(batches), generator=generator).tolist()]

    def fixed(self, most: int) -> Tensor:
        share = min(1.0, most / max(1, len(self.ids)))
        return thin(torch.arange(len(self.lengths)), max(1, int(share * len(self.lengths))))

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        device, lengths = self.ids.device, self.lengths[indices]
        ends = self.lengths.cumsum(0)[indices]
        steps = torch.arange(int(lengths.max()), device=device)
        real = steps < lengths.to(device)[:, None]
        places = torch.where(real, (ends - lengths).to(device)[:, None] + steps, 0)
        inputs = torch.where(real, self.ids[places].long(), 0)
        return inputs, torch.where(real, self.targets[places].long(), IGNORED)

    def packed(self, indices: Tensor) -> Packed:
        """The same conversations side by side in a few rows."""
        device, lengths = self.ids.device, self.lengths[indices]
        among, within = places_in_rows(self.lengths.cumsum(0)[indices] - lengths, lengths)
        among, within = among.to(device), within.to(device)
        real = among >= 0
        ids = torch.where(real, self.ids[among].long(), 0)
        return Packed(ids, within, torch.where(real, self.targets[among].long(), IGNORED))

    def filling(self, batches: Sequence[Tensor], *, packed: bool) -> float:
        """Share of the tokens of these batches that only fills rows up."""
        filled = 0
        for indices in batches:
            lengths = self.lengths[indices].tolist()
            filled += filled_up(lengths, lay_out(lengths) if packed else [[number] for number in range(len(lengths))])
        return filled / (filled + sum(int(self.lengths[indices].sum()) for indices in batches))

    def flat(self, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        ids, targets = (of[:most].cpu().numpy().astype(np.int64) for of in (self.ids, self.targets))
        return ids, targets


def thin(indices: Tensor, most: int) -> Tensor:
    """At most `most` of the indices (at least one), evenly spaced."""
    if len(indices) <= most:
        return indices
    return indices[torch.linspace(0, len(indices) - 1, max(1, most)).long()]
