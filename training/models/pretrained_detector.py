"""Pretrained networks that find things, of any Hugging Face folder (DETR, YOLOS and their relatives)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from training.models.pretrained_pictures import load_with_fresh_outputs

SURELY = 1e-6


class PretrainedDetector(nn.Module):
    """Normalised square pictures (B, C, side, side) to scores (B, boxes, classes) and corners (B, boxes, 4) in pixels.

    Scores are log odds. Each box stands for one thing at most, which is found by matching boxes to things while
    learning: N. Carion et al., "End-to-end object detection with transformers", 2020, https://arxiv.org/abs/2005.12872
    """

    def __init__(self, folder: Path, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.network = _load(folder, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        found = self.network(pixel_values=_coloured(pictures))
        scores = found.logits.float()
        if scores.size(-1) > self.classes:  # the last class is "nothing"
            scores = scores.softmax(dim=-1)[..., : self.classes].logit(eps=SURELY)
        middle, size = found.pred_boxes.float().split(2, dim=-1)
        return scores, torch.cat([middle - size / 2, middle + size / 2], dim=-1) * pictures.size(-1)

    def loss(self, pictures: Tensor, corners: Tensor, kinds: Tensor) -> Tensor:
        """The network's own loss: classes, distances and overlaps of the boxes that match things best."""
        first, last = corners.float().split(2, dim=-1)
        boxes = torch.cat([(first + last) / 2, last - first], dim=-1) / pictures.size(-1)
        labels = [
            {"class_labels": kind[kind >= 0], "boxes": box[kind >= 0]} for kind, box in zip(kinds, boxes, strict=True)
        ]
        loss: Tensor = self.network(pixel_values=_coloured(pictures), labels=labels).loss
        return loss


def _coloured(pictures: Tensor) -> Tensor:
    return pictures.expand(-1, 3, -1, -1) if pictures.size(1) == 1 else pictures


def _load(folder: Path, classes: int) -> nn.Module:
    from transformers import AutoModelForObjectDetection

    families = "YOLOS, DETR or RT-DETR families, saved without a timm backbone"
    return load_with_fresh_outputs(
        AutoModelForObjectDetection, folder, classes, cannot="find things in pictures", choose=families
    )
