"""Writing on, token by token: sampling with a memory of what was read, as text that can be shown at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor

from training.language.sampling import Sampling

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BROKEN = "�"
"""What half a character decodes to."""


class Writer(Protocol):
    """A language model that can go on from where it stopped reading."""

    length: int
    """Tokens that it can look back at; 0 means all."""

    def read(self, ids: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """Read ids (1, T) after what `memory` holds: the next token's scores (1, vocabulary) and the new memory."""


@dataclass(frozen=True)
class Ending:
    """How an answer came to its end."""

    tokens: int
    reason: Literal["stop", "length", "cancelled"]


def stream(
    model: Writer,
    tokenizer: PreTrainedTokenizerFast,
    prompt_ids: Sequence[int],
    sampling: Sampling,
    cancelled: Callable[[], bool] = lambda: False,
    device: torch.device | None = None,
) -> Generator[str, None, Ending]:
    """Write on after the prompt, a piece of text at a time; returns how it ended.

    Never gives half a character, nor the beginning of what turns out to be a stop text. `cancelled` is asked before
    each token. Leaves torch's global random state alone.
    """
    pieces = Pieces(tokenizer, sampling.stop)
    count = 0
    for token in tokens(model, prompt_ids, sampling, device or torch.device("cpu")):
        if token in end_ids(tokenizer):
            yield pieces.rest()
            return Ending(count, "stop")
        count += 1
        yield pieces.add(token)
        if pieces.stopped:
            return Ending(count, "stop")
        if count == sampling.max_tokens:
            break
        if cancelled():
            return Ending(count, "cancelled")
    yield pieces.rest()
    return Ending(count, "length")


@torch.no_grad()
def tokens(model: Writer, prompt_ids: Sequence[int], sampling: Sampling, device: torch.device) -> Iterator[int]:
    """Draw token after token without end. When the model can look back no further, it reads the latter half again."""
    random = torch.Generator().manual_seed(sampling.seed) if sampling.seed is not None else _fresh_random()
    seen = list(prompt_ids)
    unread, memory, held = seen[-model.length :] if model.length else seen, None, 0
    while True:
        if model.length and held + len(unread) > model.length:
            unread, memory, held = seen[-max(1, model.length // 2) :], None, 0
        scores, memory = model.read(torch.tensor([unread], device=device), memory)
        held += len(unread)
        token = choose(scores[0].float().cpu(), sampling, random)
        seen.append(token)
        unread = [token]
        yield token


def choose(scores: Tensor, sampling: Sampling, random: torch.Generator) -> int:
    """Draw one token from scores (vocabulary,). Top-p: Holtzman et al., 2019, arXiv:1904.09751."""
    if sampling.temperature == 0:
        return int(scores.argmax())
    ordered, order = (scores / sampling.temperature).softmax(0).sort(descending=True)
    if sampling.top_k:
        ordered = ordered[: sampling.top_k]
    kept = ordered[ordered.cumsum(0) - ordered < sampling.top_p]
    return int(order[torch.multinomial(kept, 1, generator=random)])


def end_ids(tokenizer: PreTrainedTokenizerFast) -> set[int]:
    """The tokens that end an answer."""
    return {tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set()


@dataclass
class Pieces:
    """Tokens to text as they come, holding back what may still change."""

    tokenizer: PreTrainedTokenizerFast
    stops: Sequence[str] = ()
    stopped: bool = False
    _ids: list[int] = field(default_factory=list)
    _from: int = 0
    """Ids before this are settled; some are kept because a piece can depend on the one before."""
    _shown: int = 0
    """Ids before this are in `_waiting` or were given out."""
    _waiting: str = ""

    def add(self, token: int) -> str:
        """The text that is certain now that this token has come; often empty, or several characters."""
        self._ids.append(token)
        settled, all_text = self._decode(self._from, self._shown), self._decode(self._from, len(self._ids))
        if all_text.endswith(BROKEN) and len(self._ids) - self._shown < 8:
            return ""
        self._waiting += all_text[len(settled) :]
        self._from, self._shown = self._shown, len(self._ids)
        return self._release()

    def rest(self) -> str:
        """What was held back, once nothing more comes; half a character is dropped."""
        if self.stopped:
            return ""
        settled, all_text = self._decode(self._from, self._shown), self._decode(self._from, len(self._ids))
        rest = self._waiting + all_text[len(settled) :].rstrip(BROKEN)
        self._waiting, self._from, self._shown = "", len(self._ids), len(self._ids)
        return rest

    def _release(self) -> str:
        """Give out what waits, up to a stop text or to what may become one."""
        found = [place for stop in self.stops if (place := self._waiting.find(stop)) >= 0]
        if found:
            self.stopped = True
            return self._waiting[: min(found)]
        hold = max((_overlap(self._waiting, stop) for stop in self.stops), default=0)
        cut = len(self._waiting) - hold
        given, self._waiting = self._waiting[:cut], self._waiting[cut:]
        return given

    def _decode(self, start: int, end: int) -> str:
        return str(self.tokenizer.decode(self._ids[start:end], skip_special_tokens=True))


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of the text that may be the beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)


def _fresh_random() -> torch.Generator:
    random = torch.Generator()
    random.seed()
    return random
