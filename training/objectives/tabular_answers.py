"""Answers of models that learnt from tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import polars as pl
import torch

from training.device import Device
from training.errors import TrainingError
from training.media.encoded import given_file
from training.model_folder import load_network, read_config
from training.predict import PREDICTORS, best_first
from training.tabular.mixed import MediaReading
from training.tabular.reading import RowReading
from training.texts.columns import ColumnTexts
from training.texts.tfidf import CountedWords

CELL = pl.Struct({"bytes": pl.Binary, "path": pl.String})


@PREDICTORS.register("tabular-classification")
@PREDICTORS.register("tabular-regression")
class TablePredictor:
    """Answers for rows typed into a form: {"column": value}; what is left out counts as missing.

    A column of pictures or sounds takes the path of a file.
    """

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        self.prepared = cast(dict[str, Any], read_config(folder)["preparation"])
        self.reading = RowReading.load(self.prepared, folder)
        self.encoding = self.reading.encoding
        self.media = MediaReading.load(self.prepared["media"], folder) if "media" in self.prepared else None
        self.counted = CountedWords.load(folder) if self.prepared.get("counted") else None
        self.model = load_network(folder).to(device.torch)
        self.folder, self.device = folder, device.torch

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"label", "probabilities"} or {"value"} per row."""
        frame = self._frame(inputs)
        numbers, codes = self.reading.read(frame)
        if self.counted is not None:
            said = self.counted.scores(ColumnTexts(frame, self.encoding.texts))
            numbers = np.concatenate([numbers, said.astype(np.float32)], axis=1)
        read: list[Any] = [torch.from_numpy(values).to(self.device) for values in (numbers, codes)]
        if self.media is not None:
            read += self.media.read(frame, self.folder, self.device).batch(np.arange(len(inputs)))
        scores = self.model(*read).double().cpu()
        if "labels" in self.prepared:
            return [best_first(self.prepared["labels"], row) for row in scores.softmax(dim=1).tolist()]
        scale, center = self.prepared["scale"], self.prepared["center"]
        return [{"value": score * scale + center} for score in scores[:, 0].tolist()]

    def _frame(self, inputs: list[dict[str, object]]) -> pl.DataFrame:
        columns = [
            pl.Series(number.name, [_number(row.get(number.name), number.name) for row in inputs], pl.Float64)
            for number in self.encoding.given
        ]
        names = [*(category.name for category in self.encoding.categories), *self.encoding.texts]
        columns += [pl.Series(name, [_name(row.get(name)) for row in inputs], pl.String) for name in names]
        files = [(name, "picture") for name in self.encoding.pictures]
        files += [(name, "sound") for name in self.encoding.sounds]
        columns += [pl.Series(name, [_file(row, name, what) for row in inputs], CELL) for name, what in files]
        return pl.DataFrame(columns)


def _number(value: object, column: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise TrainingError(f"“{column}” takes a number, not “{value}”.", "Type a number or leave it empty.") from error


def _name(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value not in (None, "") else None


def _file(row: dict[str, object], column: str, what: str) -> dict[str, object] | None:
    if not row.get(column):
        return None
    path = given_file(row, column, what=what)
    return {"bytes": path.read_bytes(), "path": path.name}
