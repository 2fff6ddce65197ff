from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Rounds, Shapes
from training.recipes import Preset, Recipe
from training.settings.tables import MadeColumns

if TYPE_CHECKING:
    from torch import nn

    from training.objectives import Objective

ONE_HOT_UP_TO = 1_000
"""Categorical columns have fewer values than this, so each value gets a weight of its own."""


@ARCHITECTURES.register("linear")
class LinearSettings(Architecture):
    """Adds up the columns with one weight each: linear regression for numbers, logistic regression for categories."""

    title = "Linear model"
    order = 10
    tasks = ("tabular-classification", "tabular-regression")
    good_for = "A first answer within seconds, and one that can be explained. Hard to beat on small tables."
    paper = "D. R. Cox, “The regression analysis of binary sequences”, 1958, https://doi.org/10.1111/j.2517-6161.1958.tb00292.x"
    simple = ("solver",)

    solver: Literal["exact", "gradient"] = Field(
        "exact",
        title="Solver",
        description=(
            "Exact finds the best weights at once (least squares) or in a few rounds (logistic regression); "
            "gradient takes small steps, as networks do."
        ),
    )

    made: MadeColumns = False

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        rounds = {"quick": 50.0, "balanced": 200.0, "thorough": 1000.0}[preset]
        least_squares = task == "tabular-regression"
        return cls(), Recipe(
            epochs=1.0 if least_squares else rounds,
            batch_size=min(65_536, max(1, facts.rows)),
            weight_decay=0.0 if least_squares else 1.0 / max(1, facts.rows),
        )

    @property
    def scaling(self) -> Literal["robust", "standard"]:
        """Exact weights can be told in the columns' own units, which a soft clip would not allow."""
        return "standard" if self.solver == "exact" else "robust"

    def cost(self, shapes: Shapes) -> Cost:
        width = shapes.numbers + sum(shapes.categories)
        return Cost((width + 1) * shapes.outputs, flops=2.0 * (width + 1) * shapes.outputs, activations=width)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.mlp import MLP

        network = MLP(shapes, hidden=(), one_hot_up_to=ONE_HOT_UP_TO)
        return network.double() if self.solver == "exact" else network

    def fit(self, model: nn.Module, objective: Objective, recipe: Recipe) -> Rounds | None:
        if self.solver == "gradient":
            return None
        from training.models.linear import fit_linear
        from training.models.mlp import MLP
        from training.objectives.tabular import Table

        table = cast(Table, objective)
        return fit_linear(cast(MLP, model), table, decay=recipe.weight_decay, iterations=round(recipe.epochs))
