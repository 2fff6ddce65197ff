"""Writing on: the same tokens with a memory as without, whole characters only, and an end at the right place."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
import torch

from training.architectures import Shapes
from training.architectures.gpt import GPTSettings
from training.architectures.pretrained_causal import PretrainedCausalSettings
from training.architectures.recurrent_lm import RecurrentLanguageSettings
from training.device import Device
from training.errors import TrainingError
from training.generate import Ending, Pieces, Writer, choose, stream, tokens
from training.language.conversations import prompt_text
from training.language.sampling import Sampling
from training.model_folder import write
from training.objectives.language_answers import LanguagePredictor
from training.pretrained import packaged
from training.pretrained.loading import as_model_folder, prepare_models, resolve
from training.texts.tokenizers import build_byte_pairs, build_characters

CPU = Device(torch.device("cpu"), torch.float32)
LETTERS = "abcdefghijklmnopqrstuvwxyz ,.\n"
GREEDY = Sampling(temperature=0, max_tokens=12)


@pytest.fixture(params=["gpt", "recurrent-lm", "pretrained-causal"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Writer:
    """An untrained network of each kind, with weights large enough to have opinions."""
    shapes = Shapes(outputs=40, vocabulary=40, length=16)
    torch.manual_seed(3)
    match request.param:
        case "gpt":
            model = GPTSettings(width=16, heads=2, layers=2, length=16).build(shapes)
        case "recurrent-lm":
            model = RecurrentLanguageSettings(width=16, layers=2, length=16).build(shapes)
        case _:
            model = PretrainedCausalSettings(source=str(tiny_llama(tmp_path)), length=16, rank=2).build(shapes)
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    return model.eval()  # type: ignore[return-value]


def tiny_llama(folder: Path) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=40, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=16,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def finish(pieces: Generator[str, None, Ending]) -> tuple[str, Ending]:
    text = ""
    while True:
        try:
            text += next(pieces)
        except StopIteration as end:
            return text, end.value


def taken(model: Writer, prompt: list[int], count: int) -> list[int]:
    return [token for token, _ in zip(tokens(model, prompt, GREEDY, CPU.torch), range(count), strict=False)]


def test_writing_with_a_memory_gives_the_tokens_of_reading_everything_again(writer: Writer) -> None:
    prompt = [5, 7, 11]
    seen = list(prompt)
    with torch.no_grad():
        for _ in range(12):
            seen.append(int(writer(torch.tensor([seen]))[0, -1].argmax()))  # type: ignore[operator]
    assert taken(writer, prompt, 12) == seen[3:]


def test_writing_goes_on_beyond_what_the_model_can_look_back_at(writer: Writer) -> None:
    assert len(taken(writer, list(range(30)), 50)) == 50


def test_half_a_character_is_never_shown() -> None:
    tokenizer = build_byte_pairs(["plain"], 260)
    text = "né 中文 👍🏽!"
    pieces = Pieces(tokenizer)
    shown = [pieces.add(token) for token in tokenizer(text)["input_ids"]] + [pieces.rest()]
    assert "".join(shown) == text
    assert "�" not in "".join(shown)
    assert len([piece for piece in shown if piece]) == len(text)


def test_a_character_that_never_becomes_whole_is_dropped_at_the_end() -> None:
    tokenizer = build_byte_pairs(["plain"], 260)
    pieces = Pieces(tokenizer)
    assert "".join(pieces.add(token) for token in tokenizer("a中")["input_ids"][:-1]) + pieces.rest() == "a"


def test_an_answer_ends_before_a_stop_text_however_its_tokens_fall() -> None:
    tokenizer = build_characters([LETTERS])
    pieces = Pieces(tokenizer, stops=["end.", "enough"])
    shown = [pieces.add(token) for token in tokenizer("the enemy, the end. more")["input_ids"]]
    assert "".join(shown[: shown.index("", 20)]).startswith("the enemy, the ")
    assert pieces.stopped
    assert all("end." not in piece for piece in shown)


def test_the_same_seed_writes_the_same_and_the_global_random_state_stays(writer: Writer) -> None:
    tokenizer = build_characters([LETTERS])
    before = torch.get_rng_state()
    sampling = Sampling(temperature=1, max_tokens=10, seed=4)
    first, second = (finish(stream(writer, tokenizer, [5], sampling)) for _ in range(2))
    assert first == second
    assert (torch.get_rng_state() == before).all()


def test_top_k_and_top_p_leave_out_the_unlikely() -> None:
    scores = torch.tensor([3.0, 2.0, 1.0, 0.0]).log()
    random = torch.Generator().manual_seed(0)
    drawn = {name: {choose(scores, sampling, random) for _ in range(200)} for name, sampling in {
        "all": Sampling(temperature=1, top_p=1), "top-k": Sampling(temperature=1, top_p=1, top_k=2),
        "top-p": Sampling(temperature=1, top_p=0.4), "cold": Sampling(temperature=0),
    }.items()}  # fmt: skip
    assert drawn == {"all": {0, 1, 2}, "top-k": {0, 1}, "top-p": {0}, "cold": {0}}


def test_an_answer_tells_how_it_ended(writer: Writer) -> None:
    tokenizer = build_characters([LETTERS])
    tokenizer.eos_token = None
    sampling = Sampling(temperature=0, max_tokens=5)
    text, ending = finish(stream(writer, tokenizer, [5], sampling))
    assert ending == Ending(5, "length")
    assert finish(stream(writer, tokenizer, [5], sampling, cancelled=lambda: True))[1] == Ending(1, "cancelled")
    stop = sampling.model_copy(update={"stop": (text[2],)})
    assert finish(stream(writer, tokenizer, [5], stop))[0] == text[: text.index(text[2])]


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A finished language model of the site, untrained."""
    tokenizer = build_characters([LETTERS])
    settings = GPTSettings(width=16, heads=2, layers=1, length=16)
    shapes = Shapes(outputs=len(tokenizer), vocabulary=len(tokenizer), length=16)
    write(
        tmp_path, task="language-modeling", settings=settings, roles={"text": ["text"]}, shapes=shapes,
        preparation={"chat": False}, model=settings.build(shapes),
    )  # fmt: skip
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_a_model_folder_answers_prompts_and_messages(model_folder: Path) -> None:
    predictor = LanguagePredictor(model_folder, CPU)
    asked: list[dict[str, object]] = [{"prompt": "the "}, {"messages": [{"role": "user", "content": "the "}]}, {}]
    outputs = predictor.answer(asked, {"max_tokens": 8, "temperature": 0})
    assert all(isinstance(output["text"], str) for output in outputs)
    assert outputs[0] == outputs[1]


def test_an_impossible_option_is_refused_in_words(model_folder: Path) -> None:
    predictor = LanguagePredictor(model_folder, CPU)
    with pytest.raises(TrainingError, match="temperature: Input should be greater than or equal to 0"):
        predictor.answer([{"prompt": "a"}], {"temperature": -1})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("package:nothing", "There is no packaged model"),
        ("owner/model", "could not be downloaded"),
        ("not a name at all", "There is no model called"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused_in_words(source: str, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        resolve(source)


def test_weights_that_can_run_code_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(TrainingError, match="no weights as safetensors"):
        resolve(str(tmp_path))


def test_the_packaged_chat_model_knows_the_capital_of_france(tmp_path: Path) -> None:
    prepare_models(tell=lambda text: None)
    as_model_folder(packaged.CHAT_MODEL, tmp_path)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10_000_000
    predictor = LanguagePredictor(tmp_path, CPU)
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    assert prompt_text(predictor.tokenizer, messages).endswith("<|im_start|>assistant\n")
    (answer,) = predictor.answer([{"messages": messages}], {"temperature": 0, "max_tokens": 20})
    assert answer["text"] == "The capital of France is Paris."
