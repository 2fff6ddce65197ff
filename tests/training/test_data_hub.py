"""Data sets of the Hugging Face Hub, from a stand-in for its two answers: the list of files, and the files."""

from collections.abc import Iterator

import polars as pl
import pytest

from tests.hub import hub
from training.data.hub import choose_files, fetch_dataset
from training.data.importing import import_dataset, read_description
from training.errors import TrainingError


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with hub() as address:
        yield address


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
