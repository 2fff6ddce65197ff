"""Sounds as tensors: decoding, log-mel spectrograms, and the small changes that make one sound into many."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor
from torch.nn import functional as F

from training.errors import TrainingError
from training.media.images import scramble
from training.media.sound_size import FRAMES_PER_SECOND, WAVE

HIGHEST_RATE = 16_000
"""Samples per second that are kept: speech and most sounds lie below half of that."""
LOWEST_RATE = 4_000
WINDOW_SECONDS = 0.025
QUIETEST = 1e-6
"""Power below which everything is silence."""

Samples = NDArray[np.float32]


def survey(cells: Iterable[bytes]) -> tuple[int, float]:
    """Samples per second and seconds that suit all sounds, from their headers alone.

    The commonest rate, at most 16,000; the length that 95 of 100 sounds do not exceed.
    """
    rates, lengths = Counter[int](), list[float]()
    for cell in cells:
        with open_sound(io.BytesIO(cell)) as sound:
            rates[sound.samplerate] += 1
            lengths.append(sound.frames / sound.samplerate)
    rate = rates.most_common(1)[0][0]
    return max(LOWEST_RATE, min(HIGHEST_RATE, rate)), float(np.quantile(lengths, 0.95, method="higher"))


def open_sound(source: Path | BinaryIO) -> soundfile.SoundFile:
    """Open a sound without decoding it yet; raises TrainingError for what is none."""
    try:
        sound = soundfile.SoundFile(source)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise _unreadable() from error
    if sound.frames <= 0 or not 1_000 <= sound.samplerate <= 768_000:
        sound.close()
        raise _unreadable()
    return sound


def decode_sound(source: Path | BinaryIO, *, rate: int, seconds: float) -> Samples:
    """The middle `seconds` of the sound at most, its channels averaged, at `rate` samples per second: (samples,).

    Only that stretch is decoded. Raises TrainingError when it cannot be read.
    """
    with open_sound(source) as sound:
        wanted = min(sound.frames, max(1, round(seconds * sound.samplerate)))
        try:
            sound.seek((sound.frames - wanted) // 2)
            channels = sound.read(wanted, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise _unreadable() from error
        own_rate = sound.samplerate
    mono: Samples = np.nan_to_num(channels.mean(axis=1))
    if own_rate == rate:
        return mono
    ratio = Fraction(rate, own_rate)
    resampled: Samples = resample_poly(mono, ratio.numerator, ratio.denominator).astype(np.float32)
    return resampled


@dataclass(frozen=True)
class Hearing:
    """How a network hears: how finely in time and pitch, each pitch brought to mean 0 and deviation 1."""

    rate: int
    bands: int
    frames: int
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    @property
    def length(self) -> int:
        """Numbers kept of each band: frames, or samples where the wave itself is heard."""
        return self.frames * self.rate // FRAMES_PER_SECOND if self.bands == WAVE else self.frames

    def listen(self, source: Path | BinaryIO) -> Tensor:
        """The log-mel spectrogram (bands, frames) of a sound file, silence behind it where it is short.

        With one band the wave itself: (1, samples).
        """
        seconds = self.frames / FRAMES_PER_SECOND
        samples = torch.from_numpy(decode_sound(source, rate=self.rate, seconds=seconds))
        wanted = self.frames * self.rate // FRAMES_PER_SECOND
        padded = F.pad(samples, (0, max(0, wanted - len(samples))))
        if self.bands == WAVE:
            return padded[None, :wanted]
        return log_mel(padded, rate=self.rate, bands=self.bands)[:, : self.frames]

    def hear(self, sources: Sequence[Path]) -> Tensor:
        """Sound files as a network hears them, rounded as in the training: (B, 1, bands, frames)."""
        return self.scale(torch.stack([self.listen(source) for source in sources]).half())

    def scale(self, spectra: Tensor) -> Tensor:
        """Spectrograms (B, bands, frames) around 0, as pictures of one channel (B, 1, bands, frames)."""
        mean, std = (torch.tensor(values, device=spectra.device)[:, None] for values in (self.mean, self.std))
        return ((spectra.float() - mean) / std).unsqueeze(1)


def log_mel(samples: Tensor, *, rate: int, bands: int) -> Tensor:
    """Natural logarithm of the power in mel bands, one frame every 10 ms: (samples,) gives (bands, frames).

    Windows of 25 ms, transformed at twice their length so that low bands are not empty. S. Davis and P. Mermelstein,
    "Comparison of parametric representations for monosyllabic word recognition", 1980.
    """
    window = round(WINDOW_SECONDS * rate)
    size = 1 << (2 * window - 1).bit_length()
    spectrum = torch.stft(
        samples,
        size,
        hop_length=rate // FRAMES_PER_SECOND,
        win_length=window,
        window=torch.hann_window(window),
        pad_mode="constant",
        return_complex=True,
    )
    return (_mel_filters(rate, bands, size) @ spectrum.abs().square()).add(QUIETEST).log()


def vary_sounds(spectra: Tensor, chosen: Tensor, *, epoch: int, seed: int) -> Tensor:
    """The chosen scaled spectrograms, each moved in time by up to a tenth, with a stretch of time and of pitch blanked.

    (B, 1, bands, frames) and (B,) give (B, 1, bands, frames). What is done follows from sound, epoch and seed alone.
    D. Park et al., "SpecAugment", 2019, https://arxiv.org/abs/1904.08779
    """
    _, _, bands, frames = spectra.shape
    draw = scramble(scramble(chosen + (seed << 32)) + epoch)
    reach = frames // 10
    places = torch.arange(frames, device=chosen.device) + (draw % (2 * reach + 1) - reach).unsqueeze(1)
    moved = spectra.gather(3, (places % frames)[:, None, None, :].expand_as(spectra))
    blank = _stretch(frames, draw >> 8)[:, None, None, :] | _stretch(bands, draw >> 24)[:, None, :, None]
    return moved.masked_fill(blank, 0.0)


def measure_bands(spectra: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each band of spectrograms (N, bands, frames)."""
    levels = spectra.float()
    return tuple(levels.mean(dim=(0, 2)).tolist()), tuple(levels.std(dim=(0, 2)).clamp_min(1e-3).tolist())


def _stretch(length: int, draw: Tensor) -> Tensor:
    """For each draw (B,) a stretch of up to an eighth of `length` places: (B, length) of truth values."""
    widths = draw % (length // 8 + 1)
    starts = (draw >> 8) % (length - length // 8)
    places = torch.arange(length, device=draw.device)
    return (places >= starts.unsqueeze(1)) & (places < (starts + widths).unsqueeze(1))


@cache
def _mel_filters(rate: int, bands: int, size: int) -> Tensor:
    """Triangles over the frequencies (bands, size / 2 + 1), equally wide on the mel scale."""
    from transformers.audio_utils import mel_filter_bank

    filters = mel_filter_bank(size // 2 + 1, bands, 20.0, rate / 2, rate, mel_scale="htk")
    return torch.from_numpy(filters.T.astype(np.float32))


def _unreadable() -> TrainingError:
    return TrainingError(
        "This file is no sound that can be read.",
        "Use WAV, FLAC, OGG or MP3, and check that the file plays elsewhere.",
        code="bad_sound",
    )
