"""Learning to continue texts and to answer: the next token, from all tokens before it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, cast, runtime_checkable

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.device import Device
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import Examples, Part
from training.generate import Writer, stream
from training.language.chat_answers import answer_scores, held_out_questions, write_answers
from training.language.conversations import IGNORED, prompt_ids, questions
from training.language.corpus import BringsVocabulary, PartTokens, read_corpus
from training.language.ngrams import count_orders, surprise
from training.language.packing import keeps_apart
from training.language.sampling import Sampling
from training.language.stretches import Conversations
from training.language.surprise import Surprise, read_surprise
from training.objectives import OBJECTIVES, Guess
from training.order import epoch_order
from training.report import Estimate, Report, Written
from training.resampling import Measure, Weights, bootstrap
from training.spec import TrainSpec

CURVE_FLOPS, JUDGE_FLOPS = 5e10, 3e12
"""Arithmetic that one look at held-out data, and the last one, may take on a CPU: about two seconds, one minute."""
LEAST_TOKENS = 2_000
"""Fewer would say too little, whatever they cost."""
MOST_COUNTED = 5_000_000
"""Tokens that the baselines count: a second and some hundred megabytes per million."""
GPU_IS_FASTER = 200
MOST_ASKED, FEW_ASKED = 40, 8
"""Held-out questions that are answered for the report, and where writing is slow."""
SHOWN = 240
"""Characters of a stretch that tables show."""


@runtime_checkable
class Packs(Protocol):
    """Settings of a network that can be told which tokens belong together."""

    pack: bool


@OBJECTIVES.register("language-modeling")
class Language:
    """Cross-entropy of the next token: of every token of a text, or of the answers of conversations."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        self.corpus = read_corpus(spec, examples, device.torch)
        self.tokenizer = self.corpus.tokenizer
        model_folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(model_folder)
        size = len(self.tokenizer)
        self.shapes = Shapes(outputs=size, vocabulary=size, length=self.corpus.length)
        self.asked = held_out_questions(self.corpus.chats, FEW_ASKED if self._is_slow() else MOST_ASKED)
        self.packs = False

    def initialise(self, model: nn.Module) -> None:
        """See whether conversations can share a row of this network."""
        settings = self.spec.network()
        wanted = bool(self.corpus.chats) and isinstance(settings, Packs) and settings.pack
        self.packs = wanted and keeps_apart(model)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self._part("train").stretches.epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        scores, targets = self._read(model, indices)
        return F.cross_entropy(
            scores.flatten(0, 1),
            targets.flatten(),
            ignore_index=IGNORED,
            label_smoothing=self.spec.recipe.label_smoothing,
        )

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        nats = self._look(model, part, CURVE_FLOPS).mean()
        return {
            "loss": nats,
            "perplexity": math.exp(min(nats, 100.0)),
            "bits_per_byte": nats / math.log(2) / self._part(part).bytes_per_token,
        }

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        for shown, ids in self._prompts():
            sampling = Sampling(temperature=0.7, max_tokens=self._sample_length(), seed=0)
            text = "".join(stream(cast(Writer, model), self.tokenizer, ids, sampling, device=self.device.torch))
            yield Sample(step=step, prompt=shown, text=text)

    def baselines(self) -> list[Guess]:
        network = self.spec.network().build(self.shapes).to(self.device.torch).eval()
        judged = self._part("test").stretches.fixed(self._affordable(network, JUDGE_FLOPS))
        guesses = [
            self._counted(judged, 2, "bigram", "Counting neighbours (bigram)"),
            self._counted(judged, 6, "six-gram", "Counting groups of six tokens"),
        ]
        if isinstance(self.spec.network(), BringsVocabulary):
            untouched = self._look(network, "test", JUDGE_FLOPS)
            about = "The pretrained model before this training; what it could do already is not this run's merit."
            nats, answers = untouched.nats / untouched.tokens, self._answers(network) if self.asked else ()
            guesses.append(Guess("untouched", "The untouched model", about, nats, answers))
        return guesses

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        found = self._look(model, "test", JUDGE_FLOPS)
        predictions = self._predictions(found)
        report = judge_measures(
            self.spec.kind(),
            self._measures(found.nats, found.tokens),
            {guess.key: self._measures(guess.answers * found.tokens, found.tokens) for guess in guesses},
            guesses,
            len(found.tokens),
        )
        facts: dict[str, JsonValue] = {
            "Vocabulary": len(self.tokenizer),
            "Tokens judged": int(found.tokens.sum()),
            "Bytes per token": round(self._part("test").bytes_per_token, 3),
            **self._filling(),
        }
        hardest = hardest_examples(predictions.sort("loss", descending=True))
        report = report.model_copy(update={"hardest": hardest, "facts": facts})
        add = self._with_answers if self.asked else self._with_samples
        return add(report, model, guesses), predictions

    def preparation(self) -> dict[str, object]:
        return {"chat": bool(self.corpus.chats)}

    def flat(self, part: Part, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first `most` tokens of a part in reading order, and the ones after, IGNORED where they do not count."""
        return self._part(part).stretches.flat(most)

    def _with_samples(self, report: Report, model: nn.Module, guesses: list[Guess]) -> Report:
        written = [Written(step=0, prompt=sample.prompt, text=sample.text) for sample in self.samples(model, 0)]
        return report.model_copy(update={"samples": written})

    def _with_answers(self, report: Report, model: nn.Module, guesses: list[Guess]) -> Report:
        """Add how near the answers come to those in the data, beside those of the untouched model."""
        answers = self._answers(model)
        before = next((guess.texts for guess in guesses if guess.texts), [""] * len(answers))
        samples = [
            Written(step=0, prompt=question.shown, text=text, truth=question.truth, untouched=untouched)
            for question, text, untouched in zip(self.asked, answers, before, strict=True)
        ]
        measured = {guess.key: self._scores(guess.texts) for guess in guesses if guess.texts}
        baselines = [
            baseline.model_copy(update={"metrics": baseline.metrics | measured.get(baseline.key, {})})
            for baseline in report.baselines
        ]
        update = {
            "samples": samples,
            "metrics": report.metrics | self._scores(answers),
            "baselines": baselines,
            "facts": report.facts | {"Questions answered": len(answers)},
        }
        return report.model_copy(update=update)

    def _filling(self) -> dict[str, JsonValue]:
        """How much of what is read only fills up rows of conversations."""
        stretches, recipe = self._part("train").stretches, self.spec.recipe
        if not isinstance(stretches, Conversations):
            return {}
        share = stretches.filling(self.epoch(epoch_order(recipe.seed, 0), recipe.batch_size), packed=self.packs)
        return {"Rows filled up": f"{share:.1%}"}

    def _answers(self, model: nn.Module) -> list[str]:
        """The model's answers to the held-out questions, cut at twice the longest one given."""
        writer, device = cast(Writer, model), self.device.torch
        longest = max(len(self.tokenizer(question.truth)["input_ids"]) for question in self.asked)
        most = min(self._sample_length(), 2 * longest + 8)
        return write_answers(writer, self.tokenizer, self.asked, most_tokens=most, device=device)

    def _scores(self, answers: Sequence[str]) -> dict[str, Estimate]:
        scores = answer_scores(answers, self.asked)
        return {key: bootstrap(measure, len(answers)) for key, measure in scores.items()}

    def _read(self, model: nn.Module, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the next token of what is learnt from, and the token that comes."""
        stretches = self._part("train").stretches
        if self.packs and isinstance(stretches, Conversations):
            packed = stretches.packed(indices)
            return model(packed.ids, packed.places), packed.targets
        inputs, targets = stretches.batch(indices)
        return model(inputs), targets

    def _part(self, part: Part) -> PartTokens:
        return self.corpus.parts[part]

    def _look(self, model: nn.Module, part: Part, flops: float) -> Surprise:
        """Read one part, as far as so much arithmetic reaches."""
        stretches = self._part(part).stretches
        indices = stretches.fixed(self._affordable(model, flops))
        return read_surprise(model, stretches, indices, len(self.tokenizer) * self.corpus.length)

    def _affordable(self, model: nn.Module, flops: float) -> int:
        """Tokens that a forward pass can read with so much arithmetic: two operations per weight and token."""
        weights = sum(weight.numel() for weight in model.parameters())
        per_token = 2.0 * weights or self.spec.network().cost(self.shapes).flops
        faster = GPU_IS_FASTER if self.device.torch.type == "cuda" else 1
        return max(LEAST_TOKENS, int(faster * flops / per_token))

    def _counted(self, indices: Tensor, longest: int, key: str, title: str) -> Guess:
        inputs, targets = self.flat("train", MOST_COUNTED)
        orders = count_orders(inputs, targets, longest)
        answers = []
        for some in torch.split(indices, 256):
            read, follow = (values.cpu().numpy() for values in self._part("test").stretches.batch(some))
            nats = surprise(orders, read, follow, len(self.tokenizer))
            answers.append(nats.sum(1) / (follow != IGNORED).sum(1))
        seen = "last one alone" if longest == 2 else f"{longest - 1} before it"
        about = f"Guesses the next token from the {seen}, by counting what followed which (Kneser-Ney smoothing)."
        if len(inputs) == MOST_COUNTED:
            about += f" Learnt from the first {MOST_COUNTED:,} tokens, to save time."
        return Guess(key, title, about, np.concatenate(answers))

    def _measures(self, nats: NDArray[np.float64], tokens: NDArray[np.int64]) -> dict[str, Measure]:
        """The measures from summed nats and token counts per stretch."""
        per_byte = 1 / math.log(2) / self._part("test").bytes_per_token

        def mean(weights: Weights) -> NDArray[np.float64]:
            return np.asarray((weights @ nats) / (weights @ tokens))

        return {
            "nats": mean,
            "perplexity": lambda weights: np.exp(mean(weights)),
            "bits_per_byte": lambda weights: mean(weights) * per_byte,
        }

    def _predictions(self, found: Surprise) -> pl.DataFrame:
        """One row per stretch; its id is the place in the held-out text, or the conversation's own id."""
        indices, test = found.indices.numpy(), self._part("test")
        rows = test.rows[indices]
        loss = found.nats / found.tokens
        return pl.DataFrame(
            {
                "id": test.places[indices] if len(test.places) else self.examples.ids[rows],
                "row": rows,
                "truth": [self._text(ids) for ids in found.truths],
                "prediction": [self._text(ids) for ids in found.favourites],
                "confidence": np.exp(-loss),
                "loss": loss,
                "tokens": found.tokens,
            }
        )

    def _text(self, ids: NDArray[np.int64]) -> str:
        return str(self.tokenizer.decode(ids[ids != IGNORED][:SHOWN], skip_special_tokens=True))[:SHOWN]

    def _prompts(self) -> list[tuple[str, list[int]]]:
        """What samples go on from: the first questions of held-out conversations, or the start of a line."""
        asked = [questions(chat) for chat in self.corpus.chats[:2]]
        if asked:
            return [(messages[-1]["content"], prompt_ids(self.tokenizer, messages)) for messages in asked if messages]
        return [("", self.tokenizer("\n", add_special_tokens=False)["input_ids"])]

    def _sample_length(self) -> int:
        return 48 if self._is_slow() else 240

    def _is_slow(self) -> bool:
        """Whether writing takes so long that little of it must do."""
        return self.device.torch.type == "cpu" and self.spec.network().cost(self.shapes).parameters > 50_000_000
