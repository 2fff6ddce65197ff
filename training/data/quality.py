"""What a person should look at before training: each finding says what, why it matters, and where."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from training.data.columns import CHARACTERS_PER_TOKEN, MOSTLY_EMPTY, is_identifier, is_long_text
from training.data.findings import ROWS, counted, entries, percent, rows_where
from training.data.layout import DATA
from training.data.quality_repeats import check_repeats
from training.data.quality_target import check_target
from training.data.readers import SetAside
from training.data.schema import Column, Description, Finding, Fix

READ_TOKENS = 512
"""Tokens that most models of language read of a text."""
_LONG_SHARE = 0.05
_ORDER = {"error": 0, "warning": 1, "info": 2}


def check_quality(
    folder: Path, description: Description, aside: SetAside, misfits: Mapping[str, tuple[int, list[int]]]
) -> list[Finding]:
    """All findings about `data.parquet`, the gravest first.

    misfits: by column, how many cells are no value of its kind, and some of their rows.
    """
    path = folder / DATA
    findings = [
        *_set_aside(aside),
        *_misfits(misfits),
        *check_target(path, description),
        *check_repeats(path, description),
        *(finding for column in description.columns for finding in _column(path, description, column)),
    ]
    return by_gravity(findings)


def by_gravity(findings: list[Finding]) -> list[Finding]:
    """The gravest first, otherwise in their order."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def _set_aside(aside: SetAside) -> Iterator[Finding]:
    if aside.count:
        first = aside.rows[0]
        yield Finding(
            key="set-aside",
            severity="warning",
            title=counted(aside.count, "row could not be read", "rows could not be read"),
            text=f"They are left out and kept aside. The first is line {first.line} of {first.source}: {first.reason}.",
            count=aside.count,
        )


def _misfits(misfits: Mapping[str, tuple[int, list[int]]]) -> Iterator[Finding]:
    for name, (count, rows) in misfits.items():
        yield Finding(
            key="misfits",
            severity="warning",
            title=f"{counted(count, 'cell', 'cells')} of “{name}” {'is' if count == 1 else 'are'} no number",
            text="All others are numbers, so these count as missing.",
            column=name,
            rows=rows[:ROWS],
            count=count,
        )


def _column(path: Path, description: Description, column: Column) -> Iterator[Finding]:
    share = column.missing / description.rows
    drop = Fix(key="drop_column", title=f"Remove “{column.name}”", column=column.name)
    if column.missing == description.rows:
        title = f"“{column.name}” is empty"
        yield _about(column, "empty", title, "Nothing can be learnt from it.", fix=drop, grave=True)
    elif column.missing and not _is_target(description, column):  # which has a finding of its own
        yield _missing(path, column, share, drop)
    if column.unique == 1 and column.type in ("number", "boolean", "category", "text", "date"):
        title = f"“{column.name}” says the same in every row"
        yield _about(column, "constant", title, "Nothing can be learnt from it, so it is left out.", fix=drop)
    elif share <= MOSTLY_EMPTY and is_identifier(column, description.rows):
        title = f"“{column.name}” only tells the rows apart"
        text = "A model would learn it by heart instead of anything general, so it is left out unless you choose it."
        yield _about(column, "identifier", title, text, fix=drop)
    if column.type == "category" and not _all_apart(column):
        yield from _near_labels(path, column)
    if is_long_text(column):
        yield from _long_texts(path, description, column)


def _is_target(description: Description, column: Column) -> bool:
    return bool(description.proposals) and [column.name] == description.proposals[0].roles.get("target")


def _missing(path: Path, column: Column, share: float, drop: Fix) -> Finding:
    mostly = share > MOSTLY_EMPTY
    return Finding(
        key="mostly-empty" if mostly else "missing",
        severity="warning" if share > 0.3 else "info",
        title=f"“{column.name}” is missing in {percent(share)} of the rows",
        text="It is left out unless you choose it." if mostly else "The model learns to do without where it is.",
        column=column.name,
        rows=rows_where(path, pl.col(column.name).is_null()),
        count=column.missing,
        fix=drop if mostly else None,
    )


def _all_apart(column: Column) -> bool:
    """Whether the profile has all labels, and no two of them would be read as one."""
    labels = [label for label, _ in entries(column, "top")]
    return len({" ".join(label.lower().split()) for label in labels}) == len(labels) == column.unique


def _near_labels(path: Path, column: Column) -> Iterator[Finding]:
    """Labels that a person would read as one: "Spam", "spam " and "SPAM"; the commonest spelling is to stay."""
    cell = pl.col("label")
    same = cell.str.strip_chars().str.replace_all(r"\s+", " ").str.to_lowercase()
    labels = pl.scan_parquet(path).select(pl.col(column.name).alias("label")).drop_nulls()
    counts = labels.group_by(cell).agg(pl.len().alias("count"))
    ordered = counts.sort(["count", "label"], descending=[True, False])
    groups = ordered.group_by(same.alias("same"), maintain_order=True).agg(cell).filter(cell.list.len() > 1)
    spellings: list[list[str]] = groups.sort("same").collect()["label"].to_list()
    if spellings:
        shown = "; ".join(" = ".join(f"“{label}”" for label in group) for group in spellings[:3])
        merged = {label: group[0] for group in spellings for label in group[1:]}
        yield Finding(
            key="near-labels",
            severity="warning",
            title=f"“{column.name}” has labels that differ only in case or spaces",
            text=f"They count as different classes: {shown}.",
            column=column.name,
            rows=rows_where(path, pl.col(column.name).is_in(list(merged))),
            count=len(spellings),
            fix=Fix(key="merge_labels", title="Write them alike", column=column.name, labels=merged),
        )


def _long_texts(path: Path, description: Description, column: Column) -> Iterator[Finding]:
    """Texts of which a model reads only the beginning, by their characters: a token has about four."""
    length = column.stats["length"]
    assert isinstance(length, dict)
    spaced = float(str(length["mean"])) <= 8 * float(str(length["words"]))
    limit = READ_TOKENS * (int(CHARACTERS_PER_TOKEN) if spaced else 1)
    if float(str(length["max"])) <= limit or (description.proposals and description.proposals[0].task == _CONTINUING):
        return
    long = pl.col(column.name).str.len_chars() > limit
    count = int(pl.scan_parquet(path).select(long.sum()).collect(engine="streaming").item())
    if count > _LONG_SHARE * description.rows:
        share = percent(count / description.rows)
        title = f"{share} of the texts in “{column.name}” are longer than most models read"
        text = f"A model that reads {READ_TOKENS} tokens, about {limit:,} characters, does not see the rest of them."
        yield _about(column, "long-texts", title, text, rows=rows_where(path, long), count=count)


_CONTINUING = "language-modeling"


def _about(
    column: Column,
    key: str,
    title: str,
    text: str,
    *,
    rows: list[int] | None = None,
    count: int = 0,
    fix: Fix | None = None,
    grave: bool = False,
) -> Finding:
    severity = "warning" if grave else "info"
    return Finding(
        key=key, severity=severity, title=title, text=text, column=column.name, rows=rows or [], count=count, fix=fix
    )
