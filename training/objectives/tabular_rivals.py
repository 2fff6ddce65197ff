"""What stands beside every result on a table: a linear model, boosted trees, and words or pixels alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from training.architectures import ARCHITECTURES, Facts
from training.examples import PARTS, Examples
from training.media.encoded import spread
from training.media.images import THUMBNAIL
from training.objectives import OBJECTIVES, Guess

if TYPE_CHECKING:
    from training.objectives.tabular import Table

RIVALS = {
    "linear": "Adds up the columns with one weight each.",
    "boosted-trees": "Many small decision trees (LightGBM) with usual settings: fast, and hard to beat on tables.",
}
FOR_PIXELS = 10_000
"""Rows that a linear model on pixels learns from at most."""
MOST_CELLS = {"linear": 20_000_000, "boosted-trees": 40_000_000}
"""Numbers that a rival learns from at most, because it holds them in memory; of more rows it is given some."""


def ask_rivals(table: Table) -> list[Guess]:
    """A linear model and boosted trees with their quick settings; not the one that the table's run itself is.

    Where there are texts, also a linear model over their words alone; where there are pictures, over their pixels.
    """
    words = [table.words.guess(table.meaning)] if table.words is not None else []
    pixels = [_pixels(table)] if table.encoding.pictures else []
    return [*words, *pixels, *_plain_rivals(table)]


def _pixels(table: Table) -> Guess:
    places = spread(torch.arange(len(table.numbers["train"])), FOR_PIXELS)
    rows = (table.examples.rows["train"][places.numpy()], table.examples.rows["test"])
    train, test = (table.cells.thumbnails(some) for some in rows)
    about = f"Weighs the pixels of the pictures at {THUMBNAIL} × {THUMBNAIL}; does not look at the other columns."
    return Guess("pixels", "Linear model on the pixels alone", about, table.linear(train, places, test))


def _plain_rivals(table: Table) -> list[Guess]:
    width, sizes = table.encoding.width, table.encoding.sizes
    cells = {"linear": width + sum(sizes), "boosted-trees": width + len(sizes)}
    keys = [key for key in RIVALS if key != table.spec.architecture and cells[key]]
    return [_rival(table, key, _some(table, MOST_CELLS[key] // cells[key])) for key in keys]


def _some(table: Table, most: int) -> Examples:
    """The examples with at most so many rows to learn from and to watch, drawn once and for all."""
    parts = table.examples.rows
    if len(parts["train"]) <= most:
        return table.examples
    drawn = {part: np.random.default_rng(0).permutation(len(parts[part]))[:most] for part in PARTS}
    train = np.union1d(drawn["train"], table.teacher.needed())  # every class among them
    rows = {**parts, "train": parts["train"][train], "val": parts["val"][np.sort(drawn["val"])]}
    return replace(table.examples, rows=rows)


def _rival(table: Table, key: str, examples: Examples) -> Guess:
    kind, rows = ARCHITECTURES[key], len(examples.rows["train"])
    settings, recipe = kind.preset("quick", table.spec.task, Facts(rows, table.shapes))
    choices = {"architecture": key, "settings": settings.model_dump(mode="json"), "recipe": recipe}
    spec = table.spec.model_copy(update=choices)
    rival = OBJECTIVES[spec.task](spec, examples, table.device, table.model_folder)
    model = settings.build(rival.shapes)
    for _round in settings.fit(model, rival, recipe) or ():
        pass
    title = kind.title if table.encoding.is_plain else f"{kind.title} without texts, pictures and sounds"
    total = len(table.numbers["train"])
    sampled = f" Learnt from {rows:,} of the {total:,} rows, to save memory." if rows < total else ""
    return Guess(key, title, RIVALS[key] + sampled, cast("Table", rival).answers(model.eval()))
