"""Settings that several architectures for tables have in common."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

MadeColumns: TypeAlias = Annotated[
    bool,
    Field(
        title="Make columns",
        description="Adds ratios of counts and, for trees, numbers that spread alike turned as on a map: where both "
        "matter only together, they need not be guessed step by step.",
    ),
]
