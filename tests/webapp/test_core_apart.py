"""What needs much memory happens in a process beside this one."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from training.errors import TrainingError
from webapp.core import apart

HERE = "tests.webapp.test_core_apart"


def double(number):
    return 2 * number, os.getpid()


def complain(about):
    raise TrainingError(f"{about} cannot be read.", "Save it as UTF-8.", code="unreadable")


def linger(marker):
    marker.touch()
    while marker.exists():
        time.sleep(0.01)
    return os.getpid()


def chatter():
    print("a library that prints")
    return "answer"


def knows(module, seconds=0.0):
    time.sleep(seconds)
    return module in sys.modules


def die_once(marker):
    if not marker.exists():
        marker.touch()
        os._exit(9)
    return "alive again"


def count(stop, fail_at=-1):
    for number in range(stop):
        if number == fail_at:
            raise TrainingError("The file ends here.")
        yield str(number).encode()


def test_a_call_is_done_by_another_process_that_stays():
    (result, first), (_, second) = apart.run(f"{HERE}:double", 21), apart.run(f"{HERE}:double", 1)
    assert result == 42
    assert first == second != os.getpid()


def test_a_quick_call_is_answered_while_long_ones_are_at_work(tmp_path):
    from runs_kit import wait_for  # which the helper, that imports this module too, does not know

    with ThreadPoolExecutor(2) as people:
        markers = [tmp_path / "first", tmp_path / "second"]
        waiting = {marker: people.submit(apart.run_long, f"{HERE}:linger", marker) for marker in markers}
        begun = wait_for(lambda: next((marker for marker in markers if marker.exists()), None))
        _, quick = apart.run(f"{HERE}:double", 1)
        assert not any(call.done() for call in waiting.values())
        assert sum(marker.exists() for marker in markers) == 1
        begun.unlink()
        other = next(marker for marker in markers if marker != begun)
        wait_for(other.exists)
        other.unlink()
        assert waiting[begun].result() != quick


def test_what_is_raised_there_is_raised_here_with_its_next_step():
    with pytest.raises(TrainingError, match="cannot be read") as complaint:
        apart.run(f"{HERE}:complain", "This file")
    assert complaint.value.hint == "Save it as UTF-8."
    assert complaint.value.code == "unreadable"


def test_what_a_library_prints_does_not_disturb_the_answer():
    assert apart.run(f"{HERE}:chatter") == "answer"


def test_a_helper_that_died_is_replaced(tmp_path):
    assert apart.run(f"{HERE}:die_once", tmp_path / "marker") == "alive again"


def test_chunks_come_as_they_are_made():
    assert list(apart.stream(f"{HERE}:count", 3)) == [b"0", b"1", b"2"]


def test_a_stream_that_breaks_off_says_why():
    chunks = apart.stream(f"{HERE}:count", 3, 1)
    assert next(chunks) == b"0"
    with pytest.raises(TrainingError, match="The file ends here"):
        next(chunks)


def test_a_stream_that_nobody_reads_on_leaves_no_process():
    before = psutil.Process().children()
    chunks = apart.stream(f"{HERE}:count", 10**9)
    next(chunks)
    chunks.close()
    assert psutil.Process().children() == before


def test_a_module_is_loaded_before_it_is_asked_for():
    assert not apart.run(f"{HERE}:knows", "xml.dom.minidom")
    apart.prepare("xml.dom.minidom")
    deadline = time.monotonic() + 60
    with ThreadPoolExecutor(2) as pool:  # both helpers at once, because either may have loaded it
        while not any(pool.map(lambda _: apart.run(f"{HERE}:knows", "xml.dom.minidom", 0.1), range(2))):
            assert time.monotonic() < deadline
