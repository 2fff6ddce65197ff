"""Words and rows of findings."""

from pathlib import Path

import polars as pl

from training.data.schema import Column

ROWS = 100
"""Rows that a finding shows."""


def rows_where(path: Path, condition: pl.Expr) -> list[int]:
    """The numbers of the first rows for which the condition holds."""
    return pl.scan_parquet(path).select(condition.arg_true().head(ROWS)).collect().to_series().to_list()


def entries(column: Column, key: str) -> list[tuple[str, int]]:
    """Values with their counts, as the profile has them."""
    found = column.stats.get(key)
    return [
        (str(entry["value"]), int(str(entry["count"])))
        for entry in (found if isinstance(found, list) else [])
        if isinstance(entry, dict)
    ]


def counted(count: int, one: str, many: str) -> str:
    """ "1 row", "2,000 rows"."""
    return f"{count:,} {one if count == 1 else many}"


def percent(share: float) -> str:
    """A share in whole per cent; never 0 % or 100 % where that is not the whole truth."""
    return "less than 1 %" if share < 0.01 else f"{min(round(100 * share), 99 if share < 1 else 100)} %"
