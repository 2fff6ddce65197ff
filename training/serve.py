"""Answers from a pool of loaded models, over JSON lines: `python -m training serve`.

Reads `{"id": "x", "folder": "<model folder>", "inputs": [{...}], "options": {...}}` or `{"cancel": "x"}`. Answers
`{"id": "x", "outputs": [...]}`; with `"stream": true`, from a model that writes, many `{"id": "x", "delta": "text"}`
and at the end `{"id": "x", "done": {"tokens", "seconds", "reason"}}`; or `{"id": "x", "error": {"message", "hint"}}`.
Ends when stdin closes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, runtime_checkable

import orjson

from training.device import Device, choose_device
from training.errors import TrainingError
from training.predict import Predictor, load_predictor
from training.recipes import Recipe

MOST_MODELS = 3
MOST_REQUESTS = 16


class Ending(Protocol):
    """How a text came to its end."""

    tokens: int
    reason: str


@runtime_checkable
class Streams(Protocol):
    """A predictor that writes its answer piece by piece."""

    def stream(
        self, given: dict[str, object], options: dict[str, object], cancelled: Callable[[], bool]
    ) -> Generator[str, None, Ending]:
        """Pieces of text as they are found; ends early once `cancelled` is true."""


class Serving:
    """One serving process: its models, and the requests under way."""

    def __init__(self, say: Callable[[dict[str, object]], None]) -> None:
        self.say = say
        self.device = choose_device(Recipe())
        self.pool = Pool(self.device)
        self.cancelled: set[str] = set()

    def answer(self, request: dict[str, object]) -> None:
        """Answer one request; whatever goes wrong becomes its `error`."""
        key = str(request["id"])
        try:
            predictor, turn = self.pool.take(Path(str(request["folder"])))
            with turn:
                self._answer(key, predictor, request)
        except TrainingError as error:
            self.say({"id": key, "error": {"message": error.message, "hint": error.hint}})
        except Exception:
            traceback.print_exc()
            message = "The model could not answer through a fault of Touchstone."
            self.say({"id": key, "error": {"message": message, "hint": "Try again; the server's log has the details."}})
        finally:
            self.cancelled.discard(key)

    def _answer(self, key: str, predictor: Predictor, request: dict[str, object]) -> None:
        inputs: list[dict[str, object]] = request["inputs"]  # type: ignore[assignment]
        options: dict[str, object] = request.get("options") or {}  # type: ignore[assignment]
        if request.get("stream") and isinstance(predictor, Streams):
            self._write(key, predictor.stream(inputs[0], options, lambda: key in self.cancelled))
        else:
            self.say({"id": key, "outputs": predictor.answer(inputs, options)})

    def _write(self, key: str, pieces: Generator[str, None, Ending]) -> None:
        started = time.monotonic()
        while True:
            try:
                if delta := next(pieces):
                    self.say({"id": key, "delta": delta})
            except StopIteration as end:
                seconds = round(time.monotonic() - started, 3)
                done = {"tokens": end.value.tokens, "seconds": seconds, "reason": end.value.reason}
                self.say({"id": key, "done": done})
                return


class Pool:
    """The models used last, each answering one request at a time."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._models: OrderedDict[Path, tuple[Predictor, threading.Lock]] = OrderedDict()
        self._loading = threading.Lock()

    def take(self, folder: Path) -> tuple[Predictor, threading.Lock]:
        """The model of a folder, loaded if need be, and the lock that its user holds."""
        with self._loading:
            if folder not in self._models:
                self._models[folder] = load_predictor(folder, self.device), threading.Lock()
            self._models.move_to_end(folder)
            while len(self._models) > MOST_MODELS:
                self._models.popitem(last=False)
            return self._models[folder]


def serve() -> None:
    """Answer until stdin closes."""
    lines = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    lock = threading.Lock()

    def say(message: dict[str, object]) -> None:
        with lock:
            lines.write(orjson.dumps(message) + b"\n")

    serving = Serving(say)
    workers = ThreadPoolExecutor(MOST_REQUESTS)
    say({"ready": os.getpid()})
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        if "cancel" in request:
            serving.cancelled.add(request["cancel"])
        else:
            workers.submit(serving.answer, request)
    os._exit(0)
