"""Data that is larger than memory: columns are mapped from a file, and read as if they were not."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from training.data import mapped
from training.data.layout import DATA as DATA_FILE
from training.data.mapped import read_columns
from training.device import choose_device
from training.errors import TrainingError
from training.examples import read_examples
from training.media import encoded
from training.media.encoded import stored_bytes
from training.objectives import OBJECTIVES, tabular, tabular_rivals
from training.objectives.tabular_rivals import ask_rivals
from training.spec import TrainSpec
from training.tabular import reading
from training.tabular.reading import RowReading
from training.tabular.tables import learn_encoding


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(mapped, "IN_MEMORY", 0)


def build_table(spec: TrainSpec, folder: Path) -> tabular.Table:
    objective = OBJECTIVES[spec.task](spec, read_examples(spec), choose_device(spec.recipe), folder / "model")
    assert isinstance(objective, tabular.Table)
    return objective


def several_groups(folder: Path) -> Path:
    """Cells of every kind, in row groups of seven."""
    texts = [None if n % 5 == 0 else f"row {n} " * (n % 40) for n in range(50)]
    pictures = [{"bytes": bytes([n]) * (100 + 1000 * n), "path": f"{n}.png"} for n in range(50)]
    turns = [[{"role": "user", "content": f"{n}"}, {"role": "assistant", "content": "yes"}] for n in range(50)]
    columns = {"_id": range(50), "x": np.linspace(0, 1, 50), "text": texts, "image": pictures, "messages": turns}
    path = folder / DATA_FILE
    pl.DataFrame(columns).write_parquet(path, row_group_size=7)
    return path


@pytest.mark.parametrize("columns", [["_id", "x"], ["image", "_id"], ["messages", "text"], ["text"]])
def test_mapped_columns_are_those_that_stand_in_the_file(tmp_path, everything_is_large, columns):
    path = several_groups(tmp_path)
    frame = read_columns(path, columns, tmp_path / "run")
    assert_frame_equal(frame, pl.read_parquet(path, columns=columns).select(columns))
    assert list((tmp_path / "run").iterdir()) == []


def test_small_columns_need_no_file(tmp_path):
    path = several_groups(tmp_path)
    read_columns(path, ["x"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_encoded_pictures_come_in_the_order_that_is_asked_for(tmp_path, everything_is_large):
    frame = read_columns(several_groups(tmp_path), ["image"], tmp_path)
    found = stored_bytes(frame["image"], np.array([3, 1, 49]), what="pictures")
    assert [len(cell) for cell in found] == [3100, 1100, 49_100]
    assert len(found) == 3


def test_a_cell_without_a_picture_is_still_told(tmp_path, everything_is_large):
    path = tmp_path / DATA_FILE
    pl.DataFrame({"image": [{"bytes": b"x", "path": "a"}, None]}).write_parquet(path)
    with pytest.raises(TrainingError, match="1 cells"):
        stored_bytes(read_columns(path, ["image"], tmp_path)["image"], np.array([0, 1]), what="pictures")


def test_a_large_table_is_encoded_some_rows_at_a_time_into_a_file_without_a_name(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    words = [None if n % 9 == 0 else "abc"[n % 3] for n in range(50)]
    frame = pl.DataFrame({"x": [None, *random.normal(size=49)], "word": words})
    encoding = learn_encoding(frame.get_columns())
    rows = random.permutation(50)[:33]
    numbers, codes = encoding.encode(frame[rows])
    monkeypatch.setattr(encoded, "IN_MEMORY", 0)
    monkeypatch.setattr(reading, "ROWS_AT_ONCE", 10)
    mapped_numbers, mapped_codes = RowReading(encoding).read_rows(frame, rows, tmp_path / "run")
    assert isinstance(mapped_numbers, np.memmap)
    assert mapped_numbers.dtype == numbers.dtype
    assert (mapped_numbers == numbers).all()
    assert (mapped_codes == codes).all()
    assert list((tmp_path / "run").iterdir()) == []


def test_rivals_of_a_large_table_learn_from_some_of_its_rows_and_say_so(flower_spec, monkeypatch, tmp_path):
    objective = build_table(flower_spec, tmp_path)
    whole = {guess.key: guess for guess in ask_rivals(objective)}
    assert not any("Learnt from" in guess.about for guess in whole.values())
    monkeypatch.setattr(tabular_rivals, "MOST_CELLS", {"linear": 600, "boosted-trees": 90})
    some = {guess.key: guess for guess in ask_rivals(objective)}
    assert "of the 153 rows, to save memory" in some["boosted-trees"].about
    assert "Learnt from" in some["linear"].about
    assert all(some[key].answers.shape == whole[key].answers.shape for key in whole)
