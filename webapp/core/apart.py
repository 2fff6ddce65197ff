"""Work that needs Arrow or NumPy is done in a process beside this one, so that web processes stay small.

`run` hands one call to one of two helpers that stay for a while; `run_long` does the same for work that may take
seconds, of which there is never more than one at a time, so that a quick call always finds a helper; `stream` starts a
process of its own. What they run is named as "module:function", knows no Django, and gets and gives plain values.
"""

import atexit
import importlib
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import LifoQueue
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent.parent
IDLE_SECONDS = 300
"""After so long without work a helper goes, with the memory it holds."""
MOST_MEMORY = 400 * 2**20
"""A helper that holds more makes room for a new one."""
_LENGTH = struct.Struct("<Q")


def run(function: str, *arguments: Any) -> Any:
    """What the function returns; what it raises is raised here."""
    helper = _free.get()
    try:
        return helper.run(function, arguments)
    finally:
        _free.put(helper)


def run_long(function: str, *arguments: Any) -> Any:
    """The same for a function that may take seconds; others of its kind wait for it, quick calls do not."""
    with _one_long:
        return run(function, *arguments)


def prepare(module: str) -> None:
    """Have a helper load a module meanwhile, so that a call that comes soon need not wait for it."""
    threading.Thread(target=run, args=("webapp.core.apart:load", module), daemon=True).start()


def stream(function: str, *arguments: Any) -> Iterator[bytes]:
    """The chunks that the generator function yields, as they come."""
    process = _start("stream")
    try:
        _send(process.stdin, (function, arguments))
        while (chunk := _receive(process.stdout)) is not None:
            yield _opened(chunk)
    finally:
        process.kill()
        process.wait()


class Helper:
    """One process that does one call at a time; started when it is needed, and again when it is gone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, function: str, arguments: tuple[Any, ...]) -> Any:
        """One call; a helper that went away is replaced once."""
        try:
            answer = self._ask(function, arguments)
        except (EOFError, OSError):
            self.stop()
            answer = self._ask(function, arguments)
        return _opened(answer)

    def _ask(self, function: str, arguments: tuple[Any, ...]) -> Any:
        if self._process is None:
            self._process = _start("serve")
        _send(self._process.stdin, (function, arguments))
        return _receive(self._process.stdout)

    def stop(self) -> None:
        """Let it go."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


_free: LifoQueue[Helper] = LifoQueue()
"""Those that have nothing to do; the one that worked last comes first, so that the other may go."""
_one_long = threading.Lock()
for _helper in (Helper(), Helper()):
    _free.put(_helper)
    atexit.register(_helper.stop)


def _start(mode: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "webapp.core.apart", mode]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _opened(answer: tuple[bool, Any]) -> Any:
    good, value = answer
    if good:
        return value
    raise value


def _send(pipe: IO[bytes] | None, message: Any) -> None:
    assert pipe is not None
    data = pickle.dumps(message, protocol=5)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> Any:
    assert pipe is not None
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("the helper went away")
    data = pipe.read(*_LENGTH.unpack(head))
    return pickle.loads(data)


# In the helper


def _serve(calls: IO[bytes], answers: IO[bytes]) -> None:
    while select.select([calls], [], [], IDLE_SECONDS)[0]:
        try:
            function, arguments = _receive(calls)
        except EOFError:
            return
        _send(answers, _attempt(function, arguments))
        if _memory() > MOST_MEMORY:
            return


def _stream(calls: IO[bytes], answers: IO[bytes]) -> None:
    function, arguments = _receive(calls)
    try:
        for chunk in _find(function)(*arguments):
            _send(answers, (True, chunk))
    except Exception as error:
        _send(answers, (False, error))
    _send(answers, None)


def _attempt(function: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, _find(function)(*arguments)
    except Exception as error:
        return False, error


def _find(function: str) -> Any:
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)


def load(module: str) -> None:
    """What `prepare` asks a helper for."""
    importlib.import_module(module)


def _memory() -> int:
    """Bytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def _main() -> None:
    """Answer on what was stdout; whatever a library prints goes to the log instead."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    {"serve": _serve, "stream": _stream}[sys.argv[1]](sys.stdin.buffer, answers)


if __name__ == "__main__":
    _main()
