"""Where the arithmetic happens, and how: device, precision, threads and memory format."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import dtype as DType
from torch import nn

from training.errors import TrainingError
from training.recipes import Recipe

SMALL_STEP_SECONDS = 0.02
"""Below this a step gains nothing from more threads, so it is not probed: same seed, same machine, same curve."""
PROBE_SECONDS = 0.12
"""Longer steps are tried on a share of their batch that takes about so long."""
TRIES = 2
"""So often each way is timed; the quicker time counts."""


@dataclass(frozen=True)
class Device:
    """One place to train on, with the way of working that was chosen for this run."""

    torch: torch.device
    dtype: DType
    """float32, or the half precision of autocast."""
    threads: int = 1
    channels_last: bool = False

    @property
    def title(self) -> str:
        """The device in words: "NVIDIA H100", "CPU, 2 threads"."""
        if self.torch.type == "cuda":
            return torch.cuda.get_device_name(self.torch)
        if self.torch.type == "mps":
            return "Apple GPU"
        half = ", bfloat16" if self.dtype is torch.bfloat16 else ""
        return f"CPU, {self.threads} thread{'s' if self.threads > 1 else ''}{half}"

    def autocast(self) -> AbstractContextManager[object]:
        """Compute in half precision inside this context, if that was chosen."""
        if self.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.torch.type, dtype=self.dtype)

    def memory_mb(self) -> float:
        """Megabytes the run holds at most so far: of the GPU, or of the process."""
        if self.torch.type == "cuda":
            return torch.cuda.max_memory_allocated(self.torch) / 2**20
        import psutil

        return float(psutil.Process().memory_info().rss) / 2**20


def choose_device(recipe: Recipe) -> Device:
    """The best device this process may use, with the precision that the recipe asks for.

    Raises TrainingError when that precision does not exist here.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no deterministic mode
    if recipe.deterministic != torch.are_deterministic_algorithms_enabled():  # setting it imports the compiler
        torch.use_deterministic_algorithms(recipe.deterministic)
    if torch.cuda.is_available():
        device = torch.device("cuda")
        half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        chosen = {"auto": half, "float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
        torch.set_float32_matmul_precision("high")
        return Device(device, chosen[recipe.precision])
    if recipe.precision == "float16":
        raise TrainingError(
            "This machine has no GPU, and 16-bit floats need one.", "Set the precision to “auto”.", code="no_device"
        )
    threads = max(1, int(os.environ.get("TOUCHSTONE_THREADS", 0)) or _cores() - 1)
    torch.set_num_threads(threads)
    return Device(torch.device("cpu"), torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32, threads)


def settle(device: Device, recipe: Recipe, model: nn.Module, work: Callable[[Device, float], None]) -> Device:
    """Try the ways of working that this CPU has on real steps, for about 2 s of its time, and keep the fastest.

    `work` does forward and backward of a share of one batch without changing weights. Steps that are short keep what
    they have. The choice is remembered in TOUCHSTONE_PROBES, so that the next run of the same kind takes the same way.
    """
    if device.torch.type != "cpu" or recipe.deterministic:
        return device
    convolutional = any(isinstance(module, nn.Conv2d) for module in model.modules())
    plans, memory = _plans(device, recipe, convolutional), _Memory(_signature(model, recipe))
    if (kept := memory.read()) is not None and kept < len(plans):
        return _apply(plans[kept])
    work(device, 1.0)  # the first call allocates
    seconds = _cpu_seconds(work, device)
    best = 0 if seconds < SMALL_STEP_SECONDS else _fastest(plans, work, min(1.0, PROBE_SECONDS / seconds))
    memory.write(best)
    return _apply(plans[best])


def _fastest(plans: list[Device], work: Callable[[Device, float], None], share: float) -> int:
    """The number of the plan that does this share of a batch soonest."""
    deadline = time.process_time() + 2.0
    timings: list[float] = []
    for plan in plans:
        if timings and time.process_time() + (1 + TRIES) * max(timings) > deadline:
            break
        work(_apply(plan), share)
        timings.append(min(_timed(work, plan, share) for _ in range(TRIES)))
    return timings.index(min(timings))


def _plans(device: Device, recipe: Recipe, convolutional: bool) -> list[Device]:
    """The given way first, then channels-last, more threads, and bfloat16 where the CPU computes it."""
    cores = int(os.environ.get("TOUCHSTONE_THREADS", 0)) or _cores()
    plans = [device, replace(device, channels_last=True)] if convolutional else [device]
    if cores != device.threads:
        plans += [replace(plan, threads=cores) for plan in plans]
    if recipe.precision == "auto" and _computes_bfloat16():
        plans += [replace(plan, dtype=torch.bfloat16) for plan in plans]
    return plans


def _apply(device: Device) -> Device:
    torch.set_num_threads(device.threads)
    return device


def _cpu_seconds(work: Callable[[Device, float], None], device: Device) -> float:
    """What a whole batch costs; processor time, so that a busy neighbour does not make a short step look long."""
    start = time.process_time()
    work(device, 1.0)
    return time.process_time() - start


def _timed(work: Callable[[Device, float], None], plan: Device, share: float) -> float:
    """How long it takes; one thread is timed by what it computes, however long neighbours let it wait."""
    clock = time.process_time if plan.threads == 1 else time.perf_counter
    start = clock()
    work(plan, share)
    return clock() - start


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _computes_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def _signature(model: nn.Module, recipe: Recipe) -> str:
    size = sum(parameter.numel() for parameter in model.parameters())
    return f"{platform.node()} {type(model).__name__} {size} {recipe.batch_size} {recipe.precision} {_cores()}"


class _Memory:
    """What was chosen before for the same network on this machine: one small file per signature."""

    def __init__(self, signature: str) -> None:
        folder = os.environ.get("TOUCHSTONE_PROBES")
        name = "".join(letter if letter.isalnum() else "-" for letter in signature)
        self.path = Path(folder, name) if folder else None

    def read(self) -> int | None:
        if self.path is None or not self.path.exists():
            return None
        return int(self.path.read_text() or 0)

    def write(self, choice: int) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(str(choice))
