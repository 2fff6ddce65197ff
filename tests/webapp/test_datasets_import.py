"""Imports: from what somebody brought to version 1, or to words that say why not."""

import json
import threading
import time
from datetime import timedelta

import pytest
from datasets_kit import FLOWERS, bring, import_here, import_worker
from django.utils.timezone import now
from runs_kit import wait_for

from training.data import importing
from webapp.core import storage
from webapp.core.errors import UserError
from webapp.datasets import jobs, lifecycle, services, working
from webapp.datasets.models import Dataset

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


def test_an_import_writes_version_one_with_its_description(seat):
    dataset = import_here(bring(seat, FLOWERS))
    assert dataset.status == Dataset.Status.READY
    version = dataset.latest
    assert (version.number, version.rows) == (1, 40)
    assert [column.name for column in version.describe().columns] == ["length", "width", "kind"]
    folder = storage.local_folder(version.folder)
    assert {"data.parquet", "dataset.json"} <= {path.name for path in folder.iterdir()}
    assert version.bytes == (folder / "data.parquet").stat().st_size
    assert len(dataset.sha256) == 64


@pytest.mark.parametrize(
    ("path", "task", "roles"),
    [
        ("tabular/penguins.csv", "tabular-classification", {"target": ["species"]}),
        ("tabular/titanic.csv", "tabular-classification", {"target": ["Survived"]}),
        ("text-classification/sms_spam.csv", "text-classification", {"target": ["label"], "text": ["text"]}),
        (
            "image-classification/cifar10_600_flat_classes.zip",
            "image-classification",
            {"target": ["label"], "image": ["image"]},
        ),
        ("text-generation/tinyshakespeare.txt", "language-modeling", {"text": ["text"]}),
    ],
)
def test_real_files_import_with_the_right_task_and_roles(seat, shared_data, path, task, roles):
    dataset = import_here(bring(seat, shared_data / path, filename=path.split("/")[1]))
    assert dataset.status == Dataset.Status.READY, dataset.error
    proposal = dataset.latest.describe().proposals[0]
    assert proposal.task == task
    assert roles.items() <= proposal.roles.items()


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("empty.csv", b"   \n"),
        ("header.csv", b"a,b,c\n"),
        ("broken.zip", b"PK\x03\x04 and then nothing that makes sense"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(2000)),
        ("model.pkl", b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n"),
    ],
)
def test_a_broken_file_ends_in_a_sentence_with_a_next_step(seat, filename, content):
    dataset = import_here(bring(seat, content, filename=filename))
    assert dataset.status == Dataset.Status.FAILED
    assert dataset.error["message"].endswith(".")
    assert dataset.error["hint"].endswith(".")
    assert "Traceback" not in dataset.error["message"]
    assert not dataset.versions.exists()
    assert storage.has_file(f"{dataset.source}/{filename}")


def test_our_own_mistake_is_logged_under_a_number_that_the_person_sees(seat, monkeypatch, caplog):
    monkeypatch.setattr(importing, "import_dataset", lambda *_: 1 / 0)
    dataset = import_here(bring(seat, FLOWERS))
    number = dataset.error["message"].split()[-1].rstrip(".")
    assert dataset.status == Dataset.Status.FAILED
    assert f"Bug {number}" in caplog.text
    assert "ZeroDivisionError" not in dataset.error["message"]


def test_a_full_disk_ends_in_a_sentence(seat, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(importing, "import_dataset", full)
    dataset = import_here(bring(seat, FLOWERS))
    assert "disk is full" in dataset.error["message"]


def test_a_message_delivered_twice_imports_once(seat):
    dataset = import_here(bring(seat, FLOWERS))
    import_here(dataset)
    assert dataset.attempt == 1
    assert dataset.versions.count() == 1


def test_only_one_worker_gets_an_import(seat):
    dataset = bring(seat, FLOWERS)
    assert lifecycle.claim(Dataset, dataset.pk) == dataset
    assert lifecycle.claim(Dataset, dataset.pk) is None


def test_an_import_whose_worker_fell_silent_is_taken_over(seat):
    dataset = bring(seat, FLOWERS)
    lost = lifecycle.claim(Dataset, dataset.pk)
    Dataset.objects.update(heartbeat=now() - timedelta(minutes=2))
    assert import_here(dataset).status == Dataset.Status.READY
    assert dataset.attempt == 2
    assert not lifecycle.record_phase(lost, title="Reading the rows", done=0.5)


def test_waiting_imports_are_called_again(seat, monkeypatch):
    called = []
    monkeypatch.setattr(jobs.import_dataset, "delay", called.append)
    waiting, busy = bring(seat, FLOWERS), bring(seat, FLOWERS)
    lifecycle.claim(Dataset, busy.pk)
    jobs.tend_imports()
    assert called == [waiting.pk]


def test_an_import_that_kills_every_worker_is_given_up_with_words(seat):
    dataset = bring(seat, FLOWERS)
    Dataset.objects.update(attempt=lifecycle.ATTEMPTS, heartbeat=now() - timedelta(minutes=2))
    jobs.tend_imports()
    dataset.refresh_from_db()
    assert dataset.status == Dataset.Status.FAILED
    assert "cut off 3 times" in dataset.error["message"]


@pytest.mark.django_db(transaction=True)
def test_a_long_phase_keeps_its_worker_alive_and_its_page_told(seat, monkeypatch, redis):
    monkeypatch.setattr(working, "BEAT_SECONDS", 0.05)
    dataset = bring(seat, FLOWERS)
    claimed = lifecycle.claim(Dataset, dataset.pk)
    Dataset.objects.update(heartbeat=now() - timedelta(minutes=2))
    with working.busy_with(claimed):
        deadline = time.monotonic() + 10
        while lifecycle.unattended(Dataset).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert not lifecycle.unattended(Dataset).exists()
    assert threading.active_count() < 20
    assert b"beat" in {fields[b"event"] for _, fields in redis.xrange(f"live:{dataset.channel}")}


@pytest.mark.django_db(transaction=True)
def test_an_import_whose_worker_is_killed_is_done_by_the_next_one(seat, shared_data):
    archive = shared_data / "image-classification" / "cifar10_12k_train_test.zip"
    dataset = bring(seat, archive, filename="pictures.zip")
    with import_worker() as worker:
        wait_for(lambda: Dataset.objects.filter(pk=dataset.pk).exclude(phase="").first(), what="the first phase")
        worker.kill()
        worker.wait()
    dataset.refresh_from_db()
    assert dataset.status == Dataset.Status.IMPORTING
    assert len(list(working.work_root().iterdir())) == 1
    Dataset.objects.update(heartbeat=now() - timedelta(minutes=2))
    jobs.tend_imports()
    with import_worker():
        settled = Dataset.objects.exclude(status=Dataset.Status.IMPORTING)
        wait_for(lambda: settled.filter(pk=dataset.pk).first(), what="the end of the import")
    dataset.refresh_from_db()
    assert (dataset.status, dataset.attempt, dataset.latest.rows) == (Dataset.Status.READY, 2, 12_000)
    assert list(working.work_root().iterdir()) == []


def test_a_dataset_deleted_while_it_is_imported_leaves_nothing(seat, monkeypatch):
    dataset = bring(seat, FLOWERS)
    read = importing.import_dataset

    def interrupted(files, folder):
        services.delete_dataset(dataset)
        yield from read(files, folder)

    monkeypatch.setattr(importing, "import_dataset", interrupted)
    jobs.import_dataset(dataset.pk)
    assert not Dataset.objects.exists()
    with pytest.raises(FileNotFoundError):
        storage.local_folder(f"{dataset.folder}/v1")
    assert not list(working.work_root().glob(f"dataset-{dataset.pk}-*"))


def test_the_phases_of_an_import_are_published(seat, redis):
    dataset = import_here(bring(seat, FLOWERS))
    news = [fields for _, fields in redis.xrange(f"live:{dataset.channel}")]
    assert {fields[b"event"] for fields in news} == {b"phase", b"settled"}
    assert b'"ready"' in news[-1][b"data"]
    titles = [json.loads(fields[b"data"])["title"] for fields in news[:-1]]
    assert [title for at, title in enumerate(titles[1:]) if title != titles[at]] == [
        "Checking the file",
        "Reading the rows",
        "Looking at the columns",
        "Writing it down",
        "Storing",
    ]
    assert redis.xlen(f"live:project-{dataset.project_id}")


@pytest.mark.parametrize("starter", services.starters(), ids=lambda starter: starter.key)
def test_every_starter_becomes_a_dataset_that_something_can_be_learnt_from(seat, starter):
    dataset = import_here(services.add_starter(member=seat, key=starter.key))
    assert dataset.status == Dataset.Status.READY, dataset.error
    assert dataset.name == starter.title
    assert dataset.latest.describe().kind == starter.kind
    assert dataset.latest.describe().proposals[0].state == "good"


def test_there_is_no_starter_of_any_other_name(seat):
    with pytest.raises(UserError):
        services.add_starter(member=seat, key="../secret")
