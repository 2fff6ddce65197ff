"""Sounds: decoding, spectrograms, variation, the two networks, and that a sound gets the answer it was judged by."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
import torch
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from training.architectures import ARCHITECTURES, Facts, Shapes
from training.device import Device
from training.errors import TrainingError
from training.loop import train
from training.media.audio import QUIETEST, Hearing, decode_sound, log_mel, survey, vary_sounds
from training.media.sound_size import fit_sounds
from training.objectives.audio import SoundPredictor
from training.recipes import PRESETS
from training.spec import TrainSpec

CPU = Device(torch.device("cpu"), torch.float32)
NETWORKS = [key for key, one in ARCHITECTURES.items() if "audio-classification" in one.tasks and not one.starts_from]
SMALL = {"audio-cnn": {"filters": 4, "bands": 24}, "audio-gru": {"hidden_size": 12, "bands": 24}}
RATE = 8_000


def encoded(samples: np.ndarray, rate: int = RATE, file_format: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=file_format)
    return buffer.getvalue()


def sweep(kind: str, random: np.random.Generator) -> np.ndarray:
    """Half a second of a tone that rises or falls, so that both have the same mean spectrum, in some noise."""
    time = np.linspace(0, 1, RATE // 2)
    pitch = 400 + 1600 * (time if kind == "rising" else 1 - time)
    tone = np.sin(2 * np.pi * np.cumsum(pitch) / RATE + random.uniform(0, 6))
    return (0.3 * tone + 0.02 * random.normal(size=len(time))).astype(np.float32)


@pytest.fixture(scope="module")
def sweeps() -> pl.DataFrame:
    random = np.random.default_rng(0)
    kinds = ["rising", "falling"] * 60
    cells = [{"bytes": encoded(sweep(kind, random)), "path": f"{kind}.wav"} for kind in kinds]
    return pl.DataFrame({"sound": cells, "kind": kinds})


@pytest.fixture
def sound_spec(make_data: Callable[..., Path], sweeps: pl.DataFrame) -> Callable[[str], TrainSpec]:
    def make(architecture: str) -> TrainSpec:
        facts = Facts(96, Shapes(outputs=2, channels=1, width=50))
        recipe = ARCHITECTURES[architecture].preset("quick", "audio-classification", facts)[1]
        return TrainSpec(
            task="audio-classification",
            data=str(make_data(sweeps)),
            roles={"target": ["kind"], "sound": ["sound"]},
            architecture=architecture,
            settings=SMALL[architecture],
            recipe=recipe.model_copy(update={"epochs": 12, "batch_size": 16, "evaluations": 2}),
        )

    return make


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_hears_the_order_and_answers_files_as_it_was_judged(
    network: str, sound_spec: Callable[[str], TrainSpec], sweeps: pl.DataFrame, tmp_path: Path
) -> None:
    finished = list(train(sound_spec(network), tmp_path))[-1]
    assert finished.type == "finished"
    assert finished.metrics["accuracy"] > 0.85
    judged = pl.read_parquet(tmp_path / "predictions.parquet").head(8).to_dicts()
    paths = [tmp_path / f"{one['row']}.wav" for one in judged]
    for path, one in zip(paths, judged, strict=True):
        path.write_bytes(sweeps["sound"][one["row"]]["bytes"])
    answers = SoundPredictor(tmp_path / "model", CPU).answer([{"audio": str(path)} for path in paths], {})
    for answer, one in zip(answers, judged, strict=True):
        assert answer["label"] == one["prediction"]
        assert answer["probabilities"][one["prediction"]] == pytest.approx(one["confidence"], abs=1e-5)  # type: ignore[index]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("frames", [5, 100, 2_000])
def test_every_network_takes_every_length_and_knows_its_parameters(network: str, preset: str, frames: int) -> None:
    shapes = Shapes(outputs=7, channels=1, width=frames)
    settings, _ = ARCHITECTURES[network].preset(preset, "audio-classification", Facts(500, shapes))  # type: ignore[arg-type]
    heard = fit_sounds(shapes, bands=settings.bands, seconds=settings.seconds)  # type: ignore[attr-defined]
    model = settings.build(heard)
    assert model(torch.rand(2, 1, heard.height, heard.width)).shape == (2, 7)
    assert settings.cost(shapes).parameters == sum(weight.numel() for weight in model.parameters())


def test_the_spectrogram_is_the_one_that_transformers_computes() -> None:
    samples = np.random.default_rng(0).normal(size=4_000).astype(np.float32)
    theirs = spectrogram(
        samples.astype(np.float64),
        window_function(200, "hann", periodic=True, frame_length=512, center=True),
        frame_length=512,
        hop_length=80,
        fft_length=512,
        power=2.0,
        pad_mode="constant",
        mel_filters=mel_filter_bank(257, 40, 20.0, 4_000.0, RATE, mel_scale="htk"),
        mel_floor=0.0,
    )
    ours = log_mel(torch.from_numpy(samples), rate=RATE, bands=40)
    assert torch.allclose(ours, torch.from_numpy(theirs + QUIETEST).log().float(), atol=1e-3)


def test_a_tone_is_strongest_in_the_band_of_its_pitch() -> None:
    time = torch.arange(RATE) / RATE
    low, high = (log_mel(torch.sin(2 * torch.pi * pitch * time), rate=RATE, bands=40) for pitch in (300.0, 3_000.0))
    assert low.mean(dim=1).argmax() < 10
    assert high.mean(dim=1).argmax() > 30


@pytest.mark.parametrize("file_format", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_sound_is_read_as_one_channel_at_the_rate_that_is_asked_for(file_format: str) -> None:
    time = np.arange(44_100) / 44_100
    stereo = np.stack([np.sin(2 * np.pi * 440 * time), np.zeros(44_100)], axis=1).astype(np.float32)
    samples = decode_sound(io.BytesIO(encoded(stereo, 44_100, file_format)), rate=RATE, seconds=5)
    assert abs(len(samples) - RATE) < 400
    assert np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples) == pytest.approx(440, abs=5)
    assert np.abs(samples[1_000:7_000]).max() == pytest.approx(0.5, abs=0.05)


def test_of_a_long_sound_the_middle_is_heard() -> None:
    samples = np.zeros(10 * RATE, np.float32)
    samples[5 * RATE] = 0.5
    heard = decode_sound(io.BytesIO(encoded(samples)), rate=RATE, seconds=1)
    assert len(heard) == RATE
    assert heard.argmax() == RATE // 2


def test_a_short_sound_is_followed_by_silence() -> None:
    hearing = Hearing(rate=RATE, bands=24, frames=60)
    heard = hearing.listen(io.BytesIO(encoded(sweep("rising", np.random.default_rng(0))[:800])))
    assert heard.shape == (24, 60)
    assert torch.all(heard[:, 20:] == torch.tensor(QUIETEST).log())


def test_rate_and_length_are_those_of_most_sounds() -> None:
    short, long = encoded(np.zeros(RATE, np.float32)), encoded(np.zeros(60 * 48_000, np.float32), 48_000)
    assert survey([short] * 99 + [long]) == (RATE, 1.0)
    assert survey([long])[0] == 16_000


@pytest.mark.parametrize("content", [b"", b"no sound", encoded(np.zeros(0, np.float32))])
def test_a_file_that_is_no_sound_is_told_in_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="no sound that can be read"):
        decode_sound(path, rate=RATE, seconds=1)


def test_variation_follows_from_sound_epoch_and_seed_alone() -> None:
    spectra = torch.randn(8, 1, 24, 60)
    together = vary_sounds(spectra, torch.arange(8), epoch=2, seed=5)
    assert torch.equal(vary_sounds(spectra[6:7], torch.tensor([6]), epoch=2, seed=5), together[6:7])
    assert not torch.equal(vary_sounds(spectra, torch.arange(8), epoch=3, seed=5), together)
    blanked = (together == 0).float().mean(dim=(1, 2, 3))
    assert blanked.max() < 0.3


def test_a_question_without_a_sound_says_what_to_do(sound_spec: Callable[[str], TrainSpec], tmp_path: Path) -> None:
    spec = sound_spec("audio-gru")
    list(train(spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"epochs": 0.2})}), tmp_path))
    with pytest.raises(TrainingError, match="no sound to answer to"):
        SoundPredictor(tmp_path / "model", CPU).answer([{}], {})
