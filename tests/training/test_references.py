"""What a training step computes, held against transformers' own losses and values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.training.tiny_data import DATA, SOURCES
from training.architectures import ARCHITECTURES, Architecture, Facts, Shapes
from training.device import Device
from training.events import Phase, Points, Progress
from training.examples import read_examples
from training.loop import train
from training.objectives import OBJECTIVES, Initialises
from training.objectives.speech import ctc_loss
from training.recipes import Recipe
from training.spec import TrainSpec

CPU = Device(torch.device("cpu"), torch.float32)
SOME = torch.arange(6)
Making = Callable[..., TrainSpec]


@pytest.fixture
def make_spec(make_data: Callable[..., Path], tmp_path: Path) -> Making:
    """A short run of an architecture on a task's small data."""

    def make(architecture: str, task: str, **settings: object) -> TrainSpec:
        tiny = DATA[task](tmp_path)
        if architecture in SOURCES:
            SOURCES[architecture](tmp_path / "source")
            settings["source"] = str(tmp_path / "source")
        recipe = Recipe(epochs=1, batch_size=8, augment=False, evaluations=1)
        return TrainSpec(
            task=task,
            data=str(make_data(tiny.frame)),
            roles=tiny.roles,
            architecture=architecture,
            settings=settings,  # type: ignore[arg-type]
            recipe=recipe,
        )

    return make


def prepared(spec: TrainSpec, folder: Path) -> tuple[Any, Any]:
    """The objective and a network that knows nothing in particular, with dropout off."""
    objective = OBJECTIVES[spec.task](spec, read_examples(spec), CPU, folder / "model")
    torch.manual_seed(1)
    network = spec.network().build(objective.shapes)
    if isinstance(head := getattr(network, "head", None), nn.Linear):
        nn.init.normal_(head.weight)
    return objective, network.eval()


def test_ctc_adds_up_every_way_to_say_the_letters() -> None:
    chances = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])  # of nothing, a and b at 3 moments
    one = 0.3 * 0.6 * 0.3 + 0.3 * 0.6 * 0.3 + 0.3 * 0.1 * 0.3 + 0.5 * 0.6 * 0.3 + 0.5 * 0.6 * 0.3 + 0.5 * 0.1 * 0.3
    both = 0.3 * 0.3 * 0.4 + 0.3 * 0.6 * 0.4 + 0.3 * 0.3 * 0.3 + 0.3 * 0.1 * 0.4 + 0.5 * 0.6 * 0.4
    loss = ctc_loss(chances.log()[None].repeat(2, 1, 1), [torch.tensor([1]), torch.tensor([1, 2])])
    assert loss.item() == pytest.approx((-math.log(one) - math.log(both) / 2) / 2)  # nats per letter, mean over texts


def test_letters_twice_in_a_row_need_a_moment_of_nothing_between() -> None:
    chances = torch.tensor([[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]])
    loss = ctc_loss(chances.log()[None], [torch.tensor([1, 1])])
    assert loss.item() == pytest.approx(-math.log(0.5 * 0.25 * 0.5) / 2)


def test_the_loss_of_speech_is_that_of_wav2vec2_for_ctc(make_spec: Making, tmp_path: Path) -> None:
    from transformers import Wav2Vec2ForCTC

    spec = make_spec("pretrained-audio", "speech-recognition")
    objective, network = prepared(spec, tmp_path)
    outputs = objective.shapes.outputs
    reference = Wav2Vec2ForCTC.from_pretrained(
        tmp_path / "source", vocab_size=outputs, pad_token_id=0, ctc_loss_reduction="mean", ctc_zero_infinity=True
    ).eval()
    reference.lm_head.load_state_dict(network.head.state_dict())
    waves = objective.heard.scaled(objective.heard.places["train"][SOME]).flatten(1)
    targets = [objective.targets["train"][place] for place in SOME.tolist()]
    labels = nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-100)
    theirs = reference(input_values=nn.functional.layer_norm(waves, waves.shape[1:], eps=1e-5), labels=labels).loss
    torch.testing.assert_close(objective.loss(network, SOME, 0), theirs)


def test_the_loss_of_sounds_is_that_of_wav2vec2(make_spec: Making, tmp_path: Path) -> None:
    from transformers import Wav2Vec2ForSequenceClassification

    objective, network = prepared(make_spec("pretrained-audio", "audio-classification", dropout=0.0), tmp_path)
    reference = Wav2Vec2ForSequenceClassification.from_pretrained(
        tmp_path / "source", num_labels=objective.shapes.outputs, classifier_proj_size=16
    ).eval()
    nn.init.eye_(reference.projector.weight)  # ours has one layer between notes and scores, not two
    nn.init.zeros_(reference.projector.bias)
    reference.classifier.load_state_dict(network.head.state_dict())
    waves = objective.heard.scaled(objective.heard.places["train"][SOME]).flatten(1)
    heard = nn.functional.layer_norm(waves, waves.shape[1:], eps=1e-5)
    theirs = reference(input_values=heard, labels=objective.target.train[SOME]).loss
    torch.testing.assert_close(objective.loss(network, SOME, 0), theirs)


def test_the_loss_of_pictures_is_that_of_vit(make_spec: Making, tmp_path: Path) -> None:
    from transformers import ViTForImageClassification

    objective, network = prepared(make_spec("pretrained-vision", "image-classification", image_size=16), tmp_path)
    reference = ViTForImageClassification.from_pretrained(tmp_path / "source").eval()
    seen = objective.viewing.scale(objective.pictures[objective.places["train"][SOME]])
    theirs = reference(pixel_values=seen, labels=objective.target.train[SOME]).loss
    torch.testing.assert_close(objective.loss(network, SOME, 0), theirs)


def test_the_loss_of_boxes_is_that_of_yolos(make_spec: Making, tmp_path: Path) -> None:
    from transformers import YolosForObjectDetection

    objective, network = prepared(make_spec("pretrained-detector", "object-detection", image_size=32), tmp_path)
    reference = YolosForObjectDetection.from_pretrained(
        tmp_path / "source", num_labels=objective.shapes.outputs, ignore_mismatched_sizes=True
    ).eval()
    reference.load_state_dict(network.network.state_dict())
    seen = objective.viewing.scale(objective.pictures[objective.places["train"][SOME]])
    box = torch.tensor([[(2 + 9 / 2) / 16, (3 + 8 / 2) / 16, 9 / 16, 8 / 16]])  # middle and size in shares of a side
    things = [int((objective.kinds[place] >= 0).sum()) for place in objective.places["train"][SOME]]
    labels = [{"class_labels": torch.zeros(n, dtype=torch.long), "boxes": box.repeat(n, 1)} for n in things]
    theirs = reference(pixel_values=seen, labels=labels).loss
    torch.testing.assert_close(objective.loss(network, SOME, 0), theirs, rtol=1e-4, atol=1e-4)


def test_the_loss_of_tagged_words_is_that_of_bert(make_spec: Making, tmp_path: Path) -> None:
    from transformers import BertForTokenClassification

    spec = make_spec("pretrained-encoder", "token-classification", length=32, dropout=0.0)
    objective, network = prepared(spec, tmp_path)
    reference = BertForTokenClassification.from_pretrained(tmp_path / "source", num_labels=objective.shapes.outputs)
    reference.classifier.load_state_dict(network.head.state_dict())
    encoded = objective.parts["train"].encoded
    ids, mask = encoded.batch(SOME.numpy(), CPU.torch)
    labels = encoded.padded(objective.targets, SOME.numpy(), -100).long()
    theirs = reference.eval()(input_ids=ids, attention_mask=mask.long(), labels=labels).loss
    torch.testing.assert_close(objective.loss(network, SOME, 0), theirs)


def test_the_loss_of_answers_in_passages_is_that_of_bert(make_spec: Making, tmp_path: Path) -> None:
    from transformers import BertForQuestionAnswering

    spec = make_spec("pretrained-encoder", "question-answering", length=64, dropout=0.0)
    objective, network = prepared(spec, tmp_path)
    reference = BertForQuestionAnswering.from_pretrained(tmp_path / "source").eval()
    reference.qa_outputs.load_state_dict(network.head.state_dict())
    encoded = objective.windows["train"].encoded
    same = torch.tensor([place for place in range(40) if encoded.lengths[place] == encoded.lengths[0]])  # no padding
    ids, mask = encoded.batch(same.numpy(), CPU.torch)
    starts, ends = objective.targets["train"][same].unbind(dim=1)
    theirs = reference(input_ids=ids, attention_mask=mask.long(), start_positions=starts, end_positions=ends).loss
    torch.testing.assert_close(objective.loss(network, same, 0), theirs)


def test_the_loss_of_texts_by_a_language_model_is_that_of_gpt2(make_spec: Making, tmp_path: Path) -> None:
    from transformers import GPT2ForSequenceClassification

    spec = make_spec("causal-reader", "text-classification", trained="all", length=32, dropout=0.0, counted=False)
    objective, network = prepared(spec, tmp_path)
    reference = GPT2ForSequenceClassification.from_pretrained(tmp_path / "source", num_labels=2).eval()
    nn.init.zeros_(network.head.bias)
    reference.score.weight.data.copy_(network.head.weight)
    ids, mask = objective.encoded["train"].batch(SOME.numpy(), CPU.torch)
    reference.config.pad_token_id = int(ids[~mask][0]) if not mask.all() else 0
    theirs = reference(input_ids=ids, attention_mask=mask.long(), labels=objective.target.train[SOME]).loss
    torch.testing.assert_close(objective.loss(network, SOME, 0), theirs)


STEPPING = [name for name, found in ARCHITECTURES.items() if found.fit is Architecture.fit and name != "blend"]
"""Those that learn by gradients; a blend's networks are among them, and its trees have none."""


@pytest.mark.parametrize("architecture", STEPPING)
def test_gradients_are_the_slopes_of_the_loss(architecture: str, make_spec: Making, tmp_path: Path) -> None:
    objective, network = prepared(make_spec(architecture, ARCHITECTURES[architecture].tasks[0]), tmp_path)
    if isinstance(objective, Initialises):
        objective.initialise(network)
    learnt = [weight for weight in network.parameters() if weight.requires_grad]
    for weight in learnt:  # away from exact zeros, where activations have their corner
        weight.data.add_(0.1 * torch.randn_like(weight))
    start = [weight.detach().clone() for weight in learnt]

    def loss() -> torch.Tensor:
        torch.manual_seed(2)  # where words are drawn to compare with
        return objective.loss(network, SOME, 0)

    slopes = torch.autograd.grad(loss(), learnt, allow_unused=True)
    for seed in range(3):
        chance = torch.Generator().manual_seed(seed)
        way = [torch.randn(weight.shape, generator=chance) / weight.numel() ** 0.5 for weight in learnt]
        expected = sum((slope * along).sum() for slope, along in zip(slopes, way, strict=True) if slope is not None)

        def beyond(length: float, way: list[torch.Tensor] = way) -> float:
            with torch.no_grad():
                for weight, origin, along in zip(learnt, start, way, strict=True):
                    weight.copy_(origin + length * along)
                return float(loss())

        found = (beyond(5e-4) - beyond(-5e-4)) / 1e-3
        assert found == pytest.approx(float(expected), rel=0.1, abs=2e-3)


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_the_same_seed_draws_the_same_curve(architecture: str, make_spec: Making, tmp_path: Path) -> None:
    task = ARCHITECTURES[architecture].tasks[0]
    spec = make_spec(architecture, task)
    facts = Facts(rows=60, shapes=Shapes(outputs=2, channels=3, height=16, width=16, length=32))
    settings, recipe = ARCHITECTURES[architecture].preset("quick", task, facts)
    short = {"epochs": 1.0, "batch_size": 8, "evaluations": 1, "precision": "float32"}
    lengths = {"length": 32} if "length" in ARCHITECTURES[architecture].model_fields else {}
    own = settings.model_dump(mode="json") | lengths
    update = {"settings": own | spec.settings, "recipe": recipe.model_copy(update=short)}
    curves = [learning_curves(spec.model_copy(update=update), tmp_path / name) for name in ("first", "second")]
    assert curves[0]
    assert curves[0] == curves[1]


def learning_curves(spec: TrainSpec, folder: Path) -> dict[str, list[float]]:
    """Every loss that is told until the network has learnt."""
    told: dict[str, list[float]] = {}
    for event in train(spec, folder):
        if isinstance(event, Phase) and event.name == "baseline":
            break
        points: dict[str, Points] = event.points if isinstance(event, Progress) else {}
        for name in ("train/loss", "val/loss"):
            if name in points:
                told.setdefault(name, []).extend(points[name].values)
    return told
