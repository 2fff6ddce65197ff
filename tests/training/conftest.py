"""Small made data sets in the form that the importer writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from training.data.schema import ID, PART
from training.recipes import Recipe
from training.spec import TrainSpec

Parts = list[str | None]


@pytest.fixture
def make_data(tmp_path: Path) -> Callable[..., Path]:
    """Write a frame as a data set version: make_data(frame, parts) gives its folder."""

    def make(frame: pl.DataFrame, parts: Parts | None = None, name: str = "data") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        ids = np.random.default_rng(1).integers(0, 2**62, frame.height)
        given = pl.Series(PART, parts or [None] * frame.height, dtype=pl.String)
        frame.with_columns(pl.Series(ID, ids), given).write_parquet(folder / "data.parquet")
        return folder

    return make


@pytest.fixture
def flowers() -> pl.DataFrame:
    """A table of two kinds of flower that differ in size, with gaps, and a colour that says nothing."""
    random = np.random.default_rng(0)
    kind = random.integers(0, 2, 200)
    size = kind * 2.0 + random.normal(size=200)
    return pl.DataFrame(
        {
            "size": [None if at % 17 == 0 else value for at, value in enumerate(size.tolist())],
            "weight": size * 3 + random.normal(size=200),
            "colour": random.choice(["red", "blue"], 200),
            "kind": np.where(kind == 1, "rose", "tulip"),
        }
    )


@pytest.fixture
def flower_spec(make_data: Callable[..., Path], flowers: pl.DataFrame) -> TrainSpec:
    """A run of one second or less on the flowers."""
    return TrainSpec(
        task="tabular-classification",
        data=str(make_data(flowers)),
        roles={"target": ["kind"], "features": ["size", "weight", "colour"]},
        architecture="mlp",
        settings={"hidden_sizes": "8", "dropout": 0.3, "batch_norm": True},
        recipe=Recipe(epochs=5, batch_size=16, lr=0.01, evaluations=5),
    )
