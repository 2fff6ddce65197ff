"""The network for tables with texts, pictures and sounds: a reader for each column, and a few units that decide."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Multimodal(nn.Module):
    """Each reader sums its column up in some notes; layers on top read the notes of all columns side by side.

    Joining notes late is the strategy "Fuse-Late" of Shi et al., "Benchmarking multimodal AutoML for tabular data with
    text fields", 2021, https://arxiv.org/abs/2111.02705
    """

    def __init__(
        self,
        table: nn.Module | None,
        texts: Sequence[nn.Module],
        pictures: Sequence[nn.Module],
        sounds: Sequence[nn.Module] = (),
        *,
        notes: int,
        outputs: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.table, self.texts, self.pictures = table, nn.ModuleList(texts), nn.ModuleList(pictures)
        self.sounds = nn.ModuleList(sounds)
        columns = (table is not None) + len(texts) + len(pictures) + len(sounds)
        self.join = nn.Sequential(
            nn.SiLU(), nn.Dropout(dropout), nn.Linear(columns * notes, notes), nn.SiLU(), nn.Dropout(dropout)
        )
        self.head = nn.Linear(notes, outputs)

    def forward(
        self,
        numbers: Tensor,
        codes: Tensor,
        texts: Sequence[tuple[Tensor, Tensor]] = (),
        pictures: Sequence[Tensor] = (),
        sounds: Sequence[Tensor] = (),
    ) -> Tensor:
        """Scores (B, outputs) of numbers (B, n), category codes (B, columns), and the cells of each further column.

        A text is token ids and mask (B, T), a picture levels (B, C, H, W), a sound a spectrogram (B, 1, bands, frames).
        """
        notes = [self.table(numbers, codes)] if self.table is not None else []
        notes += [reader(*text) for reader, text in zip(self.texts, texts, strict=True)]
        notes += [reader(picture) for reader, picture in zip(self.pictures, pictures, strict=True)]
        notes += [reader(sound) for reader, sound in zip(self.sounds, sounds, strict=True)]
        scores: Tensor = self.head(self.join(torch.cat(notes, dim=1)))
        return scores
