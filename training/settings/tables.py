"""Settings that several architectures for tables have in common."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

MadeColumns: TypeAlias = Annotated[
    bool,
    Field(
        title="Make columns",
        description="Adds ratios of counts; what the nearest rows answered, where two columns are places on a map; "
        "and, for trees, numbers that spread alike, turned as a map is. What matters only together need not be guessed "
        "step by step.",
    ),
]
