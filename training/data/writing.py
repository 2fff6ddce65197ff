"""The Parquet file of a data set version: moderate row groups, ids, parts, and what Hugging Face `datasets` reads."""

import json
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.ids import row_ids
from training.data.layout import NESTED, SET_ASIDE, nested_type
from training.data.readers import SetAside
from training.data.schema import ID, PART

GROUP_ROWS = 1 << 16
GROUP_BYTES = 16 << 20
"""A row group ends at whichever comes first, so that a page of the preview reads little."""


class DataWriter:
    """Appends tables to `data.parquet`, adding `_id` and `_part`; holds at most one row group in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def write(self, table: pa.Table, part: pa.Array) -> None:
        """Append rows with the part that the files gave each."""
        table = table.append_column(ID, pa.array(row_ids(table))).append_column(PART, part)
        self.rows += len(table)
        self._waiting.append(table)
        if sum(map(len, self._waiting)) >= GROUP_ROWS or sum(t.nbytes for t in self._waiting) >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting)
        if self._writer is None:
            self._writer = open_parquet(self._path, with_features(table.schema))
        self._writer.write_table(table.cast(self._writer.schema), row_group_size=GROUP_ROWS)
        self._waiting = []


def open_parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer with light compression, and none for pictures and sounds, which are compressed already."""
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(path, schema, compression=_compression(schema), use_dictionary=texts)


def plain(table: pa.Table) -> pa.Table:
    """The same rows in the few types that are stored."""
    fields = [field.with_type(stored_type(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


def stored_type(kind: pa.DataType) -> pa.DataType:
    """Int64, double, bool, microseconds, string; cells with an inner structure keep it."""
    if nested := nested_type(kind):
        return NESTED[nested]
    if pa.types.is_boolean(kind):
        return pa.bool_()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    return pa.string()


def with_features(schema: pa.Schema) -> pa.Schema:
    """The schema with the features metadata of Hugging Face `datasets`, so that pictures are read as pictures."""
    features = {field.name: _feature(field.type) for field in schema}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _feature(kind: pa.DataType) -> object:
    if pa.types.is_struct(kind):
        return {"_type": "Image" if nested_type(kind) == "image" else "Audio"}
    if pa.types.is_list(kind):
        return [{field.name: _feature(field.type) for field in kind.value_type}]
    names = {pa.float64(): "float64", pa.timestamp("us"): "timestamp[us]"}
    return {"dtype": names.get(kind, str(kind)), "_type": "Value"}


def _compression(schema: pa.Schema) -> dict[str, str]:
    leaves: dict[str, str] = {}
    for field in schema:
        if pa.types.is_struct(field.type):
            leaves |= {f"{field.name}.{leaf.name}": "none" if leaf.name == "bytes" else "zstd" for leaf in field.type}
        elif pa.types.is_list(field.type):
            leaves |= {f"{field.name}.list.element.{leaf.name}": "zstd" for leaf in field.type.value_type}
        else:
            leaves[field.name] = "zstd"
    return leaves


def write_aside(folder: Path, aside: SetAside) -> None:
    """Write `set_aside.parquet` where rows were set aside: source, line, reason, content."""
    if aside.rows:
        pq.write_table(pa.Table.from_pylist([vars(row) for row in aside.rows]), folder / SET_ASIDE)
