"""Pictures as tensors: decoding, and the small changes that make one picture into many."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor, nn
from torch.nn import functional as F

from training.errors import TrainingError

Mixing: TypeAlias = Literal["mixup", "cutmix"]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
MOST_PIXELS = 100_000_000
ORIENTATION = 0x0112
"""EXIF: from 5 on the camera lay on its side."""
THUMBNAIL = 16
"""Pixels of each side that a linear model is given."""
MIXUP_ALPHA = 0.2
"""Shape of the distribution that shares are drawn from: most mixtures are nearly one picture."""
GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"})


def open_picture(source: Path | BinaryIO) -> Image.Image:
    """Open a picture without decoding it yet; raises TrainingError for what is none, is broken or is a bomb."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is below
            picture = Image.open(source, formats=FORMATS)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise _unreadable() from error
    if picture.width * picture.height > MOST_PIXELS:
        raise TrainingError(
            f"This picture has {picture.width:,} × {picture.height:,} pixels, too many to open.",
            f"Make it smaller than {MOST_PIXELS // 1_000_000} million pixels.",
            code="picture_too_large",
        )
    return picture


def survey(cells: Iterable[bytes]) -> tuple[int, int, int]:
    """Channels, height and width that suit all pictures, from their headers alone.

    One channel if all are grey. The commonest size if nine of ten have it, else a square of the median longer side.
    """
    sizes, modes = Counter[tuple[int, int]](), set[str]()
    for cell in cells:
        with open_picture(io.BytesIO(cell)) as picture:
            sizes[picture.height, picture.width] += 1
            modes.add(picture.mode)
    channels = 1 if modes <= GREY_MODES else 3
    (height, width), count = sizes.most_common(1)[0]
    if count >= 0.9 * sizes.total():
        return channels, height, width
    side = int(np.median([max(size) for size in sizes.elements()]))
    return channels, side, side


def upright_size(source: Path | BinaryIO) -> tuple[int, int]:
    """Height and width of a picture as it is looked at, from its header alone."""
    with open_picture(source) as picture:
        turned = picture.getexif().get(ORIENTATION, 1) >= 5
        return (picture.width, picture.height) if turned else (picture.height, picture.width)


def decode_picture(source: Path | BinaryIO, *, channels: int, height: int, width: int) -> NDArray[np.uint8]:
    """The picture upright, on white where transparent, brought to one size: (channels, height, width).

    Raises TrainingError when it cannot be read.
    """
    with open_picture(source) as picture:
        mode = "L" if channels == 1 else "RGB"
        try:
            side = max(height, width)
            picture.draft(mode, (side, side))  # lets JPEG decode at a half, a quarter or an eighth
            ImageOps.exif_transpose(picture, in_place=True)
            flat = _flatten(picture)
            flat = flat if flat.mode == mode else flat.convert(mode)
            flat.load()
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise _unreadable() from error
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    pixels = np.asarray(flat, dtype=np.uint8).reshape(height, width, channels)
    return pixels.transpose(2, 0, 1)


def vary(pictures: Tensor, chosen: Tensor, *, epoch: int, seed: int, shift: int, mirror: bool) -> Tensor:
    """The chosen pictures, each moved by up to `shift` pixels with reflected borders, and every other time mirrored.

    (N, C, H, W) and (B,) give (B, C, H, W). Place and side follow from picture, epoch and seed alone. A picture is
    mirrored in every second epoch, so that two epochs show all sides: the alternating flip of K. Jordan, "94% on
    CIFAR-10 in 3.29 seconds on a single GPU", 2024, https://arxiv.org/abs/2404.00498
    """
    _, channels, height, width = pictures.shape
    own = scramble(chosen + (seed << 32))
    draw = scramble(own + epoch)
    span = 2 * shift + 1
    rows = _moved(height, draw % span - shift)
    columns = _moved(width, (draw >> 20) % span - shift)
    if mirror:
        mirrored = ((own + epoch) % 2).bool().unsqueeze(1)
        columns = torch.where(mirrored, width - 1 - columns, columns)
    depth = torch.arange(channels, device=chosen.device)
    return pictures[
        chosen[:, None, None, None], depth[None, :, None, None], rows[:, None, :, None], columns[:, None, None, :]
    ]


def thumbnails(pictures: Tensor) -> Tensor:
    """Few pixels of each picture (B, C, H, W), as a linear model reads them: (B, features)."""
    return F.adaptive_avg_pool2d(pictures, THUMBNAIL).flatten(1)


def mix(pictures: Tensor, kind: Mixing) -> tuple[Tensor, Tensor, float]:
    """Each picture (B, C, H, W) mixed with another of the batch: the mixture, the partners (B,), the own share.

    "mixup" blends: H. Zhang et al., "mixup", 2018, https://arxiv.org/abs/1710.09412. "cutmix" pastes a rectangle:
    S. Yun et al., "CutMix", 2019, https://arxiv.org/abs/1905.04899. Draws from torch's global random state.
    """
    partners = torch.randperm(len(pictures)).to(pictures.device)
    if kind == "mixup":
        own = float(torch.distributions.Beta(MIXUP_ALPHA, MIXUP_ALPHA).sample())
        return own * pictures + (1 - own) * pictures[partners], partners, own
    height, width = pictures.shape[-2:]
    side, down, right = torch.rand(3).tolist()
    rows, columns = round(height * side), round(width * side)
    top, left = round((height - rows) * down), round((width - columns) * right)
    mixed = pictures.clone()
    mixed[..., top : top + rows, left : left + columns] = pictures[partners, :, top : top + rows, left : left + columns]
    return mixed, partners, 1 - rows * columns / (height * width)


@dataclass(frozen=True)
class Viewing:
    """How a network looks at pictures: channels brought to mean 0 and deviation 1, and the views that are averaged."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    shift: int = 0
    """Above 0: also look at the picture moved by one pixel, up-left and down-right."""
    mirror: bool = False

    def scale(self, pictures: Tensor) -> Tensor:
        """Bytes (B, C, H, W) as floats around 0."""
        mean, std = (torch.tensor(values, device=pictures.device)[:, None, None] for values in (self.mean, self.std))
        return (pictures.float() - mean) / std

    def scores(self, model: nn.Module, pictures: Tensor) -> Tensor:
        """What the network says to pictures (B, C, H, W) in bytes, averaged over the views: (B, classes)."""
        weighted = [weight * model(view).float() for weight, view in self._views(self.scale(pictures))]
        return torch.stack(weighted).sum(dim=0)

    def _views(self, pictures: Tensor) -> Iterator[tuple[float, Tensor]]:
        """The centre counts half and two moved views a quarter each, both sides the same, as in Jordan's paper."""
        for weight, view in self._moved_views(pictures):
            if self.mirror:
                yield weight / 2, view
                yield weight / 2, view.flip(3)
            else:
                yield weight, view

    def _moved_views(self, pictures: Tensor) -> Iterator[tuple[float, Tensor]]:
        if not self.shift:
            yield 1.0, pictures
            return
        height, width = pictures.shape[-2:]
        padded = F.pad(pictures, (1, 1, 1, 1), mode="reflect")
        yield 0.5, pictures
        yield 0.25, padded[..., :height, :width]
        yield 0.25, padded[..., 2:, 2:]


def measure_channels(pictures: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of pictures (N, C, H, W) in bytes."""
    levels = pictures.float()
    mean, std = levels.mean(dim=(0, 2, 3)), levels.std(dim=(0, 2, 3)).clamp_min(1.0)
    return tuple(mean.tolist()), tuple(std.tolist())


def scramble(values: Tensor) -> Tensor:
    """A well-mixed non-negative int64 for each int64: the finaliser of SplitMix64 (Steele et al., 2014)."""
    mixed = values * -0x61C8864680B583EB
    mixed = (mixed ^ (mixed >> 30)) * -0x40A7B892E31B1A47
    mixed = (mixed ^ (mixed >> 27)) * -0x6B2FB644ECCEEE15
    return (mixed ^ (mixed >> 31)) & 0x7FFF_FFFF_FFFF_FFFF


def _moved(length: int, offsets: Tensor) -> Tensor:
    """Where each pixel comes from when a picture moves by offsets (B,): (B, length), reflected at both ends."""
    places = torch.arange(length, device=offsets.device) + offsets.unsqueeze(1)
    return (length - 1) - ((length - 1) - places.abs()).abs()


def _flatten(picture: Image.Image) -> Image.Image:
    """Eight bits per channel and no transparency."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        levels = np.asarray(picture, dtype=np.float32)
        return Image.fromarray(np.clip(levels / (256 if levels.max() > 255 else 1), 0, 255).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture
    clear = picture.convert("RGBA")
    white = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(white, clear)


def _unreadable() -> TrainingError:
    return TrainingError(
        "This file is no picture that can be read.",
        "Use JPEG, PNG, WebP, GIF, BMP or TIFF, and check that the file opens elsewhere.",
        code="bad_picture",
    )
