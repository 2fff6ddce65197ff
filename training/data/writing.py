"""The Parquet file of a data set version: moderate row groups, ids, parts, and what Hugging Face `datasets` reads."""

import json
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.ids import row_ids
from training.data.layout import CONVERSATION, IMAGE, SET_ASIDE
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
            schema = with_features(table.schema)
            self._writer = pq.ParquetWriter(self._path, schema, compression=_compression(schema))
        self._writer.write_table(table.cast(self._writer.schema), row_group_size=GROUP_ROWS)
        self._waiting = []


def plain(table: pa.Table) -> pa.Table:
    """The same rows in the few types that are stored."""
    fields = [field.with_type(stored_type(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


def stored_type(kind: pa.DataType) -> pa.DataType:
    """Int64, double, bool, microseconds, string; pictures and conversations keep their structure."""
    if pa.types.is_boolean(kind):
        return pa.bool_()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_struct(kind):
        return IMAGE
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return CONVERSATION
    return pa.string()


def with_features(schema: pa.Schema) -> pa.Schema:
    """The schema with the features metadata of Hugging Face `datasets`, so that pictures are read as pictures."""
    features = {field.name: _feature(field.type) for field in schema}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _feature(kind: pa.DataType) -> object:
    if kind.equals(IMAGE):
        return {"_type": "Image"}
    if kind.equals(CONVERSATION):
        return [{"role": _feature(pa.string()), "content": _feature(pa.string())}]
    names = {pa.float64(): "float64", pa.timestamp("us"): "timestamp[us]"}
    return {"dtype": names.get(kind, str(kind)), "_type": "Value"}


def _compression(schema: pa.Schema) -> dict[str, str]:
    """Light compression, and none for pictures, which are compressed already."""
    leaves: dict[str, str] = {}
    for field in schema:
        if field.type.equals(IMAGE):
            leaves |= {f"{field.name}.bytes": "none", f"{field.name}.path": "zstd"}
        elif field.type.equals(CONVERSATION):
            leaves |= {f"{field.name}.list.element.{leaf}": "zstd" for leaf in ("role", "content")}
        else:
            leaves[field.name] = "zstd"
    return leaves


def write_aside(folder: Path, aside: SetAside) -> None:
    """Write `set_aside.parquet` where rows were set aside: source, line, reason, content."""
    if aside.rows:
        pq.write_table(pa.Table.from_pylist([vars(row) for row in aside.rows]), folder / SET_ASIDE)
