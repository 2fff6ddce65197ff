"""Learning to continue texts and to answer: what is read, what is learnt, and what it is measured against."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from training.architectures import ARCHITECTURES, Shapes
from training.data.schema import Description
from training.device import Device
from training.errors import TrainingError
from training.events import Event, Progress, Sample, Stopped
from training.examples import read_examples
from training.language.conversations import IGNORED, encode_chat
from training.language.corpus import read_corpus
from training.language.ngrams import count_orders, surprise
from training.language.stretches import Conversations, Windows
from training.loop import train
from training.model_folder import load_network
from training.models.ngram import Ngram
from training.objectives.language import Language
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec
from training.texts.tokenizers import build_byte_pairs, build_characters

CPU = Device(torch.device("cpu"), torch.float32)
VERSE = "the cat sat on the mat.\nthe dog ran to the fog.\nthe hen met ten men.\n"
CHAT = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "you"},
    {"role": "user", "content": "bye"},
    {"role": "assistant", "content": "so long"},
]
TINY: dict[str, dict[str, object]] = {
    "ngram": {"longest": 4, "length": 32},
    "gpt": {"layers": 2, "width": 32, "heads": 2, "length": 32, "dropout": 0.1},
    "recurrent-lm": {"width": 32, "layers": 2, "length": 32, "dropout": 0.1},
}


@pytest.fixture
def text_data(make_data: Callable[..., Path]) -> Path:
    """A text in rows as the importer cuts it; its last tenth is held out."""
    rows = [VERSE] * 60
    folder = make_data(pl.DataFrame({"text": rows}), ["train"] * 54 + ["test"] * 6, "text")
    description = Description(kind="text", format="Text", rows=60, bytes=len(VERSE) * 60, columns=[])
    (folder / "dataset.json").write_text(description.model_dump_json())
    return folder


@pytest.fixture
def chat_data(make_data: Callable[..., Path]) -> Path:
    short = [{"role": "user", "content": "yes?"}, {"role": "assistant", "content": "no."}]
    return make_data(pl.DataFrame({"chat": [CHAT, short] * 20}), ["train"] * 30 + ["test"] * 10, "chats")


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 with random weights, as transformers saves it."""
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("tiny-gpt2")
    tokenizer = build_byte_pairs([VERSE], 300)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def make_spec(text_data: Path, tiny_gpt2: Path) -> Callable[..., TrainSpec]:
    """A run of some seconds on the verse: make_spec("gpt", epochs=1.0)."""

    def make(architecture: str, data: Path = text_data, column: str = "text", **recipe: object) -> TrainSpec:
        settings = TINY.get(architecture, {"source": str(tiny_gpt2), "length": 32, "rank": 2, "dropout": 0.1})
        given = {"epochs": 2.0, "batch_size": 8, "lr": 0.01, "evaluations": 2, **recipe}
        return TrainSpec(
            task="language-modeling",
            data=str(data),
            roles={"text": [column]},
            architecture=architecture,
            settings=settings,
            recipe=Recipe.model_validate(given),
        )

    return make


def prepare(spec: TrainSpec, folder: Path) -> Language:
    return Language(spec, read_examples(spec), CPU, folder)


def curve(events: list[Event], name: str = "train/loss") -> dict[int, float]:
    told = [event.points[name] for event in events if isinstance(event, Progress) and name in event.points]
    return {step: value for points in told for step, value in zip(points.steps, points.values, strict=True)}


def after(calls: int) -> Callable[[], bool]:
    counter: Iterator[int] = itertools.count(1)
    return lambda: next(counter) >= calls


def test_a_small_gpt_writes_better_than_counting_neighbours(
    make_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    spec = make_spec("gpt", epochs=12.0, optimizer="muon", lr=0.02, side_lr=0.01, momentum=0.95)
    events = list(train(spec, tmp_path))
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    bigram = next(baseline for baseline in report.baselines if baseline.key == "bigram")
    nats = report.metrics["nats"]
    assert nats.value < 0.3 < bigram.metrics["nats"].value
    assert nats.low <= nats.value <= nats.high
    assert report.metrics["perplexity"].value == pytest.approx(math.exp(nats.value))
    assert report.metrics["bits_per_byte"].value == pytest.approx(nats.value / math.log(2))
    assert report.verdict.grade == "gold"
    assert any("the " in event.text for event in events if isinstance(event, Sample))
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    assert predictions.columns[:4] == ["id", "row", "truth", "prediction"]
    assert predictions["id"].is_unique().all()
    assert predictions["row"].min() == 54


@pytest.mark.parametrize("architecture", ["gpt", "recurrent-lm", "pretrained-causal"])
def test_a_language_run_stopped_and_resumed_gives_the_curve_of_one_that_was_not(
    make_spec: Callable[..., TrainSpec], tmp_path: Path, architecture: str
) -> None:
    spec = make_spec(architecture)
    whole = list(train(spec, tmp_path / "whole"))
    first = list(train(spec, tmp_path / "parts", after(5)))
    rest = list(train(spec, tmp_path / "parts"))
    assert isinstance(first[-1], Stopped)
    assert {**curve(first), **curve(rest)} == curve(whole)
    assert {**curve(first, "val/loss"), **curve(rest, "val/loss")} == curve(whole, "val/loss")


def test_only_the_answers_are_learnt_up_to_the_mark_that_ends_them() -> None:
    tokenizer = build_characters(["usrantib yehogl\n"], chat=True)
    ids, targets = encode_chat(tokenizer, CHAT, 1000)
    learnt = tokenizer.convert_ids_to_tokens(targets[targets != IGNORED].tolist())
    assert learnt == [*"you", "<|im_end|>", *"so long", "<|im_end|>"]
    assert (targets[:-1][targets[:-1] != IGNORED] == ids[1:][targets[:-1] != IGNORED]).all()
    first = int(np.flatnonzero(targets != IGNORED)[0])
    assert tokenizer.convert_ids_to_tokens(ids[first - 2 : first + 1].tolist()) == ["n", "t", "\n"]


def test_a_conversation_is_not_changed_by_the_longer_one_beside_it(
    make_spec: Callable[..., TrainSpec], chat_data: Path, tmp_path: Path
) -> None:
    objective = prepare(make_spec("pretrained-causal", chat_data, "chat"), tmp_path)
    model = objective.spec.network().build(objective.shapes).eval()
    alone = [objective._part("train").stretches.batch(torch.tensor([number])) for number in (0, 1)]
    together = model(objective._part("train").stretches.batch(torch.tensor([0, 1]))[0])
    for number, (inputs, _) in enumerate(alone):
        torch.testing.assert_close(together[number, : inputs.shape[1]], model(inputs)[0], rtol=1e-4, atol=1e-4)
    tokens = [int((targets != IGNORED).sum()) for _, targets in alone]
    losses = [float(objective.loss(model, torch.tensor([number]), 0).detach()) for number in (0, 1)]
    both = float(objective.loss(model, torch.tensor([0, 1]), 0).detach())
    assert both == pytest.approx(np.average(losses, weights=tokens), rel=1e-5)


def test_a_chat_run_answers_held_out_questions_beside_the_untouched_model(
    make_spec: Callable[..., TrainSpec], chat_data: Path, tmp_path: Path
) -> None:
    spec = make_spec("pretrained-causal", chat_data, "chat", epochs=30.0, lr=0.003, evaluations=1)
    spec = spec.model_copy(update={"settings": spec.settings | {"method": "whole", "dropout": 0.0}})
    list(train(spec, tmp_path))
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert {(sample.prompt, sample.text) for sample in report.samples} == {("hi", "you"), ("yes?", "no.")}
    assert report.metrics["exact_match"].value == 1.0
    assert report.metrics["rougel"].value == 1.0
    assert {(sample.prompt, sample.text) for sample in report.samples} == {("hi", "you"), ("yes?", "no.")}
    assert all(sample.truth == sample.text != sample.untouched for sample in report.samples)
    untouched = next(baseline for baseline in report.baselines if baseline.key == "untouched")
    assert untouched.metrics["exact_match"].value == 0.0
    assert report.facts["Questions answered"] == 10


def test_the_loss_is_the_one_that_transformers_computes_itself(
    make_spec: Callable[..., TrainSpec], tmp_path: Path, tiny_gpt2: Path
) -> None:
    from transformers import AutoModelForCausalLM

    objective = prepare(make_spec("pretrained-causal"), tmp_path)
    reference = AutoModelForCausalLM.from_pretrained(tiny_gpt2).eval()
    indices = objective.epoch(torch.Generator().manual_seed(0), 4)[0]
    inputs, targets = objective._part("train").stretches.batch(indices)
    whole = torch.cat([inputs, targets[:, -1:]], dim=1)
    ours = objective.loss(objective.spec.network().build(objective.shapes).eval(), indices, 0)
    torch.testing.assert_close(ours, reference(input_ids=whole, labels=whole).loss)


def test_an_epoch_reads_windows_that_do_not_overlap_at_another_offset_each_time() -> None:
    windows = Windows(torch.arange(1001, dtype=torch.int32), length=10)
    epochs = [torch.cat(windows.epoch(torch.Generator().manual_seed(seed), 7)) for seed in range(5)]
    assert {len(starts) for starts in epochs} == {99}
    assert len({int(starts.min()) for starts in epochs}) > 1
    for starts in epochs:
        assert (starts.sort().values.diff() == 10).all()
        inputs, targets = windows.batch(starts)
        assert (inputs + 1 == targets).all()


def test_conversations_of_like_length_are_read_together() -> None:
    lengths = torch.randint(5, 200, (640,), generator=torch.Generator().manual_seed(0))
    tokens = int(lengths.sum())
    chats = Conversations(torch.zeros(tokens, dtype=torch.int32), torch.zeros(tokens, dtype=torch.int64), lengths)
    batches = chats.epoch(torch.Generator().manual_seed(0), 8)
    filled = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    assert torch.cat(batches).sort().values.tolist() == list(range(640))
    assert tokens / filled > 0.95


def test_evaluating_and_sampling_leave_the_random_state_alone(
    make_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    objective = prepare(make_spec("gpt"), tmp_path)
    model = objective.spec.network().build(objective.shapes).eval()
    before = torch.get_rng_state()
    objective.evaluate(model, "val")
    list(objective.samples(model, 1))
    assert (torch.get_rng_state() == before).all()


def test_documents_are_closed_and_running_text_is_not(
    make_spec: Callable[..., TrainSpec], make_data: Callable[..., Path], text_data: Path
) -> None:
    documents = make_data(pl.DataFrame({"text": [VERSE] * 4}), ["train", "train", "test", "test"], "documents")
    for data, ends in ((documents, 2), (text_data, 0)):
        spec = make_spec("gpt", data)
        corpus = read_corpus(spec, read_examples(spec), torch.device("cpu"))
        stretches = corpus.parts["train"].stretches
        assert isinstance(stretches, Windows)
        assert int((stretches.ids == corpus.tokenizer.eos_token_id).sum()) == ends


def test_a_text_shorter_than_the_context_is_refused_in_words(
    make_spec: Callable[..., TrainSpec], make_data: Callable[..., Path], tmp_path: Path
) -> None:
    data = make_data(pl.DataFrame({"text": ["short", "text"]}), ["train", "test"], "short")
    with pytest.raises(TrainingError, match="has 6 tokens, and the model reads 32 at a time"):
        prepare(make_spec("gpt", data), tmp_path)


def test_conversations_without_an_answer_are_refused_in_words(
    make_spec: Callable[..., TrainSpec], make_data: Callable[..., Path], tmp_path: Path
) -> None:
    data = make_data(pl.DataFrame({"chat": [CHAT[:1], CHAT[:1]]}), ["train", "test"], "unanswered")
    with pytest.raises(TrainingError, match="has an answer within the first 32 tokens"):
        prepare(make_spec("pretrained-causal", data, "chat"), tmp_path)


@pytest.mark.parametrize("architecture", ["gpt", "recurrent-lm", "pretrained-causal"])
def test_the_estimated_size_is_that_of_the_network(make_spec: Callable[..., TrainSpec], architecture: str) -> None:
    shapes = Shapes(outputs=300, vocabulary=300, length=32)
    settings = make_spec(architecture).network()
    built = sum(weight.numel() for weight in settings.build(shapes).parameters())
    assert settings.cost(shapes).parameters == pytest.approx(built, rel=0.02)


def test_the_presets_show_a_text_of_any_length_about_as_many_tokens() -> None:
    from training.architectures import Facts

    for key in ("gpt", "recurrent-lm"):
        for characters in (1e6, 3e6):
            facts = Facts(rows=100, shapes=Shapes(outputs=0), characters=characters)
            seen = [ARCHITECTURES[key].preset(preset, "language-modeling", facts)[1].epochs * characters
                    for preset in ("quick", "balanced", "thorough")]  # fmt: skip
            assert seen[0] < seen[1] < seen[2]


def test_a_lora_run_keeps_only_what_it_learnt_and_can_be_loaded_again(
    make_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    from safetensors import safe_open

    list(train(make_spec("pretrained-causal", epochs=1.0), tmp_path))
    with safe_open(tmp_path / "model" / "model.safetensors", "pt") as file:
        assert all("lora" in name for name in file.keys())  # noqa: SIM118
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert {baseline.key for baseline in report.baselines} == {"bigram", "six-gram", "untouched"}
    objective = prepare(make_spec("pretrained-causal"), tmp_path / "again")
    nats = objective._look(load_network(tmp_path / "model"), "test", 1e15).mean()
    assert nats == pytest.approx(report.metrics["nats"].value, rel=1e-5)


def test_a_context_longer_than_the_pretrained_model_has_is_refused_in_words(
    make_spec: Callable[..., TrainSpec],
) -> None:
    with pytest.raises(TrainingError, match="reads at most 64 tokens at a time, not 65"):
        make_spec("pretrained-causal").network().build(Shapes(outputs=300, vocabulary=300, length=65))


def test_counted_groups_give_the_chances_that_kneser_and_ney_give_by_hand() -> None:
    ids = np.array([0, 1, 0, 1, 0, 2, 0, 1])
    model = Ngram(3, longest=2)
    model.orders = count_orders(ids[:-1], ids[1:], 2)
    single, pairs = model.orders
    # Pairs: 0 1 three times, 1 0 twice, 0 2 and 2 0 once. Tokens by what they follow: 0 after 1 and 2; 1 and 2 after 0.
    assert single.counts.tolist() == [2, 1, 1]
    assert (single.discount, pairs.discount) == (2 / (2 + 2 * 1), 2 / (2 + 2 * 1))
    lower = [(count - 0.5) / 4 + 0.5 * 3 / 4 / 3 for count in (2, 1, 1)]
    after_zero = [0.5 * 2 / 4 * lower[0], (3 - 0.5) / 4 + 0.25 * lower[1], (1 - 0.5) / 4 + 0.25 * lower[2]]
    found = model(torch.tensor([[0]])).exp()[0, 0]
    assert found.tolist() == pytest.approx(after_zero, rel=1e-5)


def test_surprise_at_the_tokens_that_came_is_that_of_the_whole_spread() -> None:
    ids = np.random.default_rng(0).integers(0, 7, 400)
    model = Ngram(7, longest=4)
    model.orders = count_orders(ids[:-1], ids[1:], 4)
    text = np.random.default_rng(1).integers(0, 7, (3, 21))
    inputs, targets = text[:, :-1], text[:, 1:].copy()
    spread = -model(torch.from_numpy(inputs)).numpy()
    nats = np.take_along_axis(spread, targets[..., None], axis=2)[..., 0]
    targets[1, :5] = IGNORED
    nats[1, :5] = 0
    assert surprise(model.orders, inputs, targets, 7) == pytest.approx(nats, rel=1e-4)


def test_chances_of_counted_groups_sum_to_one_and_reading_on_gives_the_same() -> None:
    ids = np.random.default_rng(0).integers(0, 7, 400)
    model = Ngram(7, longest=4)
    model.orders = count_orders(ids[:-1], ids[1:], 4)
    text = torch.from_numpy(ids[:20])[None]
    scores = model(text)
    torch.testing.assert_close(scores.exp().sum(2), torch.ones(1, 20))
    memory = None
    for place in range(20):
        score, memory = model.read(text[:, place : place + 1], memory)
        torch.testing.assert_close(score, scores[:, place])


def test_an_ngram_run_counts_longer_groups_round_by_round_and_can_be_loaded_again(
    make_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    spec = make_spec("ngram", epochs=4)
    losses = list(curve(list(train(spec, tmp_path)), "val/loss").values())
    assert len(losses) == 4
    assert losses == sorted(losses, reverse=True)
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    counted = {baseline.key: baseline.metrics["nats"].value for baseline in report.baselines}
    assert counted["six-gram"] < report.metrics["nats"].value < counted["bigram"]
    objective = prepare(spec, tmp_path / "again")
    nats = objective._look(load_network(tmp_path / "model"), "test", 1e15).mean()
    assert nats == pytest.approx(report.metrics["nats"].value, rel=1e-5)


def test_learnt_positions_tell_tokens_apart_that_stand_in_another_order() -> None:
    from training.models.gpt import GPT

    torch.manual_seed(0)
    model = GPT(5, 8, layers=2, width=16, heads=2, positions="learned").eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    first, second = model(torch.tensor([[1, 2, 3], [2, 1, 3]]))[:, -1]
    assert not torch.allclose(first, second, atol=1e-3)
    _, memory = model.read(torch.tensor([[1, 2]]), None)
    torch.testing.assert_close(model.read(torch.tensor([[3]]), memory)[0][0], first)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_every_kind_of_memory_has_its_estimated_size_and_learns(
    make_spec: Callable[..., TrainSpec], tmp_path: Path, cell: str
) -> None:
    spec = make_spec("recurrent-lm").model_copy(update={"settings": TINY["recurrent-lm"] | {"cell": cell}})
    objective = prepare(spec, tmp_path)
    model = spec.network().build(objective.shapes)
    built = sum(weight.numel() for weight in model.parameters())
    assert spec.network().cost(objective.shapes).parameters == built
    losses = list(curve(list(train(spec, tmp_path / "run"))).values())
    assert losses[-1] < losses[0] - 0.5
