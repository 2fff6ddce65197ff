"""Speech: letters out of moments, error rates, and that a network learns to write what it hears."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import jiwer
import numpy as np
import polars as pl
import pytest
import soundfile
import torch
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

from tests.training.tiny_data import audio_model
from training.architectures import ARCHITECTURES, Facts, Shapes
from training.device import Device
from training.loop import train
from training.media.sound_size import fit_sounds
from training.models.pretrained_audio import PretrainedAudio
from training.objectives.speech import SpeechPredictor, error_rates, plain, read_letters
from training.recipes import PRESETS
from training.spec import TrainSpec

CPU = Device(torch.device("cpu"), torch.float32)
RATE = 8_000
PITCHES = {"a": 400, "b": 1200, "c": 2600}
"""A language of three sounds."""


def spoken(text: str, random: np.random.Generator) -> bytes:
    """Each letter as a tone of a tenth of a second, with a short silence behind it."""
    time = np.arange(RATE // 10) / RATE
    pieces = [np.append(0.3 * np.sin(2 * np.pi * PITCHES[letter] * time), np.zeros(RATE // 20)) for letter in text]
    buffer = io.BytesIO()
    samples = np.concatenate(pieces)
    soundfile.write(buffer, samples + 0.01 * random.normal(size=len(samples)), RATE, format="WAV")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def speech() -> pl.DataFrame:
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list("abc"), int(random.integers(2, 5)))) for _ in range(150)]
    cells = [{"bytes": spoken(text, random), "path": f"{at}.wav"} for at, text in enumerate(texts)]
    return pl.DataFrame({"sound": cells, "said": texts})


def test_a_network_learns_to_write_what_it_hears(
    speech: pl.DataFrame, make_data: Callable[..., Path], tmp_path: Path
) -> None:
    recipe = ARCHITECTURES["ctc"].preset("quick", "speech-recognition", Facts(120, Shapes(outputs=4, width=60)))[1]
    spec = TrainSpec(
        task="speech-recognition",
        data=str(make_data(speech)),
        roles={"target": ["said"], "sound": ["sound"]},
        architecture="ctc",
        settings={"filters": 4, "hidden_size": 24, "layers": 1, "bands": 24},
        recipe=recipe.model_copy(
            update={"epochs": 22, "batch_size": 8, "lr": 0.01, "evaluations": 2, "augment": False}
        ),
    )
    finished = list(train(spec, tmp_path))[-1]
    assert finished.type == "finished"
    assert finished.metrics["cer"] < 0.1
    path = tmp_path / "said.wav"
    path.write_bytes(spoken("cab", np.random.default_rng(1)))
    (answer,) = SpeechPredictor(tmp_path / "model", CPU).answer([{"audio": str(path)}], {})
    assert answer["text"] == "cab"


def test_letters_are_read_from_moments_as_ctc_says() -> None:
    path = [0, 1, 1, 0, 1, 2, 2, 0]
    scores = torch.full((1, len(path), 3), -20.0)
    scores[0, range(len(path)), path] = 20.0
    ((text, sure),) = read_letters(scores, "ab")
    assert text == "aab"
    assert sure == pytest.approx(1.0)


def test_error_rates_are_those_of_jiwer() -> None:
    truth = ["the cat sat", "hello", "one two three four"]
    written = ["the bat sat down", "", "one too three"]
    everything = np.ones((1, 3))
    rates = error_rates(written, truth)
    assert rates["wer"](everything)[0] == pytest.approx(jiwer.wer(truth, written))
    assert rates["cer"](everything)[0] == pytest.approx(jiwer.cer(truth, written))
    assert rates["wer"](np.array([[0.0, 2.0, 0.0]]))[0] == 1.0


def test_only_what_can_be_heard_is_written() -> None:
    assert plain("  It's 5 o'clock,\nÉMILE! ") == "it's 5 o'clock émile"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("frames", [5, 101, 900])
def test_the_network_takes_every_length_and_knows_its_parameters(preset: str, frames: int) -> None:
    shapes = Shapes(outputs=7, channels=1, width=frames)
    settings, _ = ARCHITECTURES["ctc"].preset(preset, "speech-recognition", Facts(500, shapes))  # type: ignore[arg-type]
    heard = fit_sounds(shapes, bands=settings.bands, seconds=settings.seconds)  # type: ignore[attr-defined]
    model = settings.build(heard)
    assert model(torch.rand(2, 1, heard.height, heard.width)).shape == (2, -(-heard.width // 2), 7)
    assert settings.cost(shapes).parameters == sum(weight.numel() for weight in model.parameters())


def test_a_model_that_writes_goes_on_with_the_letters_it_knows(tmp_path: Path) -> None:
    audio_model(tmp_path)
    config = Wav2Vec2Config.from_pretrained(tmp_path, vocab_size=4)
    own = Wav2Vec2ForCTC(config)
    own.save_pretrained(tmp_path)
    (tmp_path / "vocab.json").write_text('{"<pad>": 0, "|": 1, "A": 2, "B": 3}')
    network = PretrainedAudio(tmp_path, 4, trained="head", dropout=0.0, per_moment=True).eval()
    network.take_letters(" bz")
    waves = torch.randn(1, 1, 1, 8_000)
    normal = torch.nn.functional.layer_norm(waves.flatten(1), (8_000,), eps=1e-5)
    with torch.no_grad():
        expected = own.eval()(input_values=normal).logits
        torch.testing.assert_close(network(waves)[..., :3], expected[..., [0, 1, 3]])
