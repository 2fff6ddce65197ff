"""A worker's signs of life go on through a database that is busy or away for a moment."""

import threading

from django.db import OperationalError

from webapp.core.heartbeat import beating


def test_beats_go_on_after_one_that_did_not_get_through(caplog):
    beats, enough = [], threading.Event()

    def beat():
        beats.append(len(beats))
        if len(beats) == 2:
            raise OperationalError("database is locked")
        if len(beats) == 4:
            enough.set()

    with beating(beat, every=0.01, name="run 7"):
        assert enough.wait(20)
    assert "No heartbeat for run 7: database is locked" in caplog.text
    assert not [thread for thread in threading.enumerate() if thread.name == "run 7-heartbeat"]
