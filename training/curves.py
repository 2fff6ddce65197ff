"""Points on their way out: gathered without waiting for the device, handed on about ten times a second."""

from __future__ import annotations

import math
import time
from collections import defaultdict

import torch
from torch import Tensor

from training.events import Points, Progress

FLUSH_SECONDS = 0.1


class Clock:
    """Seconds of training, going on from where an earlier session stopped."""

    def __init__(self, before: float = 0.0) -> None:
        self.before = before
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """Seconds so far, earlier sessions included."""
        return self.before + self.session()

    def session(self) -> float:
        """Seconds of this session."""
        return time.perf_counter() - self._start


class Curves:
    """All curves of one run since the last flush."""

    def __init__(self, clock: Clock, first_step: int, steps: int, limit: float = math.inf) -> None:
        self.clock = clock
        self._first_step = first_step
        self._steps = steps
        self._limit = limit
        self._flushed = 0.0
        self._told = False
        self._losses: list[Tensor] = []
        self._loss_steps: list[int] = []
        self._loss_seconds: list[float] = []
        self._points: dict[str, tuple[list[int], list[float], list[float]]] = defaultdict(lambda: ([], [], []))

    def add_loss(self, step: int, loss: Tensor) -> None:
        """Note the loss of a step without reading it: reading waits for a GPU."""
        self._losses.append(loss)
        self._loss_steps.append(step)
        self._loss_seconds.append(self.clock.seconds())

    def add(self, name: str, step: int, value: float) -> None:
        """Note one point."""
        steps, seconds, values = self._points[name]
        steps.append(step)
        seconds.append(self.clock.seconds())
        values.append(value)

    def due(self) -> bool:
        """Whether the page should hear something; true for the very first point."""
        return not self._told or self.since_flush() >= FLUSH_SECONDS

    def since_flush(self) -> float:
        """Seconds since points were last handed on, or since the start."""
        return self.clock.session() - self._flushed

    def flush(self, step: int, epoch: float) -> Progress:
        """Hand on everything since the last flush."""
        self._flushed, self._told = self.clock.session(), True
        points = {name: Points(steps=s, seconds=t, values=v) for name, (s, t, v) in self._points.items()}
        if self._losses:
            values = torch.stack(self._losses).float().tolist()
            points["train/loss"] = Points(steps=self._loss_steps, seconds=self._loss_seconds, values=values)
        self._losses, self._loss_steps, self._loss_seconds = [], [], []
        self._points.clear()
        pace = self.clock.session() / max(1, step - self._first_step)
        return Progress(
            step=step,
            steps=self._steps,
            epoch=epoch,
            seconds=self.clock.seconds(),
            eta_seconds=max(0.0, min(pace * (self._steps - step), self._limit - self.clock.seconds())),
            points=points,
        )
