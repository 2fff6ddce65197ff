"""The whole state of a run on disk: weights, optimiser, place in the data, random state. Written or not, never half."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from training.device import Device
from training.optimizers import Optimizers

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


def save_checkpoint(
    folder: Path, *, model: nn.Module, optimizers: Optimizers, position: Position, device: Device
) -> None:
    """Write the state beside the old one and swap them, so that a power cut leaves one that is whole."""
    target, fresh, old = folder / FOLDER, folder / f"{FOLDER}.new", folder / f"{FOLDER}.old"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    if (finished := last_checkpoint(folder) / MEMBERS).exists():
        shutil.copytree(finished, fresh / MEMBERS, copy_function=os.link)  # the same files: they never change
    state = {
        "weights": trained_state(model),
        "optimizers": optimizers.state_dict(),
        "position": asdict(position),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if device.torch.type == "cuda" else [],
    }
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


def restore_checkpoint(
    folder: Path, *, model: nn.Module, optimizers: Optimizers, device: Device, member: int = 0
) -> Position | None:
    """Take back the last whole checkpoint, random state included; None if there is none of this member."""
    path = last_checkpoint(folder) / "state.pt"
    if not path.exists():
        return None
    state = torch.load(path, map_location=device.torch, weights_only=True)
    if state["position"]["member"] != member:
        return None
    model.load_state_dict(state["weights"], strict=False)
    optimizers.load_state_dict(state["optimizers"])
    torch.set_rng_state(state["random"].cpu())
    if state["random_cuda"]:
        torch.cuda.set_rng_state_all([random.cpu() for random in state["random_cuda"]])
    return Position(**state["position"])


def trained_state(model: nn.Module) -> dict[str, Tensor]:
    """Buffers and the weights that are trained; a frozen pretrained part is read from its own folder again."""
    frozen, tied = untrained_names(model)
    return {name: value for name, value in model.state_dict().items() if name not in frozen | tied}


def untrained_names(model: nn.Module) -> tuple[set[str], set[str]]:
    """Names of frozen weights, and second names of weights that stand in two places."""
    once = {name for name, _ in model.named_parameters()}
    everywhere = dict(model.named_parameters(remove_duplicate=False))
    return {name for name, weight in everywhere.items() if not weight.requires_grad}, everywhere.keys() - once
