"""The blocks of a network: the like parts that a text or picture passes through one after another."""

from __future__ import annotations

from torch import nn

STACKS = ("blocks", "layers", "readers", "writers", "h", "layer", "block")
"""Under these names networks, ours and those of transformers, keep their blocks."""


def blocks_of(model: nn.Module) -> list[nn.Module]:
    """Every block of the network, but none inside another; empty for a network that is not made of blocks."""
    found: list[nn.Module] = []
    for name, part in model.named_children():
        found += part if name in STACKS and isinstance(part, nn.ModuleList) else blocks_of(part)
    return found
