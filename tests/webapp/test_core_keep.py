"""What `manage.py serve` starts is started again when it ends, and does not outlive it."""

import signal
import subprocess
import sys

import psutil
import pytest

from webapp.core.hold import hold

WAIT = 30


@pytest.fixture
def owner():
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def keep(owner, *command):
    return subprocess.Popen(
        [sys.executable, "-m", "webapp.core.keep", str(owner.pid), "0", *command],
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_process_that_ends_is_started_again_until_somebody_asks_to_end(owner, tmp_path):
    said = tmp_path / "said"
    kept = keep(owner, "sh", "-c", f"echo again >> {said}; [ $(wc -l < {said}) -gt 1 ] && sleep 600; exit 3")
    assert "ended with status 3; starting again" in kept.stdout.readline()
    while said.read_text().count("again") < 2:
        assert kept.poll() is None
    kept.send_signal(signal.SIGTERM)
    psutil.Process(kept.pid).children()[0].terminate()
    assert kept.wait(WAIT) == -signal.SIGTERM % 256


def test_nothing_outlives_an_owner_that_was_killed(owner):
    kept = keep(owner, "sleep", "600")
    family = psutil.Process(kept.pid)
    while not (children := family.children()):
        assert kept.poll() is None
    owner.kill()
    owner.wait()
    kept.wait(WAIT)
    assert not children[0].is_running()


def test_a_data_folder_is_held_by_one_until_all_of_it_has_ended(tmp_path, capsys):
    lock = hold(tmp_path, patience=0)
    heir = subprocess.Popen(["sleep", "600"], pass_fds=[lock.fileno()])
    lock.close()
    with pytest.raises(SystemExit, match="End it first, or set TOUCHSTONE_DATA"):
        hold(tmp_path, patience=0.2)
    heir.kill()
    heir.wait()
    assert "Waiting for the Touchstone" in capsys.readouterr().out
    hold(tmp_path, patience=0).close()
