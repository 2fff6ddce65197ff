"""A network shared out: each process keeps a part of every weight, and all put a block together when it is its turn.

Weights, gradients and the optimiser's memory are divided by the number of processes. Torch's `fully_shard`: Zhao et
al., "PyTorch FSDP: experiences on scaling fully sharded data parallel", 2023, https://arxiv.org/abs/2304.11277
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar, cast

from torch import Tensor, float16, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from training.device import Device
from training.errors import TrainingError
from training.events import Warning
from training.techniques.blocks import blocks_of

T = TypeVar("T")
BESIDE = "remember"
"""What blocks that write are asked for beside their turn: keys and values of what they will look at."""


def share_out(model: nn.Module, device: Device, processes: int) -> Warning | None:
    """Leave every process its part of the weights; says why if the network stays whole in each.

    Raises TrainingError where losses are scaled for float16: who finds a gradient that is no number would be the only
    one to leave out that correction.
    """
    blocks = blocks_of(model)
    if processes == 1:
        return Warning(message="There is one process, which keeps the whole model.", hint="Start several by torchrun.")
    if not blocks:
        return Warning(message="This network is not made of blocks, so that every process keeps the whole of it.")
    if device.dtype is float16:
        raise TrainingError(
            "A model that is shared out cannot learn with 16-bit floats of this kind.",
            "Set the precision to “float32”, or do not share out the model.",
            code="no_device",
        )
    if not all(weight.is_floating_point() for weight in model.parameters()):
        return Warning(message="Weights in 4 bits cannot be divided, so that every process keeps all of them.")
    mesh = init_device_mesh(device.torch.type, (processes,))
    for part in [*blocks, model]:
        fully_shard(part, mesh=mesh, reshard_after_forward=True)
    for block in blocks:
        if hasattr(block, BESIDE):
            register_fsdp_forward_method(block, BESIDE)
    return None


def is_shared_out(model: nn.Module) -> bool:
    """Whether `share_out` was done to this network."""
    return isinstance(model, FSDPModule)


@contextmanager
def put_together(model: nn.Module) -> Iterator[None]:
    """Inside, every process holds the whole network, and each may use it without the others."""
    if not isinstance(model, FSDPModule):
        yield
        return
    model.set_reshard_after_forward(False)
    for part in model.modules():
        if isinstance(part, FSDPModule):
            part.unshard()
    try:
        yield
    finally:
        model.reset_iter_state()  # also forgets what a process did alone, which the others did not
        model.set_reshard_after_forward(True)


def whole(value: Tensor) -> Tensor:
    """The whole of a tensor that may be shared out; every process must ask for it at the same time."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def gathered(tree: T) -> T:
    """The same dictionaries and lists, in which tensors that were shared out are whole and on the CPU.

    Every process must ask for the same tree at the same time.
    """
    if isinstance(tree, dict):
        return cast(T, {key: gathered(value) for key, value in tree.items()})
    if isinstance(tree, list):
        return cast(T, [gathered(value) for value in tree])
    return cast(T, whole(tree).cpu()) if isinstance(tree, DTensor) else tree


def own_part(value: Tensor, sample: Tensor) -> Tensor:
    """What this process keeps of a whole tensor: its part where `sample` is shared out and of the same shape."""
    if not isinstance(sample, DTensor) or sample.shape != value.shape:
        return value
    here = value.to(sample.device)
    return distribute_tensor(here, sample.device_mesh, sample.placements, src_data_rank=None)


def own_parts(values: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """What this process keeps of whole weights by their names in the network."""
    samples = model.state_dict()
    return {name: own_part(value.to(samples[name].device), samples[name]) for name, value in values.items()}
