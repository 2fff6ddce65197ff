"""A recurrent network that writes: one token after the other, with a memory that is rewritten at each."""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor, nn

from training.models.text_recurrent import CELLS, Cell

Memory: TypeAlias = tuple[Tensor, Tensor] | Tensor
"""Hidden and cell state of an LSTM, the hidden state of the others: (layers, B, width) each."""


class RecurrentWriter(nn.Module):
    """Token ids (B, T) in, scores of the next token (B, T, vocabulary) out.

    Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Cho et al., 2014 (GRU); Elman, 1990 (RNN); as a
    language model: Zaremba et al., 2014, arXiv:1409.2329.
    """

    length = 0  # it can go on for ever

    def __init__(self, vocabulary: int, *, cell: Cell, layers: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        self.memory = CELLS[cell](width, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.head = nn.Linear(width, vocabulary)
        nn.init.normal_(self.embedding.weight, std=0.5)
        for name, weight in self.memory.named_parameters():
            if cell == "lstm" and name.startswith("bias_hh"):
                nn.init.constant_(weight[width : 2 * width], 1.0)  # remember at first: Jozefowicz et al., 2015

    def forward(self, ids: Tensor) -> Tensor:
        seen, _ = self.memory(self.dropout(self.embedding(ids)))
        scores: Tensor = self.head(self.dropout(seen))
        return scores.float()

    def read(self, ids: Tensor, memory: Memory | None) -> tuple[Tensor, Memory]:
        """Read on from where `memory` ends: scores of the next token (B, vocabulary), and the new memory."""
        seen, grown = self.memory(self.embedding(ids), memory)
        return self.head(seen[:, -1]).float(), grown
