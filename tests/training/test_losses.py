"""Losses as the recipe words them, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from training.recipes import Recipe
from training.techniques.losses import class_loss, class_weights, tag_weights, value_loss

SURE = torch.tensor([[math.log(0.9), math.log(0.1)], [math.log(0.6), math.log(0.4)]])
CHANCES = [(0.9, 0.1), (0.6, 0.4)]
FIRST = torch.tensor([0, 0])


def test_focal_loss_lets_easy_examples_count_less() -> None:
    expected = -(0.1**2 * math.log(0.9) + 0.4**2 * math.log(0.6)) / 2
    assert class_loss(SURE, FIRST, Recipe(focal=2)).item() == pytest.approx(expected, rel=1e-5)


def test_smoothed_labels_take_a_share_from_the_truth_and_give_it_to_all() -> None:
    surprises = [-(0.9 * math.log(right) + 0.1 * (math.log(right) + math.log(wrong)) / 2) for right, wrong in CHANCES]
    assert class_loss(SURE, FIRST, Recipe(label_smoothing=0.1)).item() == pytest.approx(sum(surprises) / 2)


def test_without_options_it_is_the_cross_entropy() -> None:
    assert class_loss(SURE, FIRST, Recipe()).item() == pytest.approx(-(math.log(0.9) + math.log(0.6)) / 2)


def test_balanced_classes_count_the_same_however_rare() -> None:
    truth = torch.tensor([0, 0, 0, 1, -1])
    weights = class_weights(truth, 2, Recipe(class_weights="balanced"))
    assert weights is not None
    assert weights.tolist() == pytest.approx([4 / 6, 2.0])
    assert class_weights(truth, 2, Recipe()) is None
    loss = class_loss(SURE, torch.tensor([0, 1]), Recipe(), weights)
    assert loss.item() == pytest.approx(-(4 / 6 * math.log(0.9) + 2 * math.log(0.4)) / (4 / 6 + 2))


def test_huber_squares_small_errors_and_draws_large_ones_straight() -> None:
    errors, nothing = torch.tensor([0.5, 3.0]), torch.zeros(2)
    assert value_loss(errors, nothing, Recipe(huber=1)).item() == pytest.approx((0.25 + 2 * (3 - 0.5)) / 2)
    assert value_loss(errors, nothing, Recipe()).item() == pytest.approx((0.25 + 9) / 2)


def test_names_count_by_the_root_of_how_rare_they_are() -> None:
    truth = torch.tensor([0] * 90 + [1] * 6 + [2] * 4 + [-100])
    weights = tag_weights(truth, [True, False, False], Recipe(class_weights="balanced"))
    torch.testing.assert_close(weights, torch.tensor([1.0, 3.0, 3.0]))
    assert tag_weights(truth, [True, False, False], Recipe()) is None
    without_other_words = tag_weights(truth, [False] * 3, Recipe(class_weights="balanced"))
    torch.testing.assert_close(without_other_words, torch.ones(3))
