"""What the files of a data set version are called and how their cells are kept; light enough for the website."""

import pyarrow as pa

DATA = "data.parquet"
DESCRIPTION = "dataset.json"
SET_ASIDE = "set_aside.parquet"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string()), ("seconds", pa.float64())])
"""The bytes of the file as it came; seconds tell sounds from pictures and save opening them."""
CONVERSATION = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SPANS = pa.list_(pa.struct([("token", pa.string()), ("tag", pa.string())]))
"""Tokens with a tag each, "O" where a token is no part of a name (CoNLL)."""
ANSWERS = pa.list_(pa.struct([("text", pa.string()), ("start", pa.int64())]))
"""Passages of the context with the character where each starts, from 0; empty where the context has no answer."""
BOXES = pa.list_(
    pa.struct(
        [("label", pa.string()), *((edge, pa.float64()) for edge in ("x", "y", "width", "height"))],
    )
)
"""Rectangles in pixels; x and y are the left upper corner."""
NESTED = {
    "image": IMAGE,
    "audio": AUDIO,
    "conversation": CONVERSATION,
    "spans": SPANS,
    "answers": ANSWERS,
    "boxes": BOXES,
}
"""The column types whose cells have an inner structure."""


def nested_type(kind: pa.DataType) -> str | None:
    """The column type of cells with this structure, None where they are plain values."""
    return next((name for name, nested in NESTED.items() if _same(kind, nested)), None)


def _same(kind: pa.DataType, nested: pa.DataType) -> bool:
    """Whether both have the same fields, whatever widths a library chose for their strings."""
    if pa.types.is_struct(nested):
        return pa.types.is_struct(kind) and _fields(kind) == _fields(nested)
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return is_list and pa.types.is_struct(kind.value_type) and _fields(kind.value_type) == _fields(nested.value_type)


def _fields(struct: pa.StructType) -> set[str]:
    return {field.name for field in struct}
