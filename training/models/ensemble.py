"""Several networks of one kind that answer as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from training.model_folder import KeepsFiles
from training.tasks import MeanOf


def _of_classes(each: Tensor) -> Tensor:
    return each.log_softmax(dim=-1).logsumexp(dim=0) - torch.tensor(len(each)).log()


def _of_labels(each: Tensor) -> Tensor:
    return each.sigmoid().mean(dim=0).logit(eps=1e-7)


def _of_values(each: Tensor) -> Tensor:
    return each.mean(dim=0)


MEANS: dict[MeanOf, Callable[[Tensor], Tensor]] = {"classes": _of_classes, "labels": _of_labels, "values": _of_values}
"""From the scores of all members (members, ..., outputs) to scores (..., outputs) that say the same in one voice."""


class Ensemble(nn.Module):
    """Inputs of one member to scores that stand for the mean of what all members say: probabilities or values.

    Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep ensembles", 2017,
    https://arxiv.org/abs/1612.01474
    """

    def __init__(self, members: Sequence[nn.Module], mean_of: MeanOf) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self._mean = MEANS[mean_of]

    def forward(self, *inputs: Tensor) -> Tensor:
        return self._mean(torch.stack([member(*inputs) for member in self.members]))

    def save_files(self, folder: Path) -> None:
        """What members keep in files, in a folder for each."""
        for number, member in enumerate(self.members):
            if isinstance(member, KeepsFiles):
                (folder / f"member-{number}").mkdir(exist_ok=True)
                member.save_files(folder / f"member-{number}")

    def load_files(self, folder: Path) -> None:
        """Read what `save_files` wrote."""
        for number, member in enumerate(self.members):
            if isinstance(member, KeepsFiles):
                member.load_files(folder / f"member-{number}")
