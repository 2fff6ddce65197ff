"""Several processes that train one model: each takes a share of every batch, and all take the same step.

Data parallelism with torch's own launcher: `torchrun --nproc-per-node 2 -m training fit SPEC.json OUT/`. Every process
holds the whole model; gradients are averaged over all, so the curve is that of one process with the same batches.
Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", 2020,
https://arxiv.org/abs/2006.15704
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from training.checkpoint import Position
from training.optimizers import Optimizers


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

    def share(self, indices: Tensor) -> Tensor:
        """This process's part of a batch; a batch that is too small for all is everybody's."""
        return indices if self.is_alone or len(indices) < self.size else indices[self.rank :: self.size]

    def average(self, model: nn.Module, loss: Tensor) -> Tensor:
        """Replace every gradient by its mean over all processes, and return the mean of their losses."""
        if self.is_alone:
            return loss
        gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in [*gradients, loss.to(gradients[0].dtype)]])
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

    def align(self, model: nn.Module, optimizers: Optimizers, position: Position) -> Position:
        """Take over weights, optimiser and position from the leader, who may have read a checkpoint."""
        if self.is_alone:
            return position
        told: list[Any] = [model.state_dict(), optimizers.state_dict(), asdict(position)]
        distributed.broadcast_object_list(told, src=0)
        weights, corrections, place = told
        model.load_state_dict(weights)
        optimizers.load_state_dict(corrections)
        return Position(**place)


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
