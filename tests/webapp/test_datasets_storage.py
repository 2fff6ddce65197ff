"""Folders in storage, on this machine and on another."""

import os
import threading
import time

import pytest
from django.core.files.storage import default_storage

from webapp.core import storage

IN_MEMORY = {"BACKEND": "django.core.files.storage.InMemoryStorage"}


@pytest.fixture(params=["local", "remote"])
def place(request, settings, tmp_path):
    """Both kinds of storage; the remote one is a storage without paths."""
    settings.DATA_DIR = tmp_path / "data"
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": local if request.param == "local" else IN_MEMORY}
    return request.param


@pytest.fixture
def folder(tmp_path):
    """A folder with a file and a folder in it."""
    path = tmp_path / "made"
    (path / "inner").mkdir(parents=True)
    (path / "a.txt").write_text("one")
    (path / "inner" / "b.txt").write_text("two")
    return path


def contents(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_saved_folder_comes_back_as_it_was(place, folder):
    storage.save_folder(folder, "runs/1")
    assert contents(storage.local_folder("runs/1")) == {"a.txt": "one", "inner/b.txt": "two"}
    assert folder.exists()
    assert storage.open_file("runs/1/inner/b.txt").read() == b"two"
    assert storage.has_file("runs/1/a.txt")


def test_a_moved_folder_is_only_in_storage(place, folder):
    storage.move_folder(folder, "runs/1")
    assert not folder.exists()
    assert contents(storage.local_folder("runs/1")) == {"a.txt": "one", "inner/b.txt": "two"}


def test_saving_again_replaces_what_was_there(place, folder):
    storage.save_folder(folder, "runs/1")
    (folder / "a.txt").unlink()
    storage.save_folder(folder, "runs/1")
    assert contents(storage.local_folder("runs/1")) == {"inner/b.txt": "two"}


def test_a_deleted_folder_is_gone(place, folder):
    storage.save_folder(folder, "runs/1")
    storage.local_folder("runs/1")
    storage.delete_folder("runs/1")
    storage.delete_folder("runs/1")
    assert not storage.has_file("runs/1/a.txt")
    with pytest.raises(FileNotFoundError):
        storage.local_folder("runs/1")


def test_saving_that_fails_leaves_the_old_folder(folder, settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "files"},
        },
    }
    storage.save_folder(folder, "runs/1")
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="dangling"):
        storage.save_folder(folder, "runs/1")
    assert contents(storage.local_folder("runs/1")) == {"a.txt": "one", "inner/b.txt": "two"}
    assert [path.name for path in (tmp_path / "files" / "runs").iterdir()] == ["1"]


@pytest.mark.parametrize("place", ["remote"], indirect=True)
def test_a_remote_folder_is_downloaded_once_however_many_ask(place, folder, monkeypatch):
    storage.save_folder(folder, "runs/1")
    opened, original = [], type(default_storage._wrapped).open

    def slow(self, name, mode="rb"):
        opened.append(name)
        time.sleep(0.05)
        return original(self, name, mode)

    monkeypatch.setattr(type(default_storage._wrapped), "open", slow)
    threads = [threading.Thread(target=storage.local_folder, args=("runs/1",)) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(opened) == ["runs/1/a.txt", "runs/1/inner/b.txt"]


@pytest.mark.parametrize("place", ["remote"], indirect=True)
def test_copies_that_nobody_asks_for_are_forgotten_after_a_week(place, folder, settings):
    storage.save_folder(folder, "runs/1")
    copy = storage.local_folder("runs/1")
    storage.forget_unused_copies()
    assert copy.exists()
    long_ago = time.time() - 8 * 86_400
    os.utime(copy.with_name("1.used"), (long_ago, long_ago))
    storage.forget_unused_copies()
    assert not copy.exists()
    assert contents(storage.local_folder("runs/1")) == {"a.txt": "one", "inner/b.txt": "two"}
