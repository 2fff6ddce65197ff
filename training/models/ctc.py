"""Speech to letters: D. Amodei et al., "Deep Speech 2", 2016, https://arxiv.org/abs/1512.02595, much smaller."""

from __future__ import annotations

from torch import Tensor, nn


class CTCNetwork(nn.Module):
    """Two convolutions that halve time once and pitch twice, a two-way GRU, and letters for every moment."""

    def __init__(
        self, *, bands: int, filters: int, hidden_size: int, layers: int, outputs: int, dropout: float
    ) -> None:
        super().__init__()
        self.ears = nn.Sequential(
            nn.Conv2d(1, filters, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, stride=(2, 1), padding=1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
        )
        self.memory = nn.GRU(
            filters * -(-bands // 4),
            hidden_size,
            num_layers=layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden_size, outputs)

    def forward(self, spectra: Tensor) -> Tensor:
        """Scores (B, moments of 20 ms, letters) of scaled spectrograms (B, 1, bands, frames)."""
        moments = self.ears(spectra).permute(0, 3, 1, 2).flatten(2)
        heard, _ = self.memory(moments)
        scores: Tensor = self.head(self.dropout(heard))
        return scores
