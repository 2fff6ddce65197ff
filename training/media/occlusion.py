"""Where in a picture the answer comes from: cover one place after the other and see what it costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from training.media.drawing import as_address

STEPS = 8
"""The cover is moved by an eighth of the side, and is a quarter of it wide."""
SHOWN_SIDE = 256
DARKEST = 0.25
"""Brightness that is left where nothing mattered."""


def occlude(score: Callable[[Tensor], Tensor], picture: Tensor, cover: Tensor) -> Tensor:
    """How much each pixel mattered for the likeliest class of picture (C, H, W): (H, W) from 0 to 1.

    `score` gives class scores (B, classes) of pictures; `cover` (C, 1, 1) is the colour that hides. A pixel counts as
    much as covers over it cost in nats on average. M. Zeiler and R. Fergus, "Visualizing and understanding
    convolutional networks", 2014, https://arxiv.org/abs/1311.2901
    """
    masks = _covers(*picture.shape[-2:]).to(picture.device)
    nats = score(torch.cat([picture[None], torch.where(masks[:, None], cover, picture)])).float().log_softmax(dim=1)
    loss = nats[0].max() - nats[1:, nats[0].argmax()]
    mean = (loss.clamp_min(0)[:, None, None] * masks).sum(dim=0) / masks.sum(dim=0)
    return mean / mean.max().clamp_min(1e-6)


def draw_region(picture: Tensor, mattered: Tensor) -> str:
    """The picture (C, H, W) in bytes, dark where nothing mattered, as the address of a PNG that carries itself."""
    pixels = picture.permute(1, 2, 0).squeeze(2).cpu().numpy()
    height, width = mattered.shape
    factor = max(1, round(SHOWN_SIDE / max(height, width)))
    size = (width * factor, height * factor)
    light = (255 * (DARKEST + (1 - DARKEST) * mattered)).byte().cpu().numpy()
    mask = Image.fromarray(light).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(factor))
    shown = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    return as_address(Image.composite(shown, Image.new("RGB", size), mask), "PNG")


def _covers(height: int, width: int) -> Tensor:
    """Masks (n, H, W), true under the cover, that together reach every pixel."""
    rows, columns = (_stretches(side) for side in (height, width))
    return (rows[:, None, :, None] & columns[None, :, None, :]).flatten(0, 1)


def _stretches(side: int) -> Tensor:
    """Overlapping stretches of a quarter of the side: (n, side) of truth values."""
    centres = torch.linspace(0, side - 1, STEPS)
    return (torch.arange(side) - centres[:, None]).abs() <= max(0.5, side / 8)
