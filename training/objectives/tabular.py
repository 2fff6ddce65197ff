"""Learning from tables: a category or a number from the other columns of the row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import torch
from pydantic import JsonValue
from scipy.special import softmax
from torch import Tensor, nn

from training.architectures import ARCHITECTURES, Architecture, Shapes
from training.device import Device
from training.errors import TrainingError
from training.events import Surface, Warning
from training.examples import Examples, Part
from training.measures import Floats, Ints
from training.models.mlp import MLP
from training.models.numbers import PieceNumbers
from training.models.softmax_regression import fit_softmax_regression
from training.objectives import OBJECTIVES, Guess
from training.objectives.tabular_rivals import ask_rivals
from training.pretrained.transfer import earlier_preparation
from training.report import Report
from training.spec import TrainSpec
from training.tabular.apart import put_in_folds
from training.tabular.formula import formula_of
from training.tabular.made_columns import MakesColumns
from training.tabular.mixed import MediaReading, ReadsMedia, WordScores
from training.tabular.neighbours import FOLDS
from training.tabular.reading import RowReading
from training.tabular.surface import draw_surface
from training.tabular.tables import TableEncoding, learn_encoding, scaling_of
from training.targets.classes import ClassTarget, probabilities
from training.targets.values import ValueTarget
from training.techniques.losses import class_loss, class_weights, value_loss
from training.texts.columns import ColumnTexts
from training.texts.counted_teachers import Classes, Values
from training.texts.tfidf import FIFTHS, Teacher

AT_ONCE = 8192
"""Rows per batch where nothing is learnt."""
MEDIA_AT_ONCE = 256
"""The same where texts, pictures and sounds belong to the rows."""


class Table(ABC):
    """What classification and regression share: the encoded rows of all parts on the device."""

    shapes: Shapes
    targets: dict[Part, Tensor]
    """Class numbers (rows,), -1 where the train part lacks the class, or standardised values (rows,)."""
    weights: Tensor | None = None
    """How much each class counts in the loss; None if all count alike."""

    def __init__(
        self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path, teacher: Teacher
    ) -> None:
        self.spec, self.examples, self.device, self.teacher = spec, examples, device, teacher
        self.model_folder = model_folder
        features = examples.frame.select(spec.roles["features"])
        train = (examples.column(name, "train") for name in features.columns)
        self.found = _earlier_encoding(spec) or _learn(train, spec.network())
        self.encoding = self.found if isinstance(spec.network(), ReadsMedia) else self.found.plain()
        if not self.encoding.names:
            raise self._nothing_to_read()
        self.reading = self._read_plainly(features)
        self.shapes = Shapes(
            teacher.outputs,
            numbers=self.reading.width,
            scaled=self.reading.scaled_width if self.encoding.scaling == "plain" else 0,
            categories=self.encoding.sizes,
        )
        self.media: MediaReading | None = None
        self.words: WordScores | None = None
        if not self.encoding.is_plain:
            self._read_media(features, model_folder)

    def _read_plainly(self, features: pl.DataFrame) -> RowReading:
        """Numbers and codes of each part; held-out rows that are watched and judged by are kept once."""
        reading, said = RowReading(self.encoding), None
        if _makes_columns(self.spec.network()):
            fold = put_in_folds(self.spec, self.examples, FOLDS)
            train = features[self.examples.rows["train"]]
            reading, said = RowReading.learn(self.encoding, train, self.known_answers(), fold)
            reading.save(self.model_folder)
        self.numbers: dict[Part, Tensor] = {}
        self.codes: dict[Part, Tensor] = {}
        for part, rows in self.examples.rows.items():
            same = next((other for other in self.numbers if self.examples.rows[other] is rows), None)
            if same is not None:
                self.numbers[part], self.codes[part] = self.numbers[same], self.codes[same]
                continue
            read = reading.read_rows(features, rows, self.model_folder.parent, said if part == "train" else None)
            self.numbers[part], self.codes[part] = (self._tensor(values) for values in read)
        return reading

    @abstractmethod
    def known_answers(self) -> Floats:
        """What the rows that are learnt from answered, around 0: (rows, 1), or one column for each class but one."""

    def _read_media(self, features: pl.DataFrame, model_folder: Path) -> None:
        """Texts as tokens, pictures as pixels, sounds as spectrograms; what counted words say, as further numbers."""
        self.media = MediaReading.learn(self.spec, features[self.examples.rows["train"]], self.encoding)
        self.media.save(model_folder)
        self.cells = self.media.read(features, model_folder.parent, self.device.torch)
        self.shapes = self.media.add_to(self.shapes)
        if not self.encoding.texts:
            return
        texts = {part: ColumnTexts(features[rows], self.encoding.texts) for part, rows in self.examples.rows.items()}
        self.words = WordScores(texts, self.teacher, fifths=FIFTHS if self._counts_words else 1)
        if self._counts_words:
            self.words.model.save(model_folder)
            said = {part: self._tensor(numbers) for part, numbers in self.words.said.items()}
            self.numbers = {part: torch.cat([self.numbers[part], said[part]], dim=1) for part in said}
            self.shapes = replace(self.shapes, numbers=self.shapes.numbers + self.teacher.outputs)

    @property
    def _counts_words(self) -> bool:
        """Whether the network is told what a linear model says of the texts."""
        network = self.spec.network()
        return bool(self.encoding.texts) and isinstance(network, ReadsMedia) and network.counted

    def warnings(self) -> list[Warning]:
        """Say which columns this architecture cannot read."""
        left_out = self.found.names - self.encoding.names
        if not left_out:
            return []
        names = ", ".join(f"“{name}”" for name in self.spec.roles["features"] if name in left_out)
        message = f"Left out, because {self.spec.network().title} reads numbers and categories only: {names}."
        return [Warning(message=message, hint=f"Choose “{_reader()}” to learn from texts, pictures and sounds too.")]

    def _nothing_to_read(self) -> TrainingError:
        if self.found.is_plain:
            return TrainingError("The chosen columns are empty.", "Choose other columns.", code="no_features")
        return TrainingError(
            f"{self.spec.network().title} reads numbers and categories only, and these columns are none.",
            f"Choose “{_reader()}”, or other columns.",
            code="no_features",
        )

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        rows = len(self.numbers["train"])
        order = torch.randperm(rows, generator=generator).to(self.device.torch)
        batches = list(order.split(batch_size))
        if len(batches) > 1 and len(batches[-1]) == 1:  # batch normalisation cannot work with one row
            batches[-2:] = [torch.cat(batches[-2:])]
        return batches

    def initialise(self, model: nn.Module) -> None:
        """Cut numbers into pieces where the target changes, in networks that read them so."""
        for module in model.modules():
            if isinstance(module, PieceNumbers):
                module.cut(self.numbers["train"], self.targets["train"])

    @abstractmethod
    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        """Loss and a few measures over one part."""

    @abstractmethod
    def meaning(self, scores: Floats) -> Floats:
        """Probabilities or values of the test part, as judged, from scores (rows, outputs)."""

    def answers(self, model: nn.Module) -> Floats:
        """What a network says of the test part, as judged."""
        return self.meaning(self.scores(model, "test").double().cpu().numpy())

    def samples(self, model: nn.Module, step: int) -> Iterator[Surface]:
        return iter(())

    @torch.no_grad()
    def scores(self, model: nn.Module, part: Part) -> Tensor:
        """The network's raw answers on one part: (rows, outputs)."""
        places = torch.arange(len(self.numbers[part]), device=self.device.torch)
        at_once = AT_ONCE if self.media is None else MEDIA_AT_ONCE
        return torch.cat([model(*self._inputs(part, some)) for some in places.split(at_once)])

    @abstractmethod
    def linear(self, train: Tensor, places: Tensor, test: Tensor) -> Floats:
        """What a linear model says of the test part, as judged, by the features (rows, D) of some places of train."""

    def _inputs(self, part: Part, places: Tensor) -> tuple[object, ...]:
        """What the network reads of some places of a part."""
        plain = self.numbers[part][places], self.codes[part][places]
        return plain if self.media is None else (*plain, *self.cells.batch(self._rows(part, places)))

    def _answer(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        """Scores of a batch of the train part, its pictures a little different in every epoch."""
        inputs = self._inputs("train", indices)
        if self.media is not None and self.spec.recipe.augment:
            rows = self._rows("train", indices)
            inputs = (*inputs[:2], *self.cells.varied(rows, epoch=epoch, seed=self.spec.recipe.seed))
        scores: Tensor = model(*inputs)
        return scores

    def _rows(self, part: Part, places: Tensor) -> Ints:
        """Where these places stand in the data."""
        rows: Ints = self.examples.rows[part][places.cpu().numpy()]
        return rows

    def preparation(self) -> dict[str, object]:
        media = {"media": self.media.prepared()} if self.media is not None else {}
        return {**self.reading.prepared(), "counted": self._counts_words, **media}

    def facts(self) -> dict[str, JsonValue]:
        """What was found in the columns that the report should say, by its title."""
        near = self.reading.neighbours
        return {"Nearest rows are asked on the map of": " and ".join(near.axes)} if near else {}

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device.torch)


@OBJECTIVES.register("tabular-classification")
class TableClasses(Table):
    """Cross-entropy over the classes of the target column."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.target = ClassTarget(spec, examples, device)
        self.labels, truth = self.target.labels, self.target.truth
        super().__init__(spec, examples, device, model_folder, Classes(truth["train"], len(self.labels)))
        self.targets = {part: self._tensor(numbers) for part, numbers in truth.items()}
        self.weights = class_weights(self.targets["train"], len(self.labels), spec.recipe)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        scores, targets = one_by_one(self._answer(model, indices, epoch), self.targets["train"][indices])
        return class_loss(scores, targets, self.spec.recipe, self.weights)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        return self.target.measures(part, self.scores(model, part)[self._known(part)])

    def samples(self, model: nn.Module, step: int) -> Iterator[Surface]:
        features = self.examples.frame.select(self.spec.roles["features"])[self.examples.rows["train"]]
        truth = self.target.truth["train"]
        surface = draw_surface(features, self.labels, truth, lambda plane: self._chances(model, plane), step)
        return iter([surface] if surface else [])

    def baselines(self) -> list[Guess]:
        return [self.target.majority(), *ask_rivals(self)]

    def known_answers(self) -> Floats:
        truth = self.target.truth["train"]
        shares = np.eye(len(self.labels))[truth][:, 1:]
        return np.asarray(shares - shares.mean(axis=0))

    def meaning(self, scores: Floats) -> Floats:
        return np.asarray(softmax(scores[self.target.known["test"]], axis=1))

    def linear(self, train: Tensor, places: Tensor, test: Tensor) -> Floats:
        truth = self.targets["train"][places.to(self.device.torch)]
        return fit_softmax_regression(train, truth, len(self.labels))(test)[self.target.known["test"]]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        report, predictions = self.target.judge(self.scores(model, "test")[self._known("test")], guesses)
        return report.model_copy(update={"facts": self.facts()}), predictions

    def preparation(self) -> dict[str, object]:
        return super().preparation() | {"labels": self.labels}

    def _known(self, part: Part) -> Tensor:
        return torch.from_numpy(self.target.known[part]).to(self.device.torch)

    @torch.no_grad()
    def _chances(self, model: nn.Module, rows: pl.DataFrame) -> Floats:
        numbers, codes = self.reading.read(rows)
        return probabilities(model(self._tensor(numbers), self._tensor(codes)))


@OBJECTIVES.register("tabular-regression")
class TableValues(Table):
    """Squared error of the standardised target."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.target = ValueTarget(spec, examples)
        super().__init__(spec, examples, device, model_folder, Values(self.target.scaled("train")))
        precision = self.encoding.precision
        self.targets = {part: self._tensor(self.target.scaled(part).astype(precision)) for part in examples.rows}

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        predicted, targets = one_by_one(self._answer(model, indices, epoch), self.targets["train"][indices])
        return value_loss(predicted.squeeze(1), targets, self.spec.recipe)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        return self.target.measures(part, self.meaning(self.scores(model, part).double().cpu().numpy()))

    def baselines(self) -> list[Guess]:
        return [self.target.mean(), *ask_rivals(self)]

    def known_answers(self) -> Floats:
        return self.target.scaled("train")[:, None]

    def meaning(self, scores: Floats) -> Floats:
        return np.asarray(scores[:, 0] * self.target.scale + self.target.center)

    def linear(self, train: Tensor, places: Tensor, test: Tensor) -> Floats:
        from sklearn.linear_model import RidgeCV

        known, unseen = (features.double().cpu().numpy() for features in (train, test))
        model = RidgeCV(alphas=[10.0**power for power in range(-1, 6)])
        return self.meaning(model.fit(known, self.target.scaled("train")[places.numpy()]).predict(unseen)[:, None])

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        report, predictions = self.target.judge(self.answers(model), guesses)
        return report.model_copy(update={"facts": self.facts() | self._formula(model)}), predictions

    def preparation(self) -> dict[str, object]:
        return super().preparation() | {"center": self.target.center, "scale": self.target.scale}

    def _formula(self, model: nn.Module) -> dict[str, JsonValue]:
        """That of an exact linear model; nothing of other networks."""
        if not (isinstance(model, MLP) and self.encoding.scaling == "standard"):
            return {}
        inner = model.head.weight[0].detach().double().cpu().numpy(), float(model.head.bias[0].detach())
        return formula_of(*inner, self.reading.inputs(), center=self.target.center, scale=self.target.scale)


def one_by_one(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (n, outputs) and targets (n,) to compare; several members (B, members, outputs) each for itself."""
    if scores.ndim == 2:
        return scores, targets
    return scores.flatten(0, 1), targets.repeat_interleave(scores.shape[1])


def _learn(columns: Iterator[pl.Series], network: Architecture) -> TableEncoding:
    return learn_encoding(columns, scaling_of(network), make=_makes_columns(network))


def _makes_columns(network: Architecture) -> bool:
    return isinstance(network, MakesColumns) and network.made


def _earlier_encoding(spec: TrainSpec) -> TableEncoding | None:
    """How the run that is gone on from read these very columns, so that its weights mean the same."""
    if not (found := earlier_preparation(spec)):
        return None
    encoding = TableEncoding.model_validate(found["encoding"])
    known = encoding.names <= set(spec.roles["features"])
    return encoding if known and encoding.scaling == scaling_of(spec.network()) else None


def _reader() -> str:
    return ARCHITECTURES["multimodal"].title
