"""Learning to give texts several labels at once."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import ClassVar, cast

import polars as pl
import torch
from scipy.special import expit
from torch import Tensor, nn

from training.device import Device
from training.examples import PARTS, Examples, Part
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS, best_first
from training.report import Report
from training.spec import TrainSpec
from training.targets import label_sets
from training.techniques.losses import label_loss, label_weights
from training.texts.counted_teachers import Labels
from training.texts.whole_texts import TextReader, WholeTexts


@OBJECTIVES.register("text-multilabel")
class TextLabels(WholeTexts):
    """A yes or no for every label: binary cross-entropy, each label for itself."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        columns = spec.roles["target"]
        found = label_sets.read_label_sets(examples.frame, columns)
        rows = {part: [found[row] for row in examples.rows[part]] for part in PARTS}
        self.labels = label_sets.learn_label_sets(rows["train"], columns)
        self.truth = {part: label_sets.encode_label_sets(rows[part], self.labels) for part in PARTS}
        super().__init__(spec, examples, device, model_folder, Labels(self.truth["train"]))
        self.targets = torch.from_numpy(self.truth["train"]).float().to(device.torch)
        self.weights = label_weights(self.targets, spec.recipe)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        scores = self.batch_scores(model, indices)
        return label_loss(scores, self.targets[indices.to(scores.device)], self.spec.recipe, self.weights)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        return label_sets.label_measures(self.truth[part], expit(self.scores(model, part)))

    def baselines(self) -> list[Guess]:
        common = label_sets.commonest(self.truth["train"], self.labels, len(self.truth["test"]))
        return [common, *self.linear_guess(expit)]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        rows = self.examples.rows["test"]
        report, predictions = label_sets.judge_label_sets(
            task=self.spec.kind(),
            labels=self.labels,
            truth=self.truth["test"],
            probabilities=expit(self.scores(model, "test")),
            ids=self.examples.ids[rows],
            rows=rows,
            guesses=guesses,
        )
        return report.model_copy(update={"facts": {"Labels": len(self.labels), **self.facts()}}), predictions

    def preparation(self) -> dict[str, object]:
        return {"labels": self.labels, **self.prepared()}


@PREDICTORS.register("text-multilabel")
class LabelsPredictor(TextReader):
    """Answers for texts; {"explain": true} adds the words that spoke for the likeliest label."""

    key: ClassVar[str]

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"labels": the likely ones, "label": the same in words, "probabilities": of every label} per text."""
        labels, texts = cast(list[str], self.prepared["labels"]), [self.text(row) for row in inputs]
        answers = []
        for text, row in zip(texts, expit(self.scores(texts)), strict=True):
            answer = best_first(labels, row.tolist())
            if options.get("explain"):
                number = labels.index(cast(str, answer["label"]))
                answer["words"] = self.words_that_mattered(text, itemgetter((slice(None), number)))
            said = [label for label, likely in zip(labels, row >= label_sets.LIKELY, strict=True) if likely]
            answers.append(answer | {"labels": said, "label": ", ".join(said) or "—"})
        return answers
