"""Boxes as tensors (left, top, right, bottom): overlap, the loss that fits them, the best of many, and zooming."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CENTRE = 1.5
"""A place looks for a box whose middle is no further away than so many strides, across and down."""
ZOOM = 1.4
"""Pictures are made larger or smaller by up to this factor."""
LEAST_VISIBLE = 0.3
"""Share of a box that must stay in the picture for the box to count."""


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of every box of (..., n, 4) with every one of (..., m, 4): (..., n, m)."""
    first, second = first.unsqueeze(-2), second.unsqueeze(-3)
    shared = _area(torch.maximum(first[..., :2], second[..., :2]), torch.minimum(first[..., 2:], second[..., 2:]))
    both = _area(first[..., :2], first[..., 2:]) + _area(second[..., :2], second[..., 2:])
    return shared / (both - shared).clamp_min(1e-9)


def fit_loss(found: Tensor, true: Tensor) -> Tensor:
    """1 minus the generalised overlap of boxes (n, 4) with their own true ones: (n,), from 0 to 2.

    H. Rezatofighi et al., "Generalized intersection over union", 2019, https://arxiv.org/abs/1902.09630
    """
    shared = _area(torch.maximum(found[:, :2], true[:, :2]), torch.minimum(found[:, 2:], true[:, 2:]))
    union = _area(found[:, :2], found[:, 2:]) + _area(true[:, :2], true[:, 2:]) - shared
    hull = _area(torch.minimum(found[:, :2], true[:, :2]), torch.maximum(found[:, 2:], true[:, 2:])).clamp_min(1e-9)
    return 1 - shared / union.clamp_min(1e-9) + (hull - union) / hull


def suppress(boxes: Tensor, scores: Tensor, labels: Tensor, *, overlap: float, most: int) -> Tensor:
    """Places of the boxes (n, 4) that no surer box of the same class covers by more than `overlap`, surest first."""
    order = scores.argsort(descending=True, stable=True)
    if not len(order):
        return order
    apart = boxes[order] + 2 * boxes.amax() * labels[order, None]  # classes never touch
    covers = (overlaps(apart, apart) > overlap).triu(diagonal=1)
    kept = torch.ones(len(order), dtype=torch.bool, device=boxes.device)
    for place in range(len(order)):
        if kept[place]:
            kept &= ~covers[place]
    return order[kept][:most]


def assign(places: Tensor, boxes: Tensor, labels: Tensor, *, stride: int) -> Tensor:
    """For each place (P, 2) the box (B, M, 4) that it should find, the smallest if there are several: (B, P); -1: none.

    Boxes whose label (B, M) is negative do not count. Every box is found from its nearest place at least.
    """
    middles, sides = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
    away = (places[None, :, None] - middles[:, None]).abs()  # (B, P, M, 2)
    near = (away <= torch.minimum(sides / 2, torch.tensor(CENTRE * stride)).unsqueeze(1)).all(dim=-1)
    nearest = away.sum(dim=-1).argmin(dim=1)  # (B, M)
    near.scatter_(1, nearest.unsqueeze(1), True)
    near &= (labels >= 0).unsqueeze(1)
    area = torch.where(near, sides.prod(dim=-1).unsqueeze(1), torch.inf)
    return torch.where(near.any(dim=-1), area.argmin(dim=-1), -1)


def zoom(pictures: Tensor, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each picture (B, C, S, S) larger or smaller, moved and often mirrored, its boxes (B, M, 4) and labels with it.

    Labels of boxes that are hardly left in the picture become -1. Draws from torch's global random state.
    """
    count, side = len(pictures), pictures.size(-1)
    device = pictures.device
    scale = (ZOOM ** (1 - 2 * torch.rand(count, 1))).to(device)
    middle = (2 * torch.rand(count, 2).to(device) - 1) * (1 - scale).abs()
    stretch = scale.expand(-1, 2) * torch.where(torch.rand(count, 2) < torch.tensor([0.5, 0.0]), -1.0, 1.0).to(device)
    grid = F.affine_grid(_affine(stretch, middle), list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, mode="bilinear", align_corners=False)
    corners = (2 * boxes / side - 1).unflatten(-1, (2, 2))  # (B, M, corner, axis), from -1 to 1
    corners = side * ((corners - middle[:, None, None]) / stretch[:, None, None] + 1) / 2
    whole = torch.cat([corners.amin(dim=2), corners.amax(dim=2)], dim=-1)
    cut = whole.clamp(0, side)
    visible = _area(cut[..., :2], cut[..., 2:]) / _area(whole[..., :2], whole[..., 2:]).clamp_min(1e-6)
    return moved, cut, torch.where(visible >= LEAST_VISIBLE, labels, -1)


def _affine(stretch: Tensor, middle: Tensor) -> Tensor:
    """Matrices (B, 2, 3) that stretch (B, 2) and then move to the middle (B, 2)."""
    return torch.cat([torch.diag_embed(stretch), middle.unsqueeze(-1)], dim=-1)


def _area(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp_min(0).prod(dim=-1)
