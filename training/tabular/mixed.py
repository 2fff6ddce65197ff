"""Texts, pictures and sounds in a table: learnt from the train part, read alike for rows typed into a form."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
import polars as pl
import torch
from torch import Tensor

from training.architectures import Shapes
from training.errors import TrainingError
from training.examples import Part
from training.measures import Floats, Ints
from training.media.audio import Hearing, measure_bands, vary_sounds
from training.media.audio import survey as survey_sounds
from training.media.encoded import allocate, one_by_one
from training.media.images import Viewing, decode_picture, measure_channels, survey, thumbnails, vary
from training.media.picture_size import fit_pictures
from training.media.sound_size import FRAMES_PER_SECOND, fit_sounds
from training.objectives import Guess
from training.tabular.tables import TableEncoding
from training.texts.columns import Chained, ColumnTexts
from training.texts.reading import Encoded, encode_texts, tokenizer_for
from training.texts.tfidf import Teacher, learn_counted_words
from training.texts.tokenizers import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from training.spec import TrainSpec

Cells: TypeAlias = tuple[list[tuple[Tensor, Tensor]], list[Tensor], list[Tensor]]
"""For some rows: of each text column token ids and mask (B, T), of each picture column the pictures (B, C, H, W), of
each column of sounds their spectrograms (B, 1, bands, frames)."""
FOR_STATISTICS = 500
"""Pictures, or sounds, of the train part that the levels of the channels, or bands, are computed from."""
SHIFT = 1 / 16
"""Share of its side by which a picture is moved at most while learning."""
AT_ONCE = 1024
"""Rows whose pictures are made small together."""
GREY = 128
"""What stands where a row has no picture."""


@runtime_checkable
class ReadsMedia(Protocol):
    """Settings of an architecture for tables that reads texts, pictures and sounds too."""

    length: int
    """Tokens of a text that are read."""
    image_size: int
    bands: int
    seconds: float
    counted: bool
    """Whether the network is told what a linear model over counted words says of the texts."""


class WordScores:
    """What a linear model over counted words says of the texts of each row; of those it learns from, as if unseen."""

    def __init__(self, texts: Mapping[Part, Sequence[str]], teacher: Teacher, *, fifths: int) -> None:
        learnt = learn_counted_words(texts["train"], teacher, fifths=fifths)
        self.model = learnt.model
        scores = {part: self.model.scores(read) for part, read in texts.items()}
        self.test = scores["test"]
        self.said = {part: said.astype(np.float32) for part, said in scores.items()}
        self.said["train"] = learnt.apart(scores["train"]).astype(np.float32)
        """Scores (rows, outputs)."""

    def guess(self, meaning: Callable[[Floats], Floats]) -> Guess:
        """The baseline that reads the texts and nothing else."""
        about = "Counts words, pairs of words and groups of letters of the texts; does not look at the other columns."
        return Guess("tfidf", "Weighted words (TF-IDF, linear)", about, meaning(self.test))


@dataclass(frozen=True)
class MediaReading:
    """How the texts, pictures and sounds of a row are read."""

    texts: list[str]
    """Names of columns."""
    pictures: list[str]
    sounds: list[str]
    length: int
    """Tokens of a text that are read."""
    size: dict[str, int]
    """Channels, height and width of a picture; empty without pictures."""
    viewing: Viewing
    hearing: Hearing
    tokenizer: PreTrainedTokenizerFast | None

    @classmethod
    def learn(cls, spec: TrainSpec, train: pl.DataFrame, encoding: TableEncoding) -> Self:
        """One vocabulary for all texts of the train part; one size and one scale for all its pictures, and sounds."""
        network = spec.network()
        assert isinstance(network, ReadsMedia), "only such networks are given texts, pictures and sounds"
        texts = Chained([ColumnTexts(train, [name]) for name in encoding.texts])
        cells, heard = _present(train, encoding.pictures), _present(train, encoding.sounds)
        size = _learn_size(cells, network.image_size) if len(cells) else {}
        return cls(
            texts=encoding.texts,
            pictures=encoding.pictures,
            sounds=encoding.sounds,
            length=network.length if encoding.texts else 0,
            size=size,
            viewing=_learn_viewing(cells, size) if len(cells) else Viewing((), ()),
            hearing=_learn_hearing(heard, network) if len(heard) else Hearing(0, 0, 0),
            tokenizer=tokenizer_for(spec, texts) if encoding.texts else None,
        )

    @classmethod
    def load(cls, prepared: dict[str, Any], folder: Path) -> Self:
        """From what `prepared` said and the tokenizer in the model folder."""
        tokenizer = load_tokenizer(folder) if prepared["texts"] else None
        read = {"viewing": Viewing(**prepared["viewing"]), "hearing": Hearing(**prepared["hearing"])}
        return cls(**{**prepared, **read}, tokenizer=tokenizer)

    def save(self, folder: Path) -> None:
        """Write the tokenizer into the model folder."""
        if self.tokenizer is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.tokenizer.save_pretrained(folder)

    def prepared(self) -> dict[str, object]:
        """All but the tokenizer, as JSON."""
        return {
            "texts": self.texts,
            "pictures": self.pictures,
            "sounds": self.sounds,
            "length": self.length,
            "size": self.size,
            "viewing": asdict(self.viewing),
            "hearing": asdict(self.hearing),
        }

    def add_to(self, shapes: Shapes) -> Shapes:
        """The shapes of the plain columns with what a network has to know of texts, pictures and sounds."""
        return replace(
            shapes,
            texts=len(self.texts),
            pictures=len(self.pictures),
            sounds=len(self.sounds),
            frames=self.hearing.frames,
            vocabulary=len(self.tokenizer) if self.tokenizer is not None else 0,
            length=self.length,
            **self.size,  # type: ignore[arg-type]  # none of them is a flag
        )

    def read(self, frame: pl.DataFrame, folder: Path, device: torch.device) -> MediaCells:
        """Cut all texts into tokens, decode all pictures and sounds; `folder` takes what the memory does not hold."""
        encoded = []
        if self.tokenizer is not None:
            columns = [ColumnTexts(frame, [name]) for name in self.texts]
            encoded = [encode_texts(self.tokenizer, texts, self.length, folder) for texts in columns]
        pictures = [self._decode(_bytes(frame, name), folder).to(device) for name in self.pictures]
        sounds = [self._listen(_bytes(frame, name), folder).to(device) for name in self.sounds]
        return MediaCells(encoded, pictures, sounds, self.viewing, self.hearing, device)

    def _listen(self, cells: pl.Series, folder: Path) -> Tensor:
        spectra = allocate((len(cells), self.hearing.bands, self.hearing.frames), np.float16, folder)
        silence = np.array(self.hearing.mean)[:, None]  # after scaling, nothing
        for place, cell in enumerate(one_by_one(cells)):
            spectra[place] = silence if cell is None else self.hearing.listen(io.BytesIO(cell)).half().numpy()
        return torch.from_numpy(spectra)

    def _decode(self, cells: pl.Series, folder: Path) -> Tensor:
        size = (self.size["channels"], self.size["height"], self.size["width"])
        pictures = allocate((len(cells), *size), np.uint8, folder)
        for place, cell in enumerate(one_by_one(cells)):
            pictures[place] = GREY if cell is None else decode_picture(io.BytesIO(cell), **self.size)
        return torch.from_numpy(pictures)


@dataclass(frozen=True)
class MediaCells:
    """The texts, pictures and sounds of all rows of a table, ready for batches."""

    encoded: list[Encoded]
    pictures: list[Tensor]
    """Bytes (rows, C, H, W) per column."""
    sounds: list[Tensor]
    """Spectrograms (rows, bands, frames) per column, as 16-bit floats."""
    viewing: Viewing
    hearing: Hearing
    device: torch.device

    def batch(self, rows: Ints) -> Cells:
        """What a network reads of these rows."""
        chosen = torch.from_numpy(rows).to(self.device)
        return self._texts(rows), [self.viewing.scale(seen[chosen]) for seen in self.pictures], self._heard(chosen)

    def varied(self, rows: Ints, *, epoch: int, seed: int) -> Cells:
        """The same with pictures moved a little, and mirrored if they have colours; sounds varied too."""
        chosen = torch.from_numpy(rows).to(self.device)
        shift = max(1, round(SHIFT * max(self.pictures[0].shape[2:]))) if self.pictures else 0
        moved = [
            vary(pictures, chosen, epoch=epoch, seed=seed, shift=shift, mirror=pictures.shape[1] == 3)
            for pictures in self.pictures
        ]
        heard = [vary_sounds(spectra, chosen, epoch=epoch, seed=seed) for spectra in self._heard(chosen)]
        return self._texts(rows), [self.viewing.scale(pictures) for pictures in moved], heard

    def thumbnails(self, rows: Ints) -> Tensor:
        """Few pixels of each picture of these rows, around 0: (rows, features)."""
        chosen = torch.from_numpy(rows).to(self.device).split(AT_ONCE)
        return torch.cat(
            [
                torch.cat([thumbnails(self.viewing.scale(pictures[some])) for pictures in self.pictures], dim=1)
                for some in chosen
            ]
        )

    def _heard(self, chosen: Tensor) -> list[Tensor]:
        return [self.hearing.scale(spectra[chosen]) for spectra in self.sounds]

    def _texts(self, rows: Ints) -> list[tuple[Tensor, Tensor]]:
        return [encoded.batch(rows, self.device) for encoded in self.encoded]


def _learn_size(cells: pl.Series, image_size: int) -> dict[str, int]:
    channels, height, width = survey(one_by_one(cells))
    seen = fit_pictures(Shapes(outputs=0, channels=channels, height=height, width=width), image_size)
    return {"channels": channels, "height": seen.height, "width": seen.width}


def _learn_viewing(cells: pl.Series, size: dict[str, int]) -> Viewing:
    some = [decode_picture(io.BytesIO(cell), **size) for cell in _some(cells)]
    return Viewing(*measure_channels(torch.from_numpy(np.stack(some))))


def _learn_hearing(cells: pl.Series, network: ReadsMedia) -> Hearing:
    rate, seconds = survey_sounds(one_by_one(cells))
    raw = Shapes(outputs=0, width=math.ceil(seconds * FRAMES_PER_SECOND))
    shapes = fit_sounds(raw, bands=network.bands, seconds=network.seconds)
    hearing = Hearing(rate=rate, bands=shapes.height, frames=shapes.width)
    some = [hearing.listen(io.BytesIO(cell)) for cell in _some(cells)]
    mean, std = measure_bands(torch.stack(some))
    return replace(hearing, mean=mean, std=std)


def _present(train: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """The files in these columns; raises TrainingError where there are none."""
    cells = [_bytes(train, name).drop_nulls().rename("") for name in columns]
    there = pl.concat(cells, rechunk=False) if cells else pl.Series([], dtype=pl.Binary)
    if columns and there.is_empty():
        names = ", ".join(f"“{name}”" for name in columns)
        raise TrainingError(f"There is nothing to learn from in {names}.", "Leave it out.", code="no_media")
    return there


def _some(cells: pl.Series) -> Iterator[bytes]:
    return one_by_one(cells.gather_every(math.ceil(len(cells) / FOR_STATISTICS)))


def _bytes(frame: pl.DataFrame, name: str) -> pl.Series:
    return frame[name].struct.field("bytes")
