"""A convolutional network for spectrograms: shapes in pitch and time, wherever they occur."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class AudioCNN(nn.Module):
    """Stages of convolution, normalisation and pooling; mean and maximum over the rest; scores."""

    def __init__(self, *, widths: Sequence[int], outputs: int, dropout: float) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        for before, after in zip((1, *widths), widths, strict=False):
            self.stages.append(nn.Conv2d(before, after, 3, padding=1, bias=False))
            self.stages.append(nn.BatchNorm2d(after))
            self.stages.append(nn.ReLU())
            self.stages.append(nn.MaxPool2d(2))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * widths[-1], outputs)

    def forward(self, spectra: Tensor) -> Tensor:
        """Scores (B, classes) of scaled spectrograms (B, 1, bands, frames)."""
        maps = self.stages(spectra)
        found = torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)
        scores: Tensor = self.head(self.dropout(found))
        return scores
