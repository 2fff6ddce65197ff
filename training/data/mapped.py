"""Columns of a data set version for a training: in memory, or mapped from a file where they would take much of it."""

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

N = TypeVar("N", bound=np.generic)

IN_MEMORY = 1 << 30
"""Bytes of cells above which they lie in a file that is mapped into memory, of which only what is looked at is held."""


def read_columns(path: Path, columns: Sequence[str], folder: Path | None = None) -> pl.DataFrame:
    """These columns of a Parquet file; `folder` is where a large file without a name may lie, in place of the system's.

    Mapped columns come in as many pieces as the file has row groups; memory holds what is looked at.
    """
    if _size(path, columns) <= IN_MEMORY:
        return pl.read_parquet(path, columns=list(columns))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".columns-") as file:  # its name is gone at the end
        _write_views(path, columns, Path(file.name))
        with pa.memory_map(file.name) as mapped:
            table = pa.ipc.open_file(mapped).read_all()
    return pl.DataFrame(pl.from_arrow(table, rechunk=False)).select(columns)


def _size(path: Path, columns: Sequence[str]) -> int:
    """Bytes of the columns, unpacked."""
    metadata, wanted = pq.read_metadata(path), set(columns)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    leaves = [group.column(number) for group in groups for number in range(metadata.num_columns)]
    return sum(leaf.total_uncompressed_size for leaf in leaves if leaf.path_in_schema.split(".")[0] in wanted)


def _write_views(path: Path, columns: Sequence[str], place: Path) -> None:
    """The columns as an Arrow file, row group by row group, whose texts and bytes are views that need no copy."""
    newest = pl.CompatLevel.newest()
    with pq.ParquetFile(path, pre_buffer=False) as file, pa.OSFile(str(place), "wb") as out:
        first = pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table().select(list(columns))))
        with pa.ipc.new_file(out, first.to_arrow(compat_level=newest).schema) as writer:
            for number in range(file.num_row_groups):
                group = pl.DataFrame(pl.from_arrow(file.read_row_group(number, list(columns)).select(list(columns))))
                writer.write_table(group.to_arrow(compat_level=newest))


class Growing(Generic[N]):
    """Numbers of which nobody knows beforehand how many there will be, written to a file without a name."""

    def __init__(self, dtype: type[N], folder: Path | None = None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._dtype = dtype
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed at the end; gone however that comes
        self._count, self._each = 0, tuple[int, ...]()

    def add(self, some: NDArray[N]) -> None:
        """Put these (n, ...) behind the others, which have the same shape but for n."""
        self._file.write(np.ascontiguousarray(some, self._dtype).data)
        self._count, self._each = self._count + len(some), some.shape[1:]

    def whole(self) -> NDArray[N]:
        """All of them (count, ...): in memory, or mapped where they are many. Nothing can be added after that."""
        shape = (self._count, *self._each)
        with self._file as file:
            file.flush()
            if math.prod(shape) * np.dtype(self._dtype).itemsize > IN_MEMORY:
                return np.memmap(file, self._dtype, mode="r+", shape=shape)
            file.seek(0)
            return np.fromfile(file, self._dtype).reshape(shape)
