"""Models that people bring: a ZIP of safetensors becomes a source; whatever could run code is refused."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from datasets_kit import ready, start
from django.core.files.uploadedfile import SimpleUploadedFile
from runs_kit import make_version, train_here

from tests.training.tiny_data import SOURCES
from training.data.archives import list_members
from training.data.source import look_at
from training.errors import TrainingError
from training.pretrained.own_models import kind_of, unpack_model
from training.pretrained.packaged import local_folder, measure
from webapp.core.errors import UserError
from webapp.core.templatetags.touchstone import byte_size
from webapp.datasets.uploading.quota import used_bytes
from webapp.pretrained.models import OwnModel
from webapp.pretrained.services import add_model, bring_here, delete_model
from webapp.pretrained.sources import refusal_of
from webapp.projects.models import Membership, Project
from webapp.runs.models import Run
from webapp.runs.services import propose_spec, queue_run

pytestmark = pytest.mark.django_db(transaction=True)
WHERE_ENGINES_LOOK = os.environ["TOUCHSTONE_MODELS"]
"""Engines come from a parent that an earlier test may have started."""


@pytest.fixture(autouse=True)
def models_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_MODELS", str(tmp_path / "models"))


@pytest.fixture(scope="module")
def encoder_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A very small BERT by file name."""
    folder = tmp_path_factory.mktemp("encoder")
    SOURCES["pretrained-encoder"](folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def pack(encoder_files: dict[str, bytes]) -> Callable[..., SimpleUploadedFile]:
    """pack(name=bytes or None): the small BERT as an upload, with files changed, added or left out."""

    def packed(top: str = "my-bert/", packed: int = zipfile.ZIP_STORED, **changed: Any) -> SimpleUploadedFile:
        file = BytesIO()
        with zipfile.ZipFile(file, "w", packed) as archive:
            for name, content in (encoder_files | changed.get("files", {})).items():
                if content is not None:
                    archive.writestr(f"{top}{name}", content)
        return SimpleUploadedFile("my-bert.zip", file.getvalue())

    return packed


def test_a_zip_of_safetensors_becomes_a_model_to_start_from(browser, seat, pack):
    answer = browser.post("/models/", {"file": pack(), "name": "My BERT"}, follow=True)
    page = answer.content.decode()
    model = OwnModel.objects.get()
    assert model.source in page
    assert "reads texts" in page
    assert (model.kind, model.model_type) == ("encoder", "bert")
    assert measure(model.source).parameters == model.parameters
    assert local_folder(model.source) == model.folder
    assert "README.md" not in {path.name for path in model.folder.iterdir()}


def test_a_run_starts_from_it_and_answers(browser, seat, pack, tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHSTONE_MODELS", WHERE_ENGINES_LOOK)
    model = add_model(member=seat, file=pack())
    rows = [
        f"{('low', 'high')[at % 2]},day {at} was {('bad', 'good')[at % 2]} all along in every way" for at in range(80)
    ]
    (tmp_path / "days.csv").write_text("\n".join(["mood,text", *rows]))
    version = make_version(seat, tmp_path, file=tmp_path / "days.csv")
    query = f"dataset={version.dataset.pk}&task=text-classification&architecture=pretrained-encoder"
    page = browser.get(f"/runs/new/?{query}").content.decode()
    assert f'<option value="{model.source}">my-bert</option>' in page
    spec = propose_spec(
        version,
        architecture="pretrained-encoder",
        settings={"source": model.source, "length": 16},
        recipe={"epochs": 1, "batch_size": 8},
    )
    run = train_here(queue_run(member=seat, version=version, spec=spec))
    assert run.status == Run.Status.FINISHED, run.error
    waiting = queue_run(member=seat, version=version, spec=spec)
    delete_model(model)
    assert not model.folder.exists()
    with pytest.raises(UserError, match="no such model"):
        queue_run(member=seat, version=version, spec=spec)
    gone = train_here(waiting)
    assert "was deleted" in gone.error["message"]


def test_another_machine_fetches_it_from_storage(seat, pack, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": memory}
    model = add_model(member=seat, file=pack())
    shutil.rmtree(model.folder)
    bring_here(model.source)
    assert measure(model.source).parameters == model.parameters
    delete_model(model)
    bring_here(model.source)
    assert not model.folder.exists()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"model.safetensors": None, "pytorch_model.bin": b"\x80\x04"}, "holds its weights as pytorch_model.bin"),
        ({"pytorch_model.bin": b"\x80\x04"}, "contains pytorch_model.bin, a format that can run code"),
        ({"model.safetensors": None}, "holds no weights"),
        ({"config.json": None}, "has no config.json"),
        ({"config.json": b'{"model_type": "bert", "auto_map": {"AutoModel": "modeling.Mine"}}'}, "code of its own"),
        ({"tokenizer_config.json": b'{"auto_map": {}}'}, "code of its own"),
        ({"model.safetensors": b"\xff" * 64}, "is damaged"),
        ({"config.json": b"{"}, "is damaged"),
        ({"../../escape.json": b"{}"}, "path out of itself"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_or_could_run_code_is_refused(files, sentence, seat, pack, tmp_path):
    with pytest.raises(TrainingError) as refusal:
        add_model(member=seat, file=pack(files=files))
    assert sentence in refusal.value.message
    assert not OwnModel.objects.exists()
    assert not list((tmp_path / "models").rglob("*.safetensors"))


def test_weights_whose_packing_is_broken_are_refused_in_words(tmp_path, pack):
    whole = pack(packed=zipfile.ZIP_DEFLATED).read()
    path = tmp_path / "model.zip"
    path.write_bytes(whole)
    with zipfile.ZipFile(path) as archive:
        member = next(one for one in archive.infolist() if one.filename.endswith(".safetensors"))
    begin = member.header_offset + 30 + len(member.filename)
    path.write_bytes(whole[:begin] + b"\xff" * 32 + whole[begin + 32 :])
    (tmp_path / "out").mkdir()
    with pytest.raises(TrainingError, match="is damaged"):
        unpack_model(path, "model.zip", tmp_path / "out")


def test_a_file_that_unpacks_without_end_is_refused(seat, pack):
    with pytest.raises(TrainingError, match="unpacks to far more"):
        add_model(member=seat, file=_bomb(pack()))


def _bomb(upload: SimpleUploadedFile) -> SimpleUploadedFile:
    file = BytesIO(upload.read())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("my-bert/vocab.txt", b"0" * (80 << 20))
    return SimpleUploadedFile("bomb.zip", file.getvalue())


def test_models_are_brought_listed_and_deleted_over_rest_by_those_who_may(browser, seat, stranger, pack):
    brought = browser.post("/api/v1/models/", {"project": seat.project.pk, "file": pack()})
    assert brought.status_code == 201, brought.content
    model = brought.json()
    assert [row["source"] for row in browser.get("/api/v1/models/").json()["results"]] == [model["source"]]
    refused = browser.post("/api/v1/models/", {"project": seat.project.pk, "file": pack(files={"config.json": None})})
    assert refused.status_code == 400
    assert "no config.json" in refused.json()["error"]["message"]
    assert stranger.get("/api/v1/models/").json()["results"] == []
    assert stranger.delete(f"/api/v1/models/{model['id']}/").status_code == 404
    assert browser.delete(f"/api/v1/models/{model['id']}/").status_code == 204
    assert not OwnModel.objects.exists()


def test_what_a_project_holds_is_its_data_and_its_models_together(browser, seat, redis, pack, settings):
    model = add_model(member=seat, file=pack())
    version = ready(seat).latest
    held = used_bytes(seat.project)
    assert held > model.bytes + version.bytes
    for page in ("/models/", "/datasets/new/"):
        assert f"holds {byte_size(held)} of" in browser.get(page).content.decode()
    settings.PROJECT_QUOTA = held + 100
    refused = browser.post("/models/", {"file": pack()}).content.decode()
    assert "there is no room for" in refused
    assert start(browser, b"", size=200).status_code == 413
    delete_model(model)
    assert start(browser, b"", size=200).status_code == 200


def test_a_model_that_unpacks_to_more_than_there_is_room_for_leaves_nothing(seat, pack, settings, tmp_path):
    upload = pack(files={"vocab.txt": b"word\n" * 200_000}, packed=zipfile.ZIP_DEFLATED)
    settings.PROJECT_QUOTA = used_bytes(seat.project) + upload.size + 1000
    with pytest.raises(UserError, match="no room"):
        add_model(member=seat, file=upload)
    assert not OwnModel.objects.exists()
    assert not list((tmp_path / "models").rglob("*.safetensors"))


FOLDERS = ["/etc", "~/models", "./models", "../secrets", "training/data", "file:///etc"]


@pytest.mark.parametrize("source", FOLDERS)
def test_only_administrators_name_folders_on_the_server(browser, api, seat, redis, tmp_path, source):
    texts = tmp_path / "texts.csv"
    texts.write_text("text,label\n" + "".join(f"a text about {n} things,{'xy'[n % 2]}\n" for n in range(60)))
    version = make_version(seat, tmp_path, file=texts)
    form = {"dataset": version.dataset_id, "architecture": "pretrained-encoder", "pretrained-encoder-source": source}
    assert "Only administrators may name a folder" in browser.post("/runs/new/", form).content.decode()
    body = {"dataset": version.dataset_id, "architecture": "pretrained-encoder", "settings": {"source": source}}
    for call in ("runs/estimate", "runs", "cross-validations"):
        answer = api.post(f"/api/v1/{call}/", body | {"folds": 3}, content_type="application/json")
        assert answer.status_code == 403
        assert "Bring the model as a ZIP" in answer.json()["error"]["hint"]
    assert not Run.objects.exists()


def test_a_project_starts_from_its_own_models_from_packages_and_from_a_hub(seat, pack):
    own = add_model(member=seat, file=pack())
    for source in (own.source, "package:any", "bert-base-uncased", "google-t5/t5-small"):
        assert refusal_of(source, seat) == ""
    assert "no such model" in refusal_of("own:another-0123456789abcdef", seat)
    next_door = Project.objects.create(name="Next door")
    elsewhere = Membership.objects.create(project=next_door, user=seat.user, role=seat.role)
    assert "no such model" in refusal_of(own.source, elsewhere)
    seat.user.is_superuser = True
    assert refusal_of("/models/bert", seat) == ""


def test_only_data_is_kept_from_holding_very_large_files(pack, tmp_path):
    path = tmp_path / "model.zip"
    path.write_bytes(pack().read())
    source = look_at(path, path.name)
    assert list_members(source)
    with pytest.raises(TrainingError, match="contains a file of"):
        list_members(source, largest=1000)


def test_a_model_s_kind_follows_from_what_its_config_says():
    said = {
        "causal": {"architectures": ["GPT2LMHeadModel"]},
        "seq2seq": {"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True},
        "vision": {"architectures": ["ViTModel"], "num_channels": 3},
        "audio": {"architectures": ["HubertForCTC"]},
        "detection": {"architectures": ["YolosForObjectDetection"], "num_channels": 3},
        "encoder": {"architectures": ["BertModel"]},
    }
    assert {kind: kind_of(json.loads(json.dumps(config))) for kind, config in said.items()} == {
        kind: kind for kind in said
    }
