"""Data sets of the Hugging Face Hub, from a stand-in for its two answers: the list of files, and the files."""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

import polars as pl
import pytest

from training.data.hub import choose_files, fetch_dataset
from training.data.importing import import_dataset, read_description
from training.errors import TrainingError

CARD = """---
configs:
- config_name: birds
  default: true
  data_files:
  - split: train
    path: birds/learn-*.parquet
  - split: test
    path: birds/judge-*.parquet
- config_name: plants
  data_files: plants/*.parquet
---
# Birds and plants
"""


def parquet(*species: str) -> bytes:
    file = io.BytesIO()
    pl.DataFrame({"species": species, "mass": [float(len(name)) for name in species]}).write_parquet(file)
    return file.getvalue()


FILES = {
    "README.md": CARD.encode(),
    "birds.py": b"raise SystemExit('this must never run')",
    "birds/learn-0.parquet": parquet("gentoo", "adelie", "gentoo"),
    "birds/learn-1.parquet": parquet("adelie", "adelie"),
    "birds/judge-0.parquet": parquet("gentoo", "adelie"),
    "plants/train-0.parquet": parquet("rose", "iris"),
}


class Hub(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = unquote(urlparse(self.path).path)
        if path == "/api/datasets/nature/life":
            files = [{"rfilename": name, "size": len(file)} for name, file in FILES.items()]
            return self.send(json.dumps({"id": "nature/life", "siblings": files}).encode(), "application/json")
        name = path.removeprefix("/datasets/nature/life/resolve/main/")
        if name in FILES:
            return self.send(FILES[name], "application/octet-stream")
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "1" * 40)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # tests are offline but for this
        yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_default_subset_comes_with_its_splits(endpoint, tmp_path):
    files = fetch_dataset("nature/life", tmp_path / "hub", endpoint=endpoint)
    list(import_dataset([path for _, path in files], tmp_path / "version", names=[name for name, _ in files]))
    description = read_description(tmp_path / "version")
    assert description.parts == {"train": 5, "test": 2}
    assert not (tmp_path / "hub" / "birds.py").exists()


def test_one_split_of_another_subset_can_be_asked_for(endpoint, tmp_path):
    (name, path), *others = fetch_dataset("nature/life", tmp_path, subset="plants", split="train", endpoint=endpoint)
    assert (name, others) == ("train-0.parquet", [])
    assert pl.read_parquet(path)["species"].to_list() == ["rose", "iris"]


@pytest.mark.parametrize(
    ("repository", "wanted", "message", "hint"),
    [
        ("nature/life", {"subset": "rocks"}, "no subset “rocks”", "birds, plants"),
        ("nature/life", {"split": "dev"}, "no split “dev”", "train, test"),
        ("nature/life", {"limit": 100}, "GB can be taken", "a split"),
        ("nature/lost", {}, "no public data set “nature/lost”", "owner/name"),
        ("no name at all", {}, "no public data set", "owner/name"),
    ],
)
def test_what_is_not_there_ends_in_a_sentence(endpoint, tmp_path, repository, wanted, message, hint):
    with pytest.raises(TrainingError) as caught:
        fetch_dataset(repository, tmp_path, endpoint=endpoint, **wanted)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_one_is_told_to_upload_the_files(tmp_path, monkeypatch, offline):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
    with pytest.raises(TrainingError) as caught:
        fetch_dataset("nature/life", tmp_path, endpoint="http://127.0.0.1:9")
    assert caught.value.message == "Hugging Face cannot be reached from here."
    assert "upload" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_without_a_card_folders_are_subsets_and_names_tell_the_splits():
    sizes = {"de/train.csv": 1, "de/test.csv": 1, "fr/train.csv": 1, "fr/train.txt": 1, "x.py": 1}
    files = choose_files("nature/life", sizes, [], subset="de", split="")
    assert [(file.path, file.split) for file in files] == [("de/test.csv", "test"), ("de/train.csv", "train")]
    with pytest.raises(TrainingError, match="several subsets"):
        choose_files("nature/life", sizes, [], subset="", split="")


def test_a_data_set_of_code_alone_is_refused():
    with pytest.raises(TrainingError, match="without running its code"):
        choose_files("nature/life", {"x.py": 1, "weights.pkl": 1}, [], subset="", split="")
