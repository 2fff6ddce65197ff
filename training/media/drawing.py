"""Answers drawn into pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from training.media.images import open_picture

LONGEST_SIDE = 800
LINE = "#f2b705"
WRITING = "#1d1a12"


def draw_boxes(file: Path, boxes: Sequence[Mapping[str, str | float]]) -> str:
    """The picture with boxes and their labels, as the address of a JPEG that carries itself.

    Boxes have x, y, width and height in pixels of the picture, a label and a confidence.
    """
    with open_picture(file) as picture:
        shown = ImageOps.exif_transpose(picture).convert("RGB")
    scale = min(1.0, LONGEST_SIDE / max(shown.size))
    shown = shown.resize((max(1, round(shown.width * scale)), max(1, round(shown.height * scale))))
    pen, size = ImageDraw.Draw(shown), max(12, round(max(shown.size) / 40))
    for box in boxes:
        left, top, width, height = (scale * float(box[name]) for name in ("x", "y", "width", "height"))
        pen.rectangle((left, top, left + width, top + height), outline=LINE, width=max(2, size // 6))
        words = f" {box['label']} {float(box['confidence']):.0%} "
        area = pen.textbbox((left, top), words, font_size=size)
        pen.rectangle(area, fill=LINE)
        pen.text((left, top), words, fill=WRITING, font_size=size)
    return as_address(shown, "JPEG")


def as_address(picture: Image.Image, file_format: str) -> str:
    """The picture as an address that carries itself."""
    buffer = io.BytesIO()
    picture.save(buffer, file_format)
    return f"data:image/{file_format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
