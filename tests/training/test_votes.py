"""Learning from votes: the loss by hand, what is compared, and that the better answer wins."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch

from tests.training.tiny_data import causal_model
from training.device import Device
from training.errors import TrainingError
from training.examples import read_examples
from training.language.conversations import IGNORED
from training.language.votes import Votes, answer_chances, read_chat
from training.loop import train
from training.objectives.preferences import Preferences
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec

CPU = Device(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-gpt2")
    causal_model(folder)
    return folder


@pytest.fixture
def votes(make_data: Callable[..., Path]) -> Path:
    frame = pl.DataFrame(
        {
            "question": ["the cat?", "the dog?", "the hen?"] * 12,
            "good": ["the cat sat on the mat.", "sat.", "met."] * 12,
            "bad": ["ran.", "ran to the fog.", "ran to the men."] * 12,
        }
    )
    return make_data(frame, ["train"] * 27 + ["test"] * 9)


@pytest.fixture
def make_spec(votes: Path, tiny_gpt2: Path) -> Callable[..., TrainSpec]:
    def make(**recipe: object) -> TrainSpec:
        given = {"epochs": 6.0, "batch_size": 9, "lr": 0.003, "evaluations": 1, **recipe}
        return TrainSpec(
            task="preference-tuning",
            data=str(votes),
            roles={"prompt": ["question"], "chosen": ["good"], "rejected": ["bad"]},
            architecture="pretrained-causal",
            settings={"source": str(tiny_gpt2), "length": 48, "method": "whole", "beta": 0.5},
            recipe=Recipe.model_validate(given),
        )

    return make


def votes_of(objective: Preferences) -> Votes:
    return objective.votes["train"]


def test_the_loss_is_that_of_the_paper_by_hand(make_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    spec = make_spec()
    objective = Preferences(spec, read_examples(spec), CPU, tmp_path)
    model = spec.network().build(objective.shapes)
    objective.initialise(model)
    pair = torch.tensor([0])
    assert objective.loss(model.eval(), pair, 0).item() == pytest.approx(math.log(2), rel=1e-5)  # nothing gained yet

    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
        good, bad = (
            answer_chances(model, side, pair).item()
            for side in (votes_of(objective).chosen, votes_of(objective).rejected)
        )
    good_before, bad_before = (before[0].item() for before in objective.before["train"])
    odds = 0.5 * ((good - good_before) - (bad - bad_before))
    assert objective.loss(model, pair, 0).item() == pytest.approx(-math.log(1 / (1 + math.exp(-odds))), rel=1e-4)


def test_the_chance_of_an_answer_is_that_of_its_tokens_one_after_the_other(
    make_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    spec = make_spec()
    objective = Preferences(spec, read_examples(spec), CPU, tmp_path)
    model = spec.network().build(objective.shapes).eval()
    inputs, targets = votes_of(objective).chosen.batch(torch.tensor([0]))
    counts = [at for at, token in enumerate(targets[0].tolist()) if token != IGNORED]
    assert str(objective.tokenizer.decode(targets[0, counts], skip_special_tokens=True)) == "the cat sat on the mat."
    with torch.no_grad():
        chances = model(inputs).log_softmax(2)[0]
        by_hand = sum(chances[at, targets[0, at]].item() for at in counts)
        found = answer_chances(model, votes_of(objective).chosen, torch.tensor([0]))
    assert found.item() == pytest.approx(by_hand, rel=1e-4)


def test_the_better_answer_gains_and_stands_beside_the_untouched_model(
    make_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    list(train(make_spec(), tmp_path))
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert report.metrics["preferred"].value == 1.0
    assert report.metrics["pair_loss"].value < 0.3
    longer = next(baseline for baseline in report.baselines if baseline.key == "longer")
    assert longer.metrics["preferred"].value == pytest.approx(1 / 3)
    assert report.samples[0].truth == "the cat sat on the mat."


def test_a_resumed_run_compares_with_the_same_untouched_model(
    make_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    calls = iter(range(100))
    list(train(make_spec(), tmp_path / "parts", lambda: next(calls) >= 5))
    list(train(make_spec(), tmp_path / "parts"))
    list(train(make_spec(), tmp_path / "whole"))
    reports = [
        Report.model_validate_json((tmp_path / name / "report.json").read_bytes()) for name in ("parts", "whole")
    ]
    assert reports[0].metrics == reports[1].metrics


def test_answers_are_texts_or_whole_conversations() -> None:
    question, answer = [{"role": "user", "content": "hi"}], [{"role": "assistant", "content": "you"}]
    assert read_chat("hi", "you") == question + answer
    assert read_chat(question, question + answer) == question + answer
    assert read_chat(question, "you") == question + answer


def test_votes_beyond_what_is_read_are_refused_in_words(make_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    spec = make_spec()
    short = spec.model_copy(update={"settings": spec.settings | {"length": 2}})
    with pytest.raises(TrainingError, match="No vote has both answers"):
        Preferences(short, read_examples(short), CPU, tmp_path)
