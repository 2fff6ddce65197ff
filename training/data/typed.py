"""Columns of formats that have types, brought to the few kinds that are stored."""

import json

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from training.data.conversations import to_messages
from training.data.layout import AUDIO, CONVERSATION, IMAGE, NESTED, nested_type
from training.data.readers import clean_names
from training.data.sounds import is_sound
from training.errors import TrainingError


def plain_frame(table: pa.Table, source: str) -> pl.DataFrame:
    """The rows with strings, numbers, booleans, times, pictures and conversations; other values become JSON text.

    Class numbers become class names where the file carries Hugging Face features. Raises TrainingError that names a
    column of bytes that are no pictures.
    """
    labels = class_names(table.schema)
    table = flat(table)
    names = clean_names(table.column_names)
    columns = [
        _named_classes(column, labels[name]) if name in labels else _plain(column, name, source)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    frame = pl.from_arrow(pa.table(columns, names=names))
    assert isinstance(frame, pl.DataFrame)
    return frame


def flat(table: pa.Table) -> pa.Table:
    """Objects inside objects as columns with dots, as in JSON; pictures and sounds stay whole."""
    columns: dict[str, pa.ChunkedArray] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_struct(column.type) and column.type.num_fields and column.type.get_field_index("bytes") < 0:
            inner = flat(pa.table(column.flatten(), names=[f"{name}.{field.name}" for field in column.type]))
            columns |= dict(zip(inner.column_names, inner.columns, strict=True))
        else:
            columns[name] = column
    return pa.table(list(columns.values()), names=list(columns))


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """The names of the classes by column, from the features metadata of Hugging Face `datasets`."""
    metadata = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(metadata)["info"]["features"] if metadata else {}
    except (ValueError, KeyError, TypeError):
        return {}
    return {
        name: [str(label) for label in feature["names"]]
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list)
    }


def _named_classes(column: pa.ChunkedArray, labels: list[str]) -> pa.ChunkedArray:
    codes = column.cast(pa.int64())
    known = pc.and_(pc.greater_equal(codes, 0), pc.less(codes, len(labels)))
    return pa.chunked_array([pc.take(pa.array(labels, pa.string()), pc.if_else(known, codes, None).combine_chunks())])


def _plain(column: pa.ChunkedArray, name: str, source: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), name, source)
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _without_zero_bytes(column)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False).cast(pa.timestamp("us"))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _media([{"bytes": data, "path": None} for data in column.to_pylist()], name, source)
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return _media(column.to_pylist(), name, source)
    if nested := nested_type(kind):
        return column.cast(NESTED[nested])
    values = column.to_pylist()
    if _is_conversation(kind):
        chats = [to_messages({"messages": value})[0] if value else None for value in values]
        return pa.chunked_array([pa.array(chats, CONVERSATION)])
    texts = [None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in values]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _without_zero_bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The strings as databases can store what is told of them."""
    texts = column.cast(pa.string()) if pa.types.is_string_view(column.type) else column
    return pc.replace_substring(texts, "\0", "") if pc.any(pc.match_substring(texts, "\0")).as_py() else column


def _is_conversation(kind: pa.DataType) -> bool:
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(kind.value_type):
        return False
    fields = {field.name for field in kind.value_type}
    return {"role", "content"} <= fields or {"from", "value"} <= fields


def _media(cells: list[dict[str, object] | None], name: str, source: str) -> pa.ChunkedArray:
    """Pictures, or sounds, as the first of them tells."""
    contents = [content for cell in cells if cell and isinstance(content := cell["bytes"], bytes)]
    sounds = bool(contents) and is_sound(contents[0])
    known = is_sound if sounds else is_picture
    if not all(map(known, contents)):
        raise TrainingError(
            f"The column “{name}” of {source} holds bytes that are no pictures and no sounds.",
            "Leave the column out and upload the file again.",
            code="binary_column",
        )
    kept = [{"bytes": cell["bytes"], "path": cell.get("path")} if cell and cell["bytes"] else None for cell in cells]
    return pa.chunked_array([pa.array(kept, AUDIO if sounds else IMAGE)])


def is_picture(data: bytes) -> bool:
    """Whether the bytes begin like a JPEG, PNG, GIF, BMP, WebP or TIFF."""
    starts = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
    return data.startswith(starts) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
