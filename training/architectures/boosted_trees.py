from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, cast

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Rounds, Shapes
from training.recipes import Preset, Recipe
from training.settings.presets import MANY_ROWS
from training.settings.tables import MadeColumns

if TYPE_CHECKING:
    from torch import nn

    from training.objectives import Objective


@ARCHITECTURES.register("boosted-trees")
class BoostedTreesSettings(Architecture):
    """Grows one small decision tree after another, each mending what those before it got wrong."""

    title = "Boosted trees"
    order = 15
    tasks = ("tabular-classification", "tabular-regression")
    good_for = "Nearly every table: strong without tuning, quick, and at ease with gaps and odd scales."
    paper = (
        "G. Ke et al., “LightGBM: a highly efficient gradient boosting decision tree”, 2017, "
        "https://papers.nips.cc/paper/6907; L. Prokhorenkova et al., “CatBoost: unbiased boosting with categorical "
        "features”, 2018, https://arxiv.org/abs/1706.09516"
    )
    simple = ("library", "leaves")
    heeds = (
        "epochs", "lr", "evaluations", "patience", "class_weights", "seed", "checkpoint_seconds", "ensemble", "bagging",
    )  # fmt: skip
    scaling: ClassVar[Literal["plain"]] = "plain"

    library: Literal["lightgbm", "catboost"] = Field(
        "lightgbm",
        title="Library",
        description="LightGBM is the quickest; CatBoost takes longer, and is often better with many categories.",
    )
    leaves: int = Field(
        31,
        ge=2,
        le=4096,
        title="Leaves",
        description="Answers that one tree can give; more follow finer rules. CatBoost takes the nearest power of two.",
    )
    least_rows: int = Field(
        20, ge=1, le=100_000, title="Rows per leaf", description="A leaf needs at least so many examples (LightGBM)."
    )
    row_share: float = Field(
        1.0, gt=0, le=1, title="Share of rows", description="Examples that each tree sees, drawn anew every time."
    )
    column_share: float = Field(
        1.0, gt=0, le=1, title="Share of columns", description="Columns that each tree sees, drawn anew every time."
    )
    l2: float = Field(
        0.0, ge=0, le=1000, title="L2 penalty", description="Makes each leaf's answer smaller, the fewer rows it has."
    )

    made: MadeColumns = False
    category_rows: float = Field(
        10.0,
        ge=0,
        le=10_000,
        title="Trust in categories",
        description="Rows that a category needs before what it says counts fully (LightGBM).",
    )

    single_categories: int = Field(
        4,
        ge=1,
        le=256,
        title="Categories one by one",
        description="Columns of at most so many categories are split by one against the rest; larger ones by sets of "
        "them, which is finer and sooner learnt by heart (LightGBM).",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        batch = min(65_536, max(1, facts.rows))
        few = max(1, min(20, facts.rows // 20))
        many = facts.rows >= MANY_ROWS
        if preset == "quick":
            rounds, lr, share = (80, 0.12, 0.5) if many else (100, 0.1, 1.0)
            settings = cls(least_rows=few, column_share=share)
            return settings, Recipe(epochs=rounds, batch_size=batch, lr=lr, evaluations=10)
        if not many:
            rounds, lr = {"balanced": (400, 0.05), "thorough": (2000, 0.02)}[preset]
            settings = cls(least_rows=few, row_share=0.8, column_share=0.7, l2=1.0)
            return settings, Recipe(epochs=rounds, batch_size=batch, lr=lr)
        if task == "tabular-regression":
            settings = cls(leaves=63, row_share=0.8, column_share=0.3, l2=1.0, made=True)
            rounds, lr, members = {"balanced": (500, 0.05, 1), "thorough": (1400, 0.03, 2)}[preset]
        else:  # a class is learnt by heart sooner than a number
            settings = cls(column_share=0.5, single_categories=64)
            rounds, lr, members = {"balanced": (250, 0.05, 1), "thorough": (500, 0.025, 3)}[preset]
        return settings, Recipe(epochs=rounds, batch_size=batch, lr=lr, ensemble=members)

    def cost(self, shapes: Shapes) -> Cost:
        columns = shapes.numbers + len(shapes.categories)
        work = {"lightgbm": 80.0, "catboost": 1_000.0}[self.library]
        return Cost(0, flops=work * columns * max(1, shapes.outputs - 1), activations=columns)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.boosted_trees import BoostedTrees

        return BoostedTrees(self.library, shapes.outputs)

    def fit(self, model: nn.Module, objective: Objective, recipe: Recipe) -> Rounds:
        from training.models.boosted_trees import BoostedTrees, grow
        from training.objectives.tabular import Table

        return grow(cast(BoostedTrees, model), cast(Table, objective), self, recipe)
