from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.presets import MANY_ROWS
from training.settings.tables import MadeColumns

if TYPE_CHECKING:
    from torch import nn

Effort: TypeAlias = Literal["off", "quick", "balanced", "thorough"]
KINDS = {"linear": "linear", "trees": "boosted-trees", "perceptron": "mlp", "transformer": "ft-transformer"}
"""The setting that says how much effort goes into a kind, and the kind."""


@ARCHITECTURES.register("blend")
class BlendSettings(Architecture):
    """Trains several kinds of model, and lets each count as much as it helps on rows that it has not seen."""

    title = "Blend of trees and networks"
    order = 28
    tasks = ("tabular-classification", "tabular-regression")
    good_for = "The best answer that a table gives, if time allows: kinds that err in different places mend each other."
    paper = (
        "R. Caruana et al., “Ensemble selection from libraries of models”, 2004, "
        "https://doi.org/10.1145/1015330.1015432; N. Erickson et al., “AutoGluon-Tabular”, 2020, "
        "https://arxiv.org/abs/2003.06505"
    )
    simple = ("members", "perceptron")
    heeds = (
        "minutes", "evaluations", "class_weights", "focal", "huber", "precision", "compile", "deterministic", "seed",
        "checkpoint_seconds",
    )  # fmt: skip
    scaling: ClassVar[Literal["plain"]] = "plain"

    members: int = Field(
        2,
        ge=1,
        le=20,
        title="Members of each kind",
        description="All learn from all rows, each from a start of its own, and answer together.",
    )
    kept_back: float = Field(
        0.2,
        gt=0,
        le=0.5,
        title="Rows kept back",
        description="Share of the rows that a first model of each kind does not see; what it says of them decides how "
        "much its kind counts.",
    )
    trees: Annotated[Effort, Field(title="Boosted trees", description="Effort for each of them, as their presets.")] = (
        "balanced"
    )
    perceptron: Annotated[
        Effort, Field(title="Multilayer perceptrons", description="Effort for each of them, as their presets.")
    ] = "quick"
    transformer: Annotated[
        Effort, Field(title="FT-Transformers", description="Effort for each of them, as their presets; the slowest.")
    ] = "off"
    linear: Annotated[
        Effort, Field(title="Linear models", description="Effort for each of them; useful where rows are few.")
    ] = "off"
    made: MadeColumns = False
    many_rows: bool = Field(
        True, title="Members for many rows", description="Larger members, as they suit tables of 5,000 rows and more."
    )

    @model_validator(mode="after")
    def _blends_something(self) -> Self:
        if all(getattr(self, name) == "off" for name in KINDS):
            raise ValueError("Choose at least one kind of model.")
        return self

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        many, regression = facts.rows >= MANY_ROWS, task == "tabular-regression"
        settings = cls(
            members=3 if preset == "thorough" and not (many and regression) else 1,  # of the latter each takes long
            trees=preset,
            perceptron="quick" if many or preset == "quick" else "balanced",
            linear="off" if many else "quick",
            made=many and regression,
            many_rows=many,
        )
        return settings, Recipe(epochs=1, batch_size=min(65_536, max(1, facts.rows)), evaluations=8)

    def kinds(self, facts: Facts) -> list[tuple[Architecture, Recipe]]:
        """What is blended, with the recipe of each."""
        rows = max(facts.rows, MANY_ROWS) if self.many_rows else min(facts.rows, MANY_ROWS - 1)
        task = "tabular-regression" if facts.shapes.outputs == 1 else "tabular-classification"
        efforts: list[tuple[str, Effort]] = [(kind, getattr(self, name)) for name, kind in KINDS.items()]
        sized = replace(facts, rows=rows)
        chosen = [ARCHITECTURES[kind].preset(effort, task, sized) for kind, effort in efforts if effort != "off"]
        return [(settings.model_copy(update={"made": self.made}), recipe) for settings, recipe in chosen]

    def cost(self, shapes: Shapes) -> Cost:
        """That of all members; their passes over the rows are counted in, as they differ from kind to kind."""
        kinds = [(kind.cost(_scaled(shapes)), recipe) for kind, recipe in self.kinds(Facts(MANY_ROWS, shapes))]
        return Cost(
            self.members * sum(cost.parameters for cost, _recipe in kinds),
            flops=(self.members + 1 - self.kept_back) * sum(cost.flops * recipe.epochs for cost, recipe in kinds),
            activations=max(cost.activations * recipe.batch_size for cost, recipe in kinds) / MANY_ROWS,
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.ensemble import Blend
        from training.models.scaled import reading_plainly
        from training.tabular.tables import scaling_of

        kinds = [kind for kind, _recipe in self.kinds(Facts(MANY_ROWS, shapes))]
        each = [(kind, scaling_of(kind)) for kind in kinds]
        members = [
            reading_plainly(kind.build(shapes if scaling == "plain" else _scaled(shapes)), scaling, shapes)
            for _member in range(self.members)
            for kind, scaling in each
        ]
        return Blend(members, len(kinds), "values" if shapes.outputs == 1 else "classes")


def _scaled(shapes: Shapes) -> Shapes:
    """What a network reads of such rows."""
    return replace(shapes, numbers=shapes.scaled or shapes.numbers, scaled=0)
