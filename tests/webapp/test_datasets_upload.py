"""Files on their way in."""

import errno
import hashlib
import os
import threading
import zlib
from datetime import timedelta

import pytest
from datasets_kit import FLOWERS, finish, finish_together, import_here, ready, send, start, upload
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from webapp.core import storage
from webapp.datasets import jobs
from webapp.datasets.models import Dataset, Upload
from webapp.datasets.uploading import uploads
from webapp.datasets.uploading.arrived import folder_of
from webapp.datasets.uploading.limits import safe_name
from webapp.projects.models import Role

pytestmark = pytest.mark.django_db


def test_a_file_sent_in_chunks_becomes_a_dataset_with_the_very_same_bytes(browser):
    dataset = upload(browser, FLOWERS)
    assert dataset.status == Dataset.Status.IMPORTING
    assert dataset.name == "flowers"
    assert storage.open_file(f"{dataset.source}/flowers.csv").read() == FLOWERS


def test_an_interrupted_upload_goes_on_where_it_stopped(browser, seat):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS[:100], offset=0)
    another_day = Client()
    another_day.force_login(seat.user)
    again = start(another_day, FLOWERS).json()
    assert again["url"] == place["url"]
    assert again["received"] == 100


def test_another_file_of_the_same_size_begins_anew(browser):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS[:100], offset=0)
    other = start(browser, FLOWERS, fingerprint="roses:2").json()
    assert other["url"] != place["url"]
    assert other["received"] == 0


def test_a_chunk_at_the_wrong_place_is_told_the_right_one(browser):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS[:100], offset=0)
    answer = send(browser, place, FLOWERS[:100], offset=0)
    assert answer.status_code == 409
    assert answer.json()["received"] == 100


def test_a_damaged_chunk_is_refused_and_can_be_sent_again(browser):
    place = start(browser, FLOWERS).json()
    damaged = send(browser, place, FLOWERS[:100], offset=0, checksum="crc32=00000000")
    assert damaged.status_code == 422
    assert start(browser, FLOWERS).json()["received"] == 0
    sha256 = hashlib.sha256(FLOWERS[:100]).hexdigest()
    assert send(browser, place, FLOWERS[:100], offset=0, checksum=f"sha256={sha256}").json() == {"received": 100}


def test_a_chunk_without_a_checksum_is_refused(browser):
    place = start(browser, FLOWERS).json()
    assert send(browser, place, FLOWERS[:100], offset=0, checksum="none").json()["error"]["code"] == "no_checksum"


def test_more_bytes_than_announced_are_refused(browser):
    place = start(browser, FLOWERS, size=50).json()
    assert send(browser, place, FLOWERS[:100], offset=0).status_code == 422


def test_what_a_dying_server_left_behind_the_safe_bytes_does_no_harm(browser, seat):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS[:100], offset=0)
    half = Upload.objects.get()
    with (folder_of(half) / half.filename).open("ab") as file:
        file.write(b"x" * 5000)
    assert start(browser, FLOWERS).json()["received"] == 100
    send(browser, place, FLOWERS[100:], offset=100)
    dataset = Dataset.objects.get(pk=finish(browser, place).json()["id"])
    assert storage.open_file(f"{dataset.source}/flowers.csv").read() == FLOWERS


def test_bytes_that_the_disk_lost_are_asked_for_again(browser):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS[:100], offset=0)
    half = Upload.objects.get()
    os.truncate(folder_of(half) / half.filename, 60)
    assert start(browser, FLOWERS).json()["received"] == 60


def test_an_incomplete_file_cannot_be_finished(browser):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS[:100], offset=0)
    answer = finish(browser, place)
    assert answer.status_code == 409
    assert answer.json()["received"] == 100
    assert not Dataset.objects.exists()


def test_finishing_twice_makes_one_dataset(browser):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS, offset=0)
    assert finish(browser, place).json() == finish(browser, place).json()
    assert Dataset.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_chunks_at_once_one_is_kept(browser, seat, redis):
    place = start(browser, FLOWERS).json()
    answers, gate = [], threading.Barrier(2)

    def work(letter):
        client = Client()
        client.force_login(seat.user)
        gate.wait()
        answers.append(send(client, place, letter * 200, offset=0).status_code)
        connection.close()

    threads = [threading.Thread(target=work, args=(letter,)) for letter in (b"a", b"b")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(answers) == [200, 409]
    half = Upload.objects.get()
    kept = (folder_of(half) / half.filename).read_bytes()
    assert kept in (b"a" * 200, b"b" * 200)
    assert half.received == 200


def test_a_file_that_is_too_large_is_refused_before_a_byte_is_read(browser, settings):
    settings.UPLOAD_LIMIT = 1000
    answer = start(browser, b"", size=1001)
    assert answer.status_code == 413
    assert "at most 1 kB can be uploaded" in answer.json()["error"]["message"]
    assert not Upload.objects.exists()


def test_an_empty_file_is_refused(browser):
    assert start(browser, b"").json()["error"]["code"] == "empty"


def test_a_file_that_the_disk_has_no_room_for_is_refused_at_once(browser, settings):
    settings.UPLOAD_LIMIT = 10**17
    assert start(browser, b"", size=10**16).status_code == 507
    assert not Upload.objects.exists()


def test_a_full_disk_is_said_in_words(browser, monkeypatch):
    place = start(browser, FLOWERS).json()

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads, "_copy", full)
    answer = send(browser, place, FLOWERS, offset=0)
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\cats.csv", "cats.csv"),
        ("..", "file"),
        ("a\x00b\n.csv", "ab.csv"),
        (".hidden", "hidden"),
        ("猫.csv", "猫.csv"),
    ],
)
def test_a_name_of_a_file_leads_nowhere(given, kept):
    assert safe_name(given) == kept


def test_a_very_long_name_fits_on_any_disk():
    assert safe_name("猫" * 300 + ".csv").endswith(".csv")
    assert len(safe_name("猫" * 300 + ".csv").encode()) <= 200


def test_viewers_cannot_upload(browser, seat):
    seat.role = Role.VIEWER
    seat.save()
    answer = start(browser, FLOWERS)
    assert answer.status_code == 403
    assert "not change it" in answer.json()["error"]["message"]


def test_nobody_else_can_touch_an_upload(browser, stranger):
    place = start(browser, FLOWERS).json()
    assert send(stranger, place, FLOWERS, offset=0).status_code == 404
    assert finish(stranger, place).status_code == 404
    assert stranger.delete(place["url"]).status_code == 404


def test_who_lost_their_seat_cannot_finish(browser, seat):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS, offset=0)
    seat.delete()
    assert finish(browser, place).status_code == 404


def test_a_cancelled_upload_leaves_nothing(browser):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS[:100], offset=0)
    folder = folder_of(Upload.objects.get())
    assert browser.delete(place["url"]).status_code == 204
    assert not folder.exists()
    assert not Upload.objects.exists()


def test_uploads_that_nobody_goes_on_with_are_forgotten(browser):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS[:100], offset=0)
    folder = folder_of(Upload.objects.get())
    jobs.sweep()
    assert folder.exists()
    Upload.objects.update(touched=now() - timedelta(days=2))
    jobs.sweep()
    assert not folder.exists()
    assert not Upload.objects.exists()


def test_sweeping_leaves_the_files_of_datasets_alone(browser):
    dataset = upload(browser, FLOWERS)
    Upload.objects.update(touched=now() - timedelta(days=2))
    jobs.sweep()
    assert storage.has_file(f"{dataset.source}/flowers.csv")
    assert not Upload.objects.exists()


def arrived(browser, filename, data):
    place = start(browser, data, filename=filename, fingerprint=filename).json()
    send(browser, place, data, offset=0)
    return place


def test_train_and_test_files_become_one_dataset(browser, redis):
    places = [arrived(browser, name, FLOWERS) for name in ("flowers_train.csv", "flowers_test.csv")]
    answer = finish_together(browser, places)
    assert answer.json() == finish_together(browser, places).json()
    dataset = import_here(Dataset.objects.get())
    assert dataset.name == "flowers"
    assert dataset.latest.description["parts"] == {"train": 40, "test": 40}
    assert dataset.original_bytes == 2 * len(FLOWERS)
    assert not any(folder_of(known).exists() for known in Upload.objects.all())


def test_together_they_wait_for_the_last_byte_of_each(browser):
    complete = arrived(browser, "train.csv", FLOWERS)
    half = start(browser, FLOWERS, filename="test.csv", fingerprint="test").json()
    send(browser, half, FLOWERS[:100], offset=0)
    assert finish_together(browser, [complete, half]).json()["received"] == 100
    send(browser, half, FLOWERS[100:], offset=100)
    assert finish_together(browser, [complete, half]).status_code == 201


def test_two_files_of_one_name_cannot_belong_together(browser):
    places = [start(browser, FLOWERS, fingerprint=str(number)).json() for number in range(2)]
    assert finish_together(browser, places).json()["error"]["code"] == "same_name"


@pytest.mark.parametrize("ids", [[], ["nonsense"]])
def test_finishing_needs_uploads(browser, ids):
    answer = browser.post("/datasets/uploads/finish/", {"upload": ids}, headers={"Accept": "application/json"})
    assert answer.json()["error"]["code"] == "no_upload"


def test_a_project_holds_no_more_than_its_quota(browser, seat, redis, settings):
    ready(seat)
    settings.PROJECT_QUOTA = 5000
    answer = start(browser, b"", size=4900)
    assert answer.status_code == 413
    assert "of the 5 kB that it may" in answer.json()["error"]["message"]
    assert start(browser, b"", size=100).status_code == 200


def test_what_is_still_on_its_way_counts_for_the_quota(browser, settings):
    settings.PROJECT_QUOTA = 5000
    assert start(browser, b"", size=3000, fingerprint="one").status_code == 200
    assert start(browser, b"", size=3000, fingerprint="two").status_code == 413


def test_an_upload_goes_on_at_another_machine(browser, settings, tmp_path):
    in_memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": in_memory}
    machines = [tmp_path / "first", tmp_path / "second"]
    place = start(browser, FLOWERS).json()
    for number, offset in enumerate(range(0, len(FLOWERS), 100)):
        settings.DATA_DIR = machines[number % 2]
        assert start(browser, FLOWERS).json()["received"] == offset
        assert send(browser, place, FLOWERS[offset : offset + 100], offset=offset).status_code == 200
    settings.DATA_DIR = tmp_path / "third"
    dataset = Dataset.objects.get(pk=finish(browser, place).json()["id"])
    assert storage.open_file(f"{dataset.source}/flowers.csv").read() == FLOWERS
    assert not storage.list_files("arriving")


def test_the_whole_file_is_compared_with_what_its_sender_has(browser, redis):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS, offset=0)
    said = {"upload": place["id"], "checksum": f"crc32={zlib.crc32(FLOWERS):08x}"}
    assert browser.post(place["finish"], said).status_code == 201


def test_a_file_that_changed_while_it_was_sent_is_told_and_begins_anew(browser):
    place = start(browser, FLOWERS).json()
    send(browser, place, FLOWERS, offset=0)
    said = {"upload": place["id"], "checksum": "crc32=00000000"}
    refused = browser.post(place["finish"], said, headers={"Accept": "application/json"})
    assert refused.status_code == 400
    assert "Choose the file again" in refused.json()["error"]["hint"]
    assert start(browser, FLOWERS).json()["received"] == 0
    assert not Dataset.objects.exists()


def test_a_checksum_is_sent_for_each_file_or_for_none(browser):
    places = [start(browser, FLOWERS, filename=f"{n}.csv", fingerprint=str(n)).json() for n in range(2)]
    for place in places:
        send(browser, place, FLOWERS, offset=0)
    said = {"upload": [place["id"] for place in places], "checksum": "crc32=00000000"}
    assert browser.post(places[0]["finish"], said).status_code == 400
