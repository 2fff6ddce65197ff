from __future__ import annotations

from typing import TYPE_CHECKING

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.architectures.mlp import input_width
from training.recipes import Preset, Recipe

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("linear")
class LinearSettings(Architecture):
    """Adds up the columns with one weight each: linear regression for numbers, logistic regression for categories."""

    title = "Linear model"
    order = 10
    tasks = ("tabular-classification", "tabular-regression")
    good_for = "A first answer within seconds, and one that can be explained. Hard to beat on small tables."
    paper = "D. R. Cox, “The regression analysis of binary sequences”, 1958, https://doi.org/10.1111/j.2517-6161.1958.tb00292.x"

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        steps = {"quick": 300, "balanced": 1500, "thorough": 5000}[preset]
        batch = 64 if facts.rows < 5_000 else 512
        epochs = max(3.0, round(steps * batch / max(1, facts.rows)))
        return cls(), Recipe(epochs=epochs, batch_size=batch, optimizer="adamw", lr=2e-2, weight_decay=1e-3)

    def cost(self, shapes: Shapes) -> Cost:
        parameters = (input_width(shapes) + 1) * shapes.outputs
        return Cost(parameters, flops=2.0 * parameters, activations=input_width(shapes))

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.mlp import MLP

        return MLP(shapes, hidden=())
