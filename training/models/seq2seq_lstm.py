"""Two recurrent networks with attention: one reads, the other writes and looks back at what was read."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from training.models.text_recurrent import turn, turned_places

State: TypeAlias = tuple[Tensor, Tensor] | Tensor
"""Hidden and cell state of an LSTM, or the hidden state of a GRU: (layers, B, width) each."""
Memory: TypeAlias = tuple[Tensor, Tensor, Tensor, State]
"""What was noted at each token read, those notes as they are matched, where they stand, and the writer's state."""
Match: TypeAlias = Literal["multiplicative", "additive"]


class Seq2SeqLSTM(nn.Module):
    """Source ids (B, S) with their mask and ids written so far (B, T) in, scores (B, T, vocabulary) out.

    The writer moves on by itself and looks at the source after each token (global attention): Luong et al., 2015,
    arXiv:1508.04025; the source is read both ways and matched as there or as in Bahdanau et al., 2014, arXiv:1409.0473.
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        start: int,
        cell: Literal["lstm", "gru"],
        width: int,
        layers: int,
        match: Match,
        dropout: float,
    ) -> None:
        super().__init__()
        self.start = start
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        self.onwards = nn.ModuleList(kind(width, width // 2, batch_first=True) for _ in range(layers))
        self.backwards = nn.ModuleList(kind(width, width // 2, batch_first=True) for _ in range(layers))
        self.writer = kind(width, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.attend = Attention(width, match)
        self.combine = nn.Linear(2 * width, width)
        self.head = nn.Linear(width, vocabulary)
        nn.init.normal_(self.embedding.weight, std=0.5)
        nn.init.zeros_(self.head.weight)

    def forward(self, source: Tensor, mask: Tensor, inputs: Tensor) -> Tensor:
        scores, _, _ = self._go_on(inputs, self.remember(source, mask))
        return scores

    def remember(self, source: Tensor, mask: Tensor) -> Memory:
        """What the writer needs of the source: notes (B, S, width), and its own first state from the last notes."""
        x = self.dropout(self.embedding(source))
        turned = turned_places(mask)
        states: list[Tensor] = []
        for onwards, backwards in zip(self.onwards, self.backwards, strict=True):
            ahead, back = onwards(x)[0], turn(backwards(turn(x, turned))[0], turned)
            last = ahead[torch.arange(len(ahead), device=ahead.device), mask.sum(1) - 1]
            states.append(torch.cat([last, back[:, 0]], dim=1))
            x = self.dropout(torch.cat([ahead, back], dim=2))
        hidden = torch.stack(states)
        state = (hidden, torch.zeros_like(hidden)) if isinstance(self.writer, nn.LSTM) else hidden
        return x, self.attend.keys(x), mask, state

    def write(self, ids: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Scores of the next token (B, vocabulary) after one more token (B,), and the memory with it."""
        scores, _, state = self._go_on(ids[:, None], memory)
        return scores[:, -1], (*memory[:3], state)

    def pick(self, memory: Memory, rows: Tensor) -> Memory:
        """The memory of these rows."""
        notes, keys, mask, state = memory
        kept = tuple(part[:, rows] for part in state) if isinstance(state, tuple) else state[:, rows]
        return notes[rows], keys[rows], mask[rows], kept  # type: ignore[return-value]

    def attention(self, source: Tensor, mask: Tensor, inputs: Tensor) -> Tensor:
        """Where the writer looked at each token: (B, T, S)."""
        return self._go_on(inputs, self.remember(source, mask))[1]

    def _go_on(self, inputs: Tensor, memory: Memory) -> tuple[Tensor, Tensor, State]:
        notes, keys, mask, state = memory
        moved, state = self.writer(self.dropout(self.embedding(inputs)), state)
        seen, looks = self.attend(moved, notes, keys, mask)
        joined = torch.tanh(self.combine(torch.cat([seen, moved], dim=2)))
        scores: Tensor = self.head(self.dropout(joined))
        return scores.float(), looks, state


class Attention(nn.Module):
    """For each query (B, T, width) the mean of the notes (B, S, width), weighted by how well they match it."""

    def __init__(self, width: int, match: Match) -> None:
        super().__init__()
        self.note = nn.Linear(width, width, bias=False)
        self.query = nn.Linear(width, width) if match == "additive" else None
        self.score = nn.Linear(width, 1, bias=False) if match == "additive" else None

    def keys(self, notes: Tensor) -> Tensor:
        """The notes as queries are matched with them, computed once for a source."""
        keys: Tensor = self.note(notes)
        return keys

    def forward(self, queries: Tensor, notes: Tensor, keys: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The means (B, T, width) and the weights (B, T, S)."""
        if self.query is None or self.score is None:
            matches = queries @ keys.mT
        else:
            matches = self.score(torch.tanh(self.query(queries)[:, :, None] + keys[:, None])).squeeze(3)
        looks = matches.masked_fill(~mask[:, None], -torch.inf).softmax(dim=2)
        return looks @ notes, looks
