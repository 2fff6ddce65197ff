"""One data set version in words and numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from training.data.layout import DATA
from training.data.profile import count_parts, profile_columns
from training.data.propose import propose
from training.data.quality import by_gravity, check_quality
from training.data.readers import SetAside
from training.data.schema import Change, DataKind, Description
from training.settings.texts import WHOLE_TEXTS


def describe(
    folder: Path,
    *,
    kind: DataKind,
    formats: Sequence[str],
    sources: Sequence[str],
    sheets: Sequence[str],
    sheet: str,
    aside: SetAside,
    misfits: Mapping[str, tuple[int, list[int]]],
) -> Description:
    """Look at `data.parquet` once more: columns, problems, and what could be learnt.

    misfits: by column, how many cells are no value of its kind, and some of their rows.
    """
    description = _look(folder, kind, "; ".join(dict.fromkeys(formats)), list(sources), aside.count)
    findings = check_quality(folder, description, aside, misfits)
    choice = {"sheets": list(sheets), "sheet": sheet} if len(sheets) > 1 else {}
    return description.model_copy(update={"quality": findings, **choice})


def describe_again(folder: Path, before: Description, changes: list[Change]) -> Description:
    """Look at a version that fixes have made; what the files themselves had wrong is still told."""
    description = _look(folder, before.kind, before.format, before.sources, before.set_aside)
    told = [f.model_copy(update={"rows": []}) for f in before.quality if f.key in ("set-aside", "misfits")]
    findings = check_quality(folder, description, SetAside(), {})
    known = {"changes": changes, "sheets": before.sheets, "sheet": before.sheet}
    return description.model_copy(update={**known, "quality": by_gravity([*told, *findings])})


def _look(folder: Path, kind: DataKind, form: str, sources: list[str], set_aside: int) -> Description:
    path = folder / DATA
    description = Description(
        kind=kind,
        format=form,
        rows=pq.read_metadata(path).num_rows,
        bytes=path.stat().st_size,
        parts=count_parts(path),
        columns=profile_columns(path),
        sources=sources,
        set_aside=set_aside,
    )
    description = description.model_copy(update={"proposals": propose(description)})
    if kind == "table" and description.proposals and description.proposals[0].task in WHOLE_TEXTS:
        description = description.model_copy(update={"kind": "text"})
    return description
