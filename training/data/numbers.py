"""A column of numbers as one array, with nothing else in memory."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_BATCH = 1 << 16


def read_numbers(path: Path, name: str) -> NDArray[np.int64] | NDArray[np.float64]:
    """Int64 or float64 [present]: the cells of a Parquet column in their order; times are microseconds since 1970."""
    with pq.ParquetFile(path) as file:
        floating = pa.types.is_floating(file.schema_arrow.field(name).type)
        values = np.empty(file.metadata.num_rows, dtype=np.float64 if floating else np.int64)
        filled = 0
        for batch in file.iter_batches(_BATCH, columns=[name]):
            cells = batch.column(name).drop_null()
            cells = cells.cast(pa.int64()) if pa.types.is_timestamp(cells.type) else cells
            values[filled : filled + len(cells)] = cells.to_numpy()
            filled += len(cells)
    present: NDArray[np.int64] | NDArray[np.float64] = values[:filled]
    return present
