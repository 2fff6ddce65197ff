"""The serving process as a worker sees it: one child that holds the models, spoken to in JSON lines."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from webapp.core.errors import UserError

Message = dict[str, Any]
GONE: Message = {
    "error": {"message": "The model's process ended unexpectedly.", "hint": "Ask again; it has been started anew."}
}


def warm_up() -> None:
    """Start the serving process now, so that the first question need not wait for torch."""
    _process()


def ask(folder: Path, inputs: list[Message], options: Message) -> list[Message]:
    """The model's answers; raises UserError with its sentence when it has none."""
    for message in _process().request(folder, inputs, options).answers():
        if "outputs" in message:
            outputs: list[Message] = message["outputs"]
            return outputs
        raise UserError(**message["error"], code="no_answer")
    raise AssertionError("a serving process answers or fails")


def write(folder: Path, given: Message, options: Message) -> Question:
    """Let the model write; the question's answers are deltas, and at last `done` or `error`."""
    return _process().request(folder, [given], options, stream=True)


class Question:
    """One request under way."""

    def __init__(self, process: ServingProcess) -> None:
        self.key = uuid.uuid4().hex
        self.process = process
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def answers(self) -> Iterator[Message]:
        """What comes back, until the last message."""
        while True:
            message = self.messages.get()
            yield message
            if "delta" not in message:
                return

    def cancel(self) -> None:
        """Let the model stop writing at its next token."""
        self.process.say({"cancel": self.key})


class ServingProcess:
    """`python -m training serve`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "training", "serve"],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the worker; this process ends with the worker's pipe
        )
        self._lock = threading.Lock()
        self._questions: dict[str, Question] = {}
        threading.Thread(target=self._listen, daemon=True, name="serving").start()

    def is_alive(self) -> bool:
        """Whether it can still answer."""
        return self._process.poll() is None

    def request(self, folder: Path, inputs: list[Message], options: Message, *, stream: bool = False) -> Question:
        """Ask; the answers arrive in the question."""
        question = Question(self)
        with self._lock:
            self._questions[question.key] = question
        self.say({"id": question.key, "folder": str(folder), "inputs": inputs, "options": options, "stream": stream})
        return question

    def say(self, message: Message) -> None:
        """Write one line; a process that is gone fails its questions by itself."""
        assert self._process.stdin
        with self._lock:
            try:
                self._process.stdin.write(orjson.dumps(message) + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                self._fail_all()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            message = orjson.loads(line)
            if (question := self._questions.get(message.get("id", ""))) is None:
                continue
            if "delta" not in message:
                del self._questions[question.key]
            question.messages.put(message)
        self._process.wait()
        with self._lock:
            self._fail_all()

    def _fail_all(self) -> None:
        for question in list(self._questions.values()):
            question.messages.put(GONE)
        self._questions.clear()


_serving: ServingProcess | None = None
_serving_lock = threading.Lock()


def _process() -> ServingProcess:
    """The serving process of this worker, a new one if it ended."""
    global _serving
    with _serving_lock:
        if _serving is None or not _serving.is_alive():
            _serving = ServingProcess()
        return _serving
