"""Turning one text into another: attention, beam search, measures, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sacrebleu
import torch
from torch import Tensor, nn

from tests.training.tiny_data import sequence_model
from training.architectures import ARCHITECTURES, Shapes
from training.data import mapped
from training.device import Device
from training.errors import TrainingError
from training.events import Progress, Sample
from training.examples import read_examples
from training.language.conversations import IGNORED
from training.loop import train
from training.models.seq2seq_lstm import Attention
from training.objectives.translation import Translations
from training.objectives.translation_answers import TranslationPredictor
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec
from training.texts.beam import search
from training.texts.columns import ColumnTexts
from training.texts.pairs import encode_pairs
from training.texts.tokenizers import build_byte_pairs
from training.texts.written import summary_scores, translation_scores

CPU = Device(torch.device("cpu"), torch.float32)
NUMBERS = {"one": "eins", "two": "zwei", "three": "drei", "four": "vier", "five": "fünf", "six": "sechs"}
SMALL = {
    "seq2seq-lstm": {"width": 48, "length": 16, "vocabulary_size": 300, "dropout": 0.0},
    "seq2seq-transformer": {"width": 32, "heads": 2, "layers": 2, "length": 16, "vocabulary_size": 300, "dropout": 0.0},
}
FROM_SCRATCH = list(SMALL)


@pytest.fixture
def pairs(make_data: Callable[..., Path]) -> Path:
    """Numbers in English, and the same in German."""
    random = np.random.default_rng(0)
    rows = [random.choice(list(NUMBERS), random.integers(3, 7)).tolist() for _ in range(600)]
    frame = pl.DataFrame(
        {
            "english": [" ".join(row) for row in rows],
            "german": [" ".join(NUMBERS[word] for word in row) for row in rows],
        }
    )
    return make_data(frame, ["train"] * 520 + ["test"] * 80)


@pytest.fixture(scope="session")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-t5")
    sequence_model(folder)
    return folder


@pytest.fixture
def make_spec(pairs: Path, tiny_t5: Path) -> Callable[..., TrainSpec]:
    def make(architecture: str, task: str = "translation", data: Path = pairs, **recipe: object) -> TrainSpec:
        given = {"epochs": 1.0, "batch_size": 32, "lr": 0.01, "evaluations": 1, **recipe}
        return TrainSpec(
            task=task,
            data=str(data),
            roles={"source": ["english"], "target": ["german"]},
            architecture=architecture,
            settings=SMALL.get(architecture, {"source": str(tiny_t5), "length": 16}),
            recipe=Recipe.model_validate(given),
        )

    return make


def prepare(spec: TrainSpec, folder: Path) -> Translations:
    return Translations(spec, read_examples(spec), CPU, folder)


@pytest.mark.parametrize("architecture", FROM_SCRATCH)
def test_a_small_network_learns_to_translate(
    make_spec: Callable[..., TrainSpec], tmp_path: Path, architecture: str
) -> None:
    recipe = {"epochs": 12.0, "batch_size": 16, "optimizer": "muon", "lr": 0.02, "side_lr": 0.01, "momentum": 0.95}
    events = list(train(make_spec(architecture, **recipe), tmp_path))
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert report.metrics["bleu"].low > 60
    assert report.metrics["bleu"].low <= report.metrics["bleu"].value <= report.metrics["bleu"].high
    assert {baseline.key for baseline in report.baselines} == {"copy", "memory"}
    assert any("val/bleu" in event.points for event in events if isinstance(event, Progress))
    assert any(event.text for event in events if isinstance(event, Sample))
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    assert predictions.columns == ["id", "row", "truth", "prediction", "confidence", "loss"]
    assert predictions["row"].min() == 520

    predictor = TranslationPredictor(tmp_path / "model", CPU)
    (answer,) = predictor.answer([{"english": "one two five six"}], {"explain": True})
    assert answer["text"] == "eins zwei fünf sechs"
    looks: Any = answer["attention"]
    assert (looks["source"], looks["target"]) == (["one", "two", "five", "six"], ["eins", "zwei", "fünf", "sechs"])
    assert np.array(looks["weights"]).sum(1) == pytest.approx(1, abs=1e-3)


def test_attention_weighs_notes_as_one_would_by_hand() -> None:
    attention = Attention(2, "multiplicative")
    attention.note.weight.data = torch.eye(2)
    notes = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    seen, weights = attention(torch.tensor([[[math.log(3), 0.0]]]), notes, attention.keys(notes), mask)
    assert weights.flatten().tolist() == pytest.approx([0.75, 0.25, 0.0])  # e^(ln 3) = 3 against e^0 = 1
    assert seen.flatten().tolist() == pytest.approx([0.75, 0.25])


def test_additive_attention_weighs_notes_as_one_would_by_hand() -> None:
    attention: Any = Attention(1, "additive")
    for layer, value in ((attention.note, 1.0), (attention.query, 1.0), (attention.score, 2.0)):
        layer.weight.data = torch.tensor([[value]])
    attention.query.bias.data.zero_()
    notes = torch.tensor([[[0.5], [-0.5]]])
    _, weights = attention(torch.tensor([[[0.5]]]), notes, attention.keys(notes), torch.ones(1, 2, dtype=torch.bool))
    expected = 1 / (1 + math.exp(2 * math.tanh(0.0) - 2 * math.tanh(1.0)))
    assert float(weights[0, 0, 0].detach()) == pytest.approx(expected)


class Chain:
    """Writes by a table of chances: what comes next depends on the last token alone. Token 0 starts and ends."""

    start = 0

    def __init__(self, chances: list[list[float]]) -> None:
        self.scores = torch.tensor(chances).clamp(min=1e-9).log()

    def remember(self, source: Tensor, mask: Tensor) -> Tensor:
        return source

    def write(self, ids: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.scores[ids], memory

    def pick(self, memory: Tensor, rows: Tensor) -> Tensor:
        return memory[rows]


GARDEN_PATH = [[0.0, 0.6, 0.4, 0.0], [0.34, 0.33, 0.0, 0.33], [0.9, 0.0, 0.0, 0.1], [1.0, 0.0, 0.0, 0.0]]


def test_beam_search_finds_what_the_greedy_way_misses() -> None:
    source = torch.zeros(2, 1, dtype=torch.long)
    greedy = search(Chain(GARDEN_PATH), source, source == 0, end=0, most=5, beams=1)
    wide = search(Chain(GARDEN_PATH), source, source == 0, end=0, most=5, beams=3)
    assert greedy.ids == [[1], [1]]
    assert wide.ids == [[2], [2]]
    assert wide.confidence.tolist() == pytest.approx([math.sqrt(0.4 * 0.9)] * 2)


def test_writing_stops_at_the_most_tokens() -> None:
    endless = [[0.0, 1.0], [0.0, 1.0]]
    source = torch.zeros(1, 1, dtype=torch.long)
    assert search(Chain(endless), source, source == 0, end=0, most=4, beams=2).ids == [[1, 1, 1, 1]]


@pytest.mark.parametrize("architecture", [*FROM_SCRATCH, "pretrained-seq2seq"])
def test_writing_token_by_token_scores_as_reading_all_at_once(
    make_spec: Callable[..., TrainSpec], tmp_path: Path, architecture: str
) -> None:
    objective = prepare(make_spec(architecture), tmp_path)
    torch.manual_seed(1)
    model: Any = objective.spec.network().build(objective.shapes).eval()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.3)
    batch = objective.pairs["train"].batch(torch.arange(6), CPU.torch)
    inputs = batch.inputs(model.start)
    with torch.no_grad():
        whole = model(batch.source, batch.mask, inputs)
        memory = model.remember(batch.source, batch.mask)
        order = torch.tensor([5, 4, 3, 2, 1, 0])
        memory = model.pick(memory, order)
        for step in range(inputs.shape[1]):
            scores, memory = model.write(inputs[order, step], memory)
            memory = model.pick(memory, torch.arange(6))
            torch.testing.assert_close(scores, whole[order, step], rtol=1e-3, atol=1e-3)
        weights = model.attention(batch.source, batch.mask, inputs)
    torch.testing.assert_close(weights.sum(2), torch.ones(weights.shape[:2]))
    assert float((weights * ~batch.mask[:, None]).abs().max()) < 1e-6


@pytest.mark.parametrize("architecture", FROM_SCRATCH)
def test_a_pair_is_not_changed_by_the_longer_one_beside_it(
    make_spec: Callable[..., TrainSpec], tmp_path: Path, architecture: str
) -> None:
    objective = prepare(make_spec(architecture), tmp_path)
    model: Any = objective.spec.network().build(objective.shapes).eval()
    nn.init.normal_(model.head.weight)
    lengths = objective.pairs["train"].source.lengths
    short, long = int(lengths.argmin()), int(lengths.argmax())
    both = objective._loss(model, "train", torch.tensor([short, long]), mean=False)
    each = [objective._loss(model, "train", torch.tensor([at]), mean=False) for at in (short, long)]
    assert both.item() == pytest.approx(sum(one.item() for one in each), rel=1e-5)


def test_the_loss_is_the_one_that_transformers_computes_itself(
    make_spec: Callable[..., TrainSpec], tmp_path: Path, tiny_t5: Path
) -> None:
    from transformers import T5ForConditionalGeneration

    objective = prepare(make_spec("pretrained-seq2seq"), tmp_path)
    model: Any = objective.spec.network().build(objective.shapes).eval()
    batch = objective.pairs["train"].batch(torch.arange(8), CPU.torch)
    reference = T5ForConditionalGeneration.from_pretrained(tiny_t5).eval()
    theirs = reference(input_ids=batch.source, attention_mask=batch.mask, labels=batch.targets).loss
    torch.testing.assert_close(objective.loss(model, torch.arange(8), 0), theirs)


def test_every_target_is_closed_and_none_is_longer_than_may_be_written(
    make_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    objective = prepare(make_spec("seq2seq-lstm"), tmp_path)
    batch = objective.pairs["test"].batch(torch.arange(80), CPU.torch)
    end = objective.tokenizer.eos_token_id
    assert ((batch.targets == end).sum(1) == 1).all()
    assert (batch.targets.masked_fill(batch.targets == IGNORED, end)[:, -1] == end).all()
    assert (batch.inputs(end)[:, 0] == end).all()
    assert batch.targets.shape[1] <= objective.length + 1


def test_an_epoch_holds_every_pair_once(make_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    objective = prepare(make_spec("seq2seq-lstm"), tmp_path)
    batches = objective.epoch(torch.Generator().manual_seed(0), 32)
    assert torch.cat(batches).sort().values.tolist() == list(range(520))


def test_bleu_and_chrf_are_those_of_sacrebleu_and_rouge_is_as_by_hand() -> None:
    truth = ["the cat sat on the mat today", "a dog ran over the green field", "rain fell all day long here"]
    written = ["the cat sat on a mat today", "a dog ran over the field", "it rained all day long"]
    every = np.ones((1, 3))
    scores = {key: float(measure(every)[0]) for key, measure in translation_scores(written, truth).items()}
    assert scores["bleu"] == pytest.approx(sacrebleu.corpus_bleu(written, [truth]).score)
    assert scores["chrf"] == pytest.approx(sacrebleu.corpus_chrf(written, [truth]).score)
    rouge = {key: float(measure(every[:, :1])[0]) for key, measure in summary_scores(["a b x"], ["a b c d"]).items()}
    assert rouge == pytest.approx({"rougel": 4 / 7, "rouge1": 4 / 7, "rouge2": 2 / 5})
    chinese = translation_scores(["我喜欢猫和狗"], ["我喜欢狗和猫"])["bleu"](np.ones((1, 1)))
    assert chinese[0] == pytest.approx(sacrebleu.corpus_bleu(["我喜欢猫和狗"], [["我喜欢狗和猫"]], tokenize="zh").score)


def test_the_baselines_copy_and_remember(make_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    objective = prepare(make_spec("seq2seq-lstm"), tmp_path)
    copied, remembered = objective.baselines()
    assert list(copied.texts) == objective.sources["test"]
    known = dict(zip(objective.sources["train"], objective.truth["train"], strict=True))
    seen = [(text, source) for text, source in zip(remembered.texts, copied.texts, strict=True) if source in known]
    assert seen
    assert sum(text == known[source] for text, source in seen) / len(seen) > 0.5


def test_a_summary_is_compared_with_the_first_words(make_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    list(train(make_spec("seq2seq-transformer", "summarization"), tmp_path))
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert report.headline == "rougel"
    assert {baseline.key for baseline in report.baselines} == {"lead", "memory"}


def test_the_same_seed_draws_the_same_curve(make_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    def losses(folder: Path) -> Iterator[float]:
        for event in train(make_spec("seq2seq-lstm"), folder):
            if isinstance(event, Progress) and "train/loss" in event.points:
                yield from event.points["train/loss"].values

    assert list(losses(tmp_path / "first")) == list(losses(tmp_path / "second"))


@pytest.mark.parametrize("architecture", FROM_SCRATCH)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("match", ["multiplicative", "additive"])
def test_the_estimated_size_is_that_of_the_network(architecture: str, cell: str, match: str) -> None:
    kind = ARCHITECTURES[architecture]
    settings = kind.model_validate(
        {name: value for name, value in (("cell", cell), ("match", match)) if name in kind.model_fields}
    )
    shapes = Shapes(outputs=300, vocabulary=300, length=32)
    built = sum(weight.numel() for weight in settings.build(shapes).parameters())
    assert settings.cost(shapes).parameters == pytest.approx(built, rel=0.02)


def test_pairs_without_any_text_and_questions_without_one_are_refused_in_words(
    make_spec: Callable[..., TrainSpec], make_data: Callable[..., Path], tmp_path: Path
) -> None:
    empty = make_data(pl.DataFrame({"english": ["a"] * 9, "german": [" "] * 9}), name="empty")
    with pytest.raises(TrainingError, match="One side of all pairs is empty"):
        prepare(make_spec("seq2seq-lstm", data=empty), tmp_path)
    list(train(make_spec("seq2seq-lstm"), tmp_path / "run"))
    with pytest.raises(TrainingError, match="no text to read"):
        TranslationPredictor(tmp_path / "run" / "model", CPU).answer([{"english": "  "}], {})


def test_pairs_read_in_portions_are_those_of_all_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cells = pl.DataFrame({"said": [f"  word {'and ' * (at % 5)}number {at} " for at in range(40)] + [None]})
    plain = [(text or "").strip() for text in cells["said"]]
    tokenizer = build_byte_pairs(plain, 300)
    whole = encode_pairs(tokenizer, [f"say {text}" for text in plain], plain, 6)
    monkeypatch.setattr("training.texts.pairs.AT_ONCE", 3)
    monkeypatch.setattr(mapped, "IN_MEMORY", 0)
    texts = ColumnTexts(cells, ["said"], trim=True)
    parts = encode_pairs(tokenizer, ColumnTexts(cells, ["said"], trim=True, before="say "), texts, 6, tmp_path / "run")
    for found, wanted in ((parts.source, whole.source), (parts.target, whole.target)):
        assert found.ids.tolist() == wanted.ids.tolist()
        assert found.lengths.tolist() == wanted.lengths.tolist()
