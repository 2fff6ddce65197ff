"""A recurrent network for spectrograms: a memory that passes over the sound in both directions."""

from __future__ import annotations

from torch import Tensor, nn


class AudioGRU(nn.Module):
    """A few frames at a time into a two-way GRU; attention says which moments count; scores."""

    def __init__(self, *, bands: int, stride: int, hidden_size: int, layers: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.stride = stride
        self.memory = nn.GRU(
            stride * bands,
            hidden_size,
            num_layers=layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.attention = nn.Linear(2 * hidden_size, 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden_size, outputs)

    def forward(self, spectra: Tensor) -> Tensor:
        """Scores (B, classes) of scaled spectrograms (B, 1, bands, frames)."""
        frames = spectra.size(3) // self.stride * self.stride
        moments = spectra[:, 0, :, :frames].transpose(1, 2).unflatten(1, (-1, self.stride)).flatten(2)
        heard, _ = self.memory(moments)
        weights = self.attention(heard).softmax(dim=1)
        scores: Tensor = self.head(self.dropout((weights * heard).sum(dim=1)))
        return scores
