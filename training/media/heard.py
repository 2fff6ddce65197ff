"""All sounds of a run as spectrograms, heard once, and which of them belong to which part."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor

from training.architectures import Shapes
from training.device import Device
from training.examples import Examples, Part
from training.media.audio import Hearing, log_mel, measure_bands, survey, vary_sounds
from training.media.encoded import Encoded, allocate, spread, stored_bytes
from training.media.sound_size import FRAMES_PER_SECOND, WAVE, WAVE_RATE, fit_sounds
from training.spec import TrainSpec

AT_ONCE, WAVES_AT_ONCE = 256, 16
"""Sounds that are heard together where nothing is learnt."""
PITCHES = 64
"""Bands of the baseline where the network hears the wave itself."""
FOR_STATISTICS = 2_000
"""Sounds of the train part that the bands' scales are computed from."""


class _ForSounds(Protocol):
    """The settings that every architecture for sounds has."""

    bands: int
    seconds: float


class Heard:
    """The sounds of the column with the role `sound`, as 16-bit log-mel spectrograms, or waves, on the device."""

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, folder: Path, *, outputs: int) -> None:
        settings = cast(_ForSounds, spec.network())
        self.recipe = spec.recipe
        used = np.unique(np.concatenate(list(examples.rows.values())))
        cells = stored_bytes(examples.frame[spec.column("sound")], used, what="sounds")
        rate, seconds = survey(cells)
        raw = Shapes(outputs=outputs, width=math.ceil(seconds * FRAMES_PER_SECOND))
        self.shapes = fit_sounds(raw, bands=settings.bands, seconds=settings.seconds)
        is_wave = self.shapes.height == WAVE
        self.at_once = WAVES_AT_ONCE if is_wave else AT_ONCE
        hearing = Hearing(rate=WAVE_RATE if is_wave else rate, bands=self.shapes.height, frames=self.shapes.width)
        self.spectra = _hear_all(cells, hearing, folder).to(device.torch)
        self.places = {
            part: torch.from_numpy(np.searchsorted(used, rows)).to(device.torch) for part, rows in examples.rows.items()
        }
        mean, std = measure_bands(self.spectra[spread(self.places["train"], FOR_STATISTICS)])
        self.hearing = replace(hearing, mean=mean, std=std)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        """Index batches that cover the train part once."""
        examples = len(self.places["train"])
        order = torch.randperm(examples, generator=generator).to(self.places["train"].device)
        return list(order.tensor_split(max(1, round(examples / batch_size))))

    def batch(self, indices: Tensor, epoch: int) -> Tensor:
        """The sounds to learn from with these numbers, varied anew in each epoch if the recipe says so."""
        places = self.places["train"][indices]
        spectra = self.scaled(places)
        return vary_sounds(spectra, places, epoch=epoch, seed=self.recipe.seed) if self.recipe.augment else spectra

    def scaled(self, places: Tensor) -> Tensor:
        """The sounds in these places as a network hears them: (B, 1, bands, frames)."""
        return self.hearing.scale(self.spectra[places])

    def pitches(self, places: Tensor) -> Tensor:
        """How strong each pitch is at each moment, around 0, whatever the network hears: (B, bands, frames)."""
        if self.hearing.bands != WAVE:
            return self.scaled(places)[:, 0]
        waves = self.spectra[places].float().cpu()
        return torch.stack([log_mel(wave[0], rate=WAVE_RATE, bands=PITCHES) / PITCHES for wave in waves])

    def batches(self, part: Part) -> tuple[Tensor, ...]:
        """The places of a part in pieces that fit into memory where nothing is learnt."""
        pieces: tuple[Tensor, ...] = self.places[part].split(self.at_once)
        return pieces


def _hear_all(cells: Encoded, hearing: Hearing, folder: Path) -> Tensor:
    """All sounds as a network hears them, as 16-bit floats: (n, bands, frames), or (n, 1, samples)."""
    spectra = allocate((len(cells), hearing.bands, hearing.length), np.float16, folder)
    for place, cell in enumerate(cells):
        spectra[place] = hearing.listen(io.BytesIO(cell)).half().numpy()
    return torch.from_numpy(spectra)
