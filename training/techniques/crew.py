"""Several processes that train one model: each takes a share of every batch, and all take the same step.

Data parallelism with torch's own launcher: `torchrun --nproc-per-node 2 -m training fit SPEC.json OUT/`. Every process
holds the whole model, or its part of a model that is shared out (`shards.py`); gradients are averaged over all, so the
curve is that of one process with the same batches.
Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", 2020,
https://arxiv.org/abs/2006.15704
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor

T = TypeVar("T")


@dataclass(frozen=True)
class Crew:
    """The processes of one training. One alone does as it would without a crew."""

    rank: int = 0
    size: int = 1

    @property
    def is_alone(self) -> bool:
        """Whether there is nobody to agree with."""
        return self.size == 1

    @property
    def leads(self) -> bool:
        """Whether this process evaluates, speaks and writes."""
        return self.rank == 0

    def share(self, indices: Tensor) -> tuple[Tensor, float]:
        """This process's part of a batch, and the weight of its loss, so that the mean of all is that of the batch.

        A batch that is too small for all is everybody's.
        """
        if len(indices) < self.size:
            return indices, 1.0
        mine = indices[self.rank :: self.size]
        return mine, self.size * len(mine) / len(indices)

    def average(self, model: nn.Module, loss: Tensor) -> Tensor:
        """Replace every gradient by its mean over all processes, and return the mean of their losses.

        The gradients of a network that is shared out are such means already.
        """
        if self.is_alone:
            return loss
        found = [weight.grad for weight in model.parameters() if weight.grad is not None]
        gradients = [gradient for gradient in found if not isinstance(gradient, DTensor)]
        flat = torch.cat([gradient.flatten() for gradient in [*gradients, loss.to(found[0].dtype)]])
        distributed.all_reduce(flat)
        flat /= self.size
        parts = flat[:-1].split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return flat[-1]

    def follow(self, values: Sequence[float]) -> list[float]:
        """The numbers as the leader has them."""
        if self.is_alone:
            return list(values)
        told = torch.tensor(values, dtype=torch.float64, device=_place())
        distributed.broadcast(told, src=0)
        return [float(value) for value in told.tolist()]

    def align(self, model: nn.Module) -> None:
        """Take over weights and buffers from the leader."""
        if not self.is_alone:
            for value in model.state_dict().values():
                distributed.broadcast(value, src=0)

    def hear(self, said: T) -> T:
        """What the leader says, such as the checkpoint that it alone has read."""
        if self.is_alone:
            return said
        told = [said]
        distributed.broadcast_object_list(told, src=0)
        return told[0]


def join_crew() -> Crew:
    """The crew that torch's launcher made, on one machine or several; without a launcher, this process alone."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        return Crew()
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Crew(distributed.get_rank(), distributed.get_world_size())


def _place() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
