"""Examples that are nearly the same: pictures and sounds by `near_media`, texts by MinHash over words (Broder 1997)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training.data.columns import is_long_text
from training.data.ids import mix
from training.data.near_media import MEDIA_TYPES, media_pairs
from training.data.schema import PART, Column, Description

Rows: TypeAlias = NDArray[np.int64]
Signatures: TypeAlias = NDArray[np.uint32]

HASHES = 32
BAND = 4
"""Hashes of a band: texts that share 80 % of their words meet in one of eight bands with a probability of 98 %."""
SIMILAR = 0.8
"""Share of equal hashes, an estimate of the Jaccard similarity, from which two texts count as nearly the same."""
LEAST_WORDS = 5
"""Shorter texts are alike by chance."""
MOST_ROWS = 200_000
"""Rows of the training part that are compared; held-out rows are compared all."""
LONGEST = 2000
"""Characters of a text that are compared."""
_BATCH = 4096
_WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}]|\w+"
_SALTS = mix(np.arange(HASHES, dtype=np.uint64)) | np.uint64(1)


def near_groups(path: Path, description: Description) -> Rows:
    """Int64 [rows]: rows that are nearly the same have the same number, that of the first of them.

    A picture or a sound decides where there is one, otherwise the texts; rows without a text of five words stand alone.
    Memory is bounded: 128 bytes per compared text, some 500 per picture or sound.
    """
    groups = np.arange(description.rows)
    if media := compared_media(description):
        groups[:] = _leaders(*media_pairs(path, media, MOST_ROWS), len(groups))
        return groups
    columns = compared_columns(description)
    if not columns:
        return groups
    found = list(_signatures(path, columns))
    rows = np.concatenate([rows for rows, _ in found]) if found else groups[:0]
    if len(rows) < 2:
        return groups
    signatures = np.concatenate([signatures for _, signatures in found])
    groups[rows] = rows[_leaders(*_pairs(signatures), len(signatures))]
    return groups


def compared_media(description: Description) -> Column | None:
    """The column whose pictures or sounds tell examples apart; None where there is none, or more than one."""
    media = [column for column in description.columns if column.type in MEDIA_TYPES]
    return media[0] if len(media) == 1 else None


def compared_columns(description: Description) -> list[Column]:
    """The columns whose words tell examples apart: texts, tokens, conversations; not a paragraph of many questions."""
    nested = [column for column in description.columns if column.type in ("conversation", "spans")]
    texts = [column for column in description.columns if is_long_text(column)]
    telling = [column for column in texts if column.unique > 0.5 * (description.rows - column.missing)]
    return nested or telling


def _signatures(path: Path, columns: list[Column]) -> Iterator[tuple[Rows, Signatures]]:
    """Row numbers, and uint32 [rows, 32]."""
    start = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH, columns=[*(column.name for column in columns), PART]):
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
            texts = frame.select(pl.concat_str([_text(column) for column in columns], separator=" ", ignore_nulls=True))
            words = texts.to_series().str.slice(0, LONGEST).str.to_lowercase().str.extract_all(_WORD)
            taken = (words.list.len() >= LEAST_WORDS) & (frame[PART].is_in(["test", "val"]) | (start < MOST_ROWS))
            rows = taken.fill_null(False).arg_true()
            if len(rows):
                yield start + rows.to_numpy().astype(np.int64), _minima(words.gather(rows))
            start += len(frame)


def _text(column: Column) -> pl.Expr:
    if column.type == "text":
        return pl.col(column.name)
    words = "content" if column.type == "conversation" else "token"
    return pl.col(column.name).list.eval(pl.element().struct.field(words)).list.join(" ", ignore_nulls=True)


def _minima(words: pl.Series) -> Signatures:
    """The smallest of each text's words under 32 hash functions (multiply-shift, Dietzfelbinger et al. 1997)."""
    hashes = words.explode().hash().to_numpy()
    starts = np.concatenate([[0], np.cumsum(words.list.len().to_numpy())[:-1]]).astype(np.int64)
    signatures = np.empty((len(words), HASHES), dtype=np.uint32)
    for number, salt in enumerate(_SALTS):
        hashed = ((hashes * salt) >> np.uint64(32)).astype(np.uint32)
        signatures[:, number] = np.minimum.reduceat(hashed, starts)
    return signatures


def _leaders(first: Rows, second: Rows, count: int) -> Rows:
    """Int64 [count]: the first row of the group that each belongs to, where pairs belong together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    _, leaders = np.unique(component, return_index=True)
    groups: Rows = leaders[component].astype(np.int64)
    return groups


def _pairs(signatures: Signatures) -> tuple[Rows, Rows]:
    """Each row with the first one that meets it in a band, where their signatures agree."""
    firsts, seconds = [], []
    for start in range(0, HASHES, BAND):
        key = np.zeros(len(signatures), dtype=np.uint64)
        for number in range(start, start + BAND):
            key = mix(key ^ signatures[:, number])
        _, leaders, member = np.unique(key, return_index=True, return_inverse=True)
        leader = leaders[member]
        agree = (signatures == signatures[leader]).mean(axis=1) >= SIMILAR
        rows = np.flatnonzero(agree & (leader != np.arange(len(leader))))
        firsts.append(leader[rows])
        seconds.append(rows)
    return np.concatenate(firsts).astype(np.int64), np.concatenate(seconds).astype(np.int64)
