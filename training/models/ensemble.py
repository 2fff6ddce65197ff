"""Several networks that answer as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from training.model_folder import KeepsFiles
from training.tasks import MeanOf


def _of_classes(each: Tensor, shares: Tensor) -> Tensor:
    return (each.log_softmax(dim=-1) + shares.log()).logsumexp(dim=0)


def _of_labels(each: Tensor, shares: Tensor) -> Tensor:
    return (each.sigmoid() * shares).sum(dim=0).logit(eps=1e-7)


def _of_values(each: Tensor, shares: Tensor) -> Tensor:
    return (each * shares).sum(dim=0)


MEANS: dict[MeanOf, Callable[[Tensor, Tensor], Tensor]] = {
    "classes": _of_classes,
    "labels": _of_labels,
    "values": _of_values,
}
"""From the scores of all members (members, ..., outputs), and how much each counts (members, 1, ...), to scores
(..., outputs) that say the same in one voice."""


def mean_of_all(each: Tensor, mean_of: MeanOf, shares: Tensor | None = None) -> Tensor:
    """One answer (..., outputs) of several (members, ..., outputs): all count alike, or by `shares` (members,)."""
    counts = torch.full((len(each),), 1 / len(each)) if shares is None else shares
    return MEANS[mean_of](each, counts.to(each).view(-1, *[1] * (each.ndim - 1)))


class Ensemble(nn.Module):
    """Inputs of one member to scores that stand for the mean of what all members say: probabilities or values.

    Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep ensembles", 2017,
    https://arxiv.org/abs/1612.01474
    """

    def __init__(self, members: Sequence[nn.Module], mean_of: MeanOf) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.mean_of = mean_of

    def forward(self, *inputs: Tensor) -> Tensor:
        return mean_of_all(torch.stack([member(*inputs) for member in self.members]), self.mean_of)

    def asked(self) -> list[tuple[int, nn.Module]]:
        """The members that have a say, with their numbers."""
        return list(enumerate(self.members))

    def save_files(self, folder: Path) -> None:
        """What members keep in files, in a folder for each."""
        for number, member in self.asked():
            if isinstance(member, KeepsFiles):
                (folder / f"member-{number}").mkdir(exist_ok=True)
                member.save_files(folder / f"member-{number}")

    def load_files(self, folder: Path) -> None:
        """Read what `save_files` wrote."""
        for number, member in self.asked():
            if isinstance(member, KeepsFiles):
                member.load_files(folder / f"member-{number}")


class Blend(Ensemble):
    """An ensemble of different kinds: members come kind by kind over and over, and a kind has a share in the answer.

    Members of a kind count alike; a kind without a share is not asked.
    """

    shares: Tensor
    """How much each kind counts: (kinds,), 1 in all."""

    def __init__(self, members: Sequence[nn.Module], kinds: int, mean_of: MeanOf) -> None:
        super().__init__(members, mean_of)
        self.register_buffer("shares", torch.full((kinds,), 1 / kinds))

    def forward(self, *inputs: Tensor) -> Tensor:
        asked = self.asked()
        each = torch.stack([member(*inputs).double() for _number, member in asked])
        counts = torch.stack([self._share(number) for number, _member in asked]).double()
        return mean_of_all(each, self.mean_of, counts / counts.sum())

    def asked(self) -> list[tuple[int, nn.Module]]:
        return [(number, member) for number, member in super().asked() if self._share(number) > 0]

    def _share(self, number: int) -> Tensor:
        return self.shares[number % len(self.shares)]
