"""One data set version in words and numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from training.data.layout import DATA
from training.data.profile import count_parts, profile_columns
from training.data.propose import propose
from training.data.quality import check_quality
from training.data.readers import SetAside
from training.data.schema import DataKind, Description


def describe(
    folder: Path,
    *,
    kind: DataKind,
    formats: Sequence[str],
    sources: Sequence[str],
    aside: SetAside,
    misfits: Mapping[str, tuple[int, list[int]]],
) -> Description:
    """Look at `data.parquet` once more: columns, problems, and what could be learnt.

    misfits: by column, how many cells are no value of its kind, and some of their rows.
    """
    path = folder / DATA
    description = Description(
        kind=kind,
        format="; ".join(dict.fromkeys(formats)),
        rows=pq.read_metadata(path).num_rows,
        bytes=path.stat().st_size,
        parts=count_parts(path),
        columns=profile_columns(path),
        sources=list(sources),
        set_aside=aside.count,
    )
    description = description.model_copy(update={"proposals": propose(description)})
    if kind == "table" and description.proposals and description.proposals[0].task == "text-classification":
        description = description.model_copy(update={"kind": "text"})
    return description.model_copy(update={"quality": check_quality(folder, description, aside, misfits)})
