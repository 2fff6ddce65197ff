"""The whole state of a run on disk: weights, optimiser, place in the data, random state. Written or not, never half."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from training.device import Device
from training.techniques.optimizers import Optimizers
from training.techniques.shards import gathered, own_parts

State: TypeAlias = dict[str, Any]
"""Weights, optimisers, position and random state: dictionaries, lists, tensors and numbers."""
FOLDER = "checkpoint"
MEMBERS = "members"
"""Inside it, the members of an ensemble that are finished."""


@dataclass
class Position:
    """Where the training stands between two steps."""

    member: int = 0
    """Which network of an ensemble is trained."""
    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Batches of this epoch that are done."""
    share: float = 0.0
    """The same as a share of the epoch."""
    seconds: float = 0.0
    lr: float = 0.0
    """The learning rate that was found before the first step; 0 where none was looked for."""
    best_loss: float = float("inf")
    best_step: int = 0
    worse: int = 0
    """Evaluations since the best one."""
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    """Kept only for early stopping."""
    averages: dict[str, Tensor] = field(default_factory=dict)
    """Kept only where weights are averaged."""
    averaged: int = 0
    """How many weights are in the averages."""


def take_state(model: nn.Module, optimizers: Optimizers, position: Position, device: Device) -> State:
    """The whole state at this moment. Where the network is shared out, every process must ask for it at once."""
    state = {
        "weights": trained_state(model),
        "optimizers": optimizers.state_dict(),
        "position": dict(vars(position)),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if device.torch.type == "cuda" else [],
    }
    return gathered(state)


def save_checkpoint(folder: Path, state: State) -> None:
    """Write the state beside the old one and swap them, so that a power cut leaves one that is whole."""
    target, fresh, old = folder / FOLDER, folder / f"{FOLDER}.new", folder / f"{FOLDER}.old"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    if (finished := last_checkpoint(folder) / MEMBERS).exists():
        shutil.copytree(finished, fresh / MEMBERS, copy_function=os.link)  # the same files: they never change
    torch.save(state, fresh / "state.pt")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def last_checkpoint(folder: Path) -> Path:
    """The folder of the last whole checkpoint: beside its place where power went while two were swapped."""
    old = folder / f"{FOLDER}.old"
    return old if old.exists() and not (folder / FOLDER).exists() else folder / FOLDER


def read_checkpoint(folder: Path, member: int = 0) -> State | None:
    """The last whole checkpoint, on the CPU; None if there is none of this member."""
    path = last_checkpoint(folder) / "state.pt"
    if not path.exists():
        return None
    state: State = torch.load(path, map_location="cpu", weights_only=True)
    return state if state["position"]["member"] == member else None


def restore(state: State, model: nn.Module, optimizers: Optimizers) -> Position:
    """Take back what `take_state` gave, random state included; of a network that is shared out, one's own parts."""
    model.load_state_dict(own_parts(state["weights"], model), strict=False)
    optimizers.load_state_dict(state["optimizers"])
    torch.set_rng_state(state["random"])
    if state["random_cuda"]:
        torch.cuda.set_rng_state_all(state["random_cuda"])
    position = Position(**state["position"])
    position.best_weights = own_parts(position.best_weights, model)
    position.averages = own_parts(position.averages, model)
    return position


def trained_state(model: nn.Module) -> dict[str, Tensor]:
    """Buffers and the weights that are trained; a frozen pretrained part is read from its own folder again."""
    frozen, tied = untrained_names(model)
    return {name: value for name, value in model.state_dict().items() if name not in frozen | tied}


def untrained_names(model: nn.Module) -> tuple[set[str], set[str]]:
    """Names of frozen weights and their scales, and second names of weights that stand in two places."""
    once = {name for name, _ in model.named_parameters()}
    everywhere = dict(model.named_parameters(remove_duplicate=False))
    frozen = {name for name, weight in everywhere.items() if not weight.requires_grad}
    scales = {name for name in model.state_dict() if any(part in frozen for part in _beginnings(name))}
    return frozen | scales, everywhere.keys() - once


def _beginnings(name: str) -> Iterator[str]:
    """The names that this one goes on from: the scales of a weight in four bits have names that begin with its own."""
    return accumulate(name.split(".")[:-1], lambda front, part: f"{front}.{part}")
