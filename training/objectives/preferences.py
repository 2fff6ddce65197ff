"""Learning from votes: the better of two answers gains, the worse one loses, and all else stays near what it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.architectures.pretrained_causal import PretrainedCausalSettings
from training.device import Device
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import PARTS, Examples, Part
from training.generate import Writer
from training.language.chat_answers import Question, write_answers
from training.language.conversations import ANSWERING
from training.language.votes import Votes, answer_chances, answer_tokens, encode_votes, read_chat
from training.measures import loss_of_leads, share_right
from training.objectives import OBJECTIVES, Guess
from training.pretrained.loading import resolve
from training.pretrained.transfer import take_over
from training.report import Report, Written
from training.resampling import Measure
from training.spec import TrainSpec
from training.texts.tokenizers import load_tokenizer

AT_ONCE = 8
"""Votes that are read side by side where nothing is learnt."""
WATCHED = 64
"""Votes that a look at held-out data reads."""
ASKED, MOST_TOKENS = 4, 48
SHOWN = 400


@OBJECTIVES.register("preference-tuning")
class Preferences:
    """Direct preference optimisation: Rafailov et al., 2023, arXiv:2305.18290.

    The untouched model's chances are computed once, before the first step, so that only one model is held.
    """

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        settings = spec.network()
        assert isinstance(settings, PretrainedCausalSettings), f"{spec.architecture} has not learnt to answer yet"
        self.beta = settings.beta
        self.tokenizer = load_tokenizer(resolve(settings.source))
        model_folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(model_folder)
        self.votes = {part: self._read(part, settings.length) for part in PARTS}
        size = len(self.tokenizer)
        self.shapes = Shapes(outputs=size, vocabulary=size, length=settings.length)
        self.before: dict[Part, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def initialise(self, model: nn.Module) -> None:
        """Note what the model says before it learns anything, after what an earlier run taught it."""
        if self.spec.start_from:
            take_over(model, self.spec, self.preparation())
        model.eval()
        for part in PARTS:
            numbers = torch.arange(len(self.votes[part].numbers)).split(AT_ONCE)
            chances = [self._chances(model, part, some) for some in numbers]
            self.before[part] = (
                torch.cat([good for good, _bad in chances]),
                torch.cat([bad for _good, bad in chances]),
            )
        model.train()

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.votes["train"].epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        return -F.logsigmoid(self._leads(model, "train", indices)).mean()

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        leads = self._all_leads(model, part, WATCHED)
        every = np.ones((1, len(leads)))
        return {"loss": float(loss_of_leads(leads)(every)[0]), "preferred": float(share_right(leads)(every)[0])}

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        asked = self._questions()[:2]
        for question, text in zip(asked, self._answers(model, asked), strict=True):
            yield Sample(step=step, prompt=question.shown, text=text)

    def baselines(self) -> list[Guess]:
        good, bad = self.before["test"]
        untouched = (good - bad).double().cpu().numpy()
        longer = answer_tokens(self.votes["test"].chosen) - answer_tokens(self.votes["test"].rejected)
        return [
            Guess("untouched", "The untouched model", "Prefers what it finds likelier before any vote.", untouched),
            Guess("longer", "The longer answer", "Votes often go to the longer answer.", longer.astype(np.float64)),
        ]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        leads = self._all_leads(model, "test", len(self.votes["test"].numbers))
        measures: dict[str, Measure] = {"preferred": share_right(leads), "pair_loss": loss_of_leads(leads)}
        rivals = {guess.key: {"preferred": share_right(guess.answers)} for guess in guesses}
        report = judge_measures(self.spec.kind(), measures, rivals, guesses, len(leads))
        predictions = self._predictions(leads)
        facts: dict[str, JsonValue] = {"Votes judged": len(leads), "Mean lead": round(float(leads.mean()), 3)}
        hardest = hardest_examples(predictions.sort("loss", descending=True))
        update = {"hardest": hardest, "facts": facts, "samples": self._side_by_side(model)}
        return report.model_copy(update=update), predictions

    def preparation(self) -> dict[str, object]:
        return {"chat": True}

    def _read(self, part: Part, length: int) -> Votes:
        questions, better, worse = (
            self.examples.column(self.spec.column(role), part).to_list() for role in ("prompt", "chosen", "rejected")
        )
        chosen = [read_chat(*pair) for pair in zip(questions, better, strict=True)]
        rejected = [read_chat(*pair) for pair in zip(questions, worse, strict=True)]
        votes = encode_votes(self.tokenizer, chosen, rejected, length)
        return votes.to(self.device.torch)

    def _chances(self, model: nn.Module, part: Part, indices: Tensor) -> tuple[Tensor, Tensor]:
        votes = self.votes[part]
        return answer_chances(model, votes.chosen, indices), answer_chances(model, votes.rejected, indices)

    def _leads(self, model: nn.Module, part: Part, indices: Tensor) -> Tensor:
        """By how much more than the worse answer the better one has gained, times β, (B,)."""
        good, bad = self._chances(model, part, indices)
        good_before, bad_before = (before[indices] for before in self.before[part])
        return self.beta * ((good - good_before) - (bad - bad_before))

    @torch.no_grad()
    def _all_leads(self, model: nn.Module, part: Part, most: int) -> NDArray[np.float64]:
        numbers = torch.arange(min(most, len(self.votes[part].numbers))).split(AT_ONCE)
        return torch.cat([self._leads(model, part, some) for some in numbers]).double().cpu().numpy()

    def _rows(self) -> NDArray[np.int64]:
        return np.asarray(self.examples.rows["test"][self.votes["test"].numbers])

    def _predictions(self, leads: NDArray[np.float64]) -> pl.DataFrame:
        rows = self._rows()
        better, worse = (self._texts(role, rows) for role in ("chosen", "rejected"))
        preferred = [good if lead > 0 else bad for good, bad, lead in zip(better, worse, leads, strict=True)]
        return pl.DataFrame(
            {
                "id": self.examples.ids[rows],
                "row": rows,
                "truth": better,
                "prediction": preferred,
                "confidence": 1 / (1 + np.exp(-np.abs(leads))),
                "loss": np.logaddexp(0, -leads),
                "correct": leads > 0,
            }
        )

    def _texts(self, role: str, rows: NDArray[np.int64]) -> list[str]:
        cells = self.examples.frame[self.spec.column(role)].gather(rows).to_list()
        return [read_chat("", cell)[-1]["content"][:SHOWN] for cell in cells]

    def _questions(self) -> list[Question]:
        """The first held-out votes without their answers."""
        frame, rows = self.examples.frame, self._rows()[:ASKED]
        pairs = zip(*(frame[self.spec.column(role)].gather(rows) for role in ("prompt", "chosen")), strict=True)
        chats = [read_chat(question, answer) for question, answer in pairs]
        return [
            Question(chat[:-1], chat[-1]["content"]) for chat in chats if chat[-1]["role"] == ANSWERING and chat[:-1]
        ]

    def _answers(self, model: nn.Module, asked: list[Question]) -> list[str]:
        writer = cast(Writer, model)
        return write_answers(writer, self.tokenizer, asked, most_tokens=MOST_TOKENS, device=self.device.torch)

    def _side_by_side(self, model: nn.Module) -> list[Written]:
        asked = self._questions()
        untouched = self.spec.network().build(self.shapes).to(self.device.torch).eval()
        answers = zip(asked, self._answers(model, asked), self._answers(untouched, asked), strict=True)
        return [
            Written(step=0, prompt=question.shown, text=own, truth=question.truth, untouched=before)
            for question, own, before in answers
        ]
