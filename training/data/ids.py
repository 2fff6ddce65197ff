"""The identity of an example: a hash of its content that is the same on every machine and in every version."""

import hashlib
from typing import TypeAlias

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]
_FIRST_BYTES = np.array([(1 << (8 * count)) - 1 for count in range(9)], dtype=np.uint64)
"""Masks that keep the first bytes of a word."""


def row_ids(table: pa.Table) -> NDArray[np.int64]:
    """Int64 [rows]: equal content, equal id. The order of columns, empty cells and 3 against 3.0 make no difference."""
    total = np.zeros(len(table), dtype=np.uint64)
    for name in table.column_names:
        salt = text_hash(name.encode())
        values, present = column_hashes(table.column(name).combine_chunks())
        total += np.where(present, mix(values ^ salt), np.uint64(0))
    return mix(total).view(np.int64)


def mix(values: Hashes) -> Hashes:
    """Scatter 64 bits over all 64 (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def text_hash(data: bytes) -> np.uint64:
    """64 bits of BLAKE2b."""
    return np.uint64(int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little"))


def column_hashes(column: pa.Array) -> tuple[Hashes, NDArray[np.bool_]]:
    """Uint64 [rows] of the cells' content, and whether there is a cell at all."""
    present = np.asarray(column.is_valid())
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return _number_hashes(column), present
    if pa.types.is_temporal(kind):
        micros = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return np.asarray(micros.fill_null(0)).astype(np.int64).view(np.uint64), present
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _string_hashes(column), present
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return _digests(pc.struct_field(column, "bytes").to_pylist()), present
    return _digests([orjson.dumps(cell, default=str) for cell in column.to_pylist()]), present


def _number_hashes(column: pa.Array) -> Hashes:
    """The bits of the nearest double, and of the integer itself where no double is exact."""
    numbers = np.asarray(column.cast(pa.float64(), safe=False).fill_null(0.0)) + 0.0  # -0.0 becomes 0.0
    bits = numbers.view(np.uint64)
    if not pa.types.is_integer(column.type) or (np.abs(numbers) < 2.0**53).all():
        return bits
    integers = np.asarray(column.cast(pa.int64(), safe=False).fill_null(0)).astype(np.int64).view(np.uint64)
    return np.where(np.abs(numbers) < 2.0**53, bits, mix(integers))


def _string_hashes(column: pa.Array) -> Hashes:
    encoded = pc.dictionary_encode(column)
    hashes = text_hashes(encoded.dictionary.cast(pa.string()))
    codes = np.asarray(encoded.indices.fill_null(0))
    return hashes[codes] if len(hashes) else np.zeros(len(column), dtype=np.uint64)


def text_hashes(texts: pa.StringArray) -> Hashes:
    """Uint64 [texts]: the sum of their words of eight UTF-8 bytes, each scattered together with its place."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    lengths = np.diff(ends)
    words = (lengths + 7) // 8
    firsts = np.cumsum(words) - words
    place = np.arange(words.sum()) - np.repeat(firsts, words)
    left = np.repeat(lengths, words) - 8 * place
    padded = np.concatenate([np.frombuffer(data or b"", dtype=np.uint8), np.zeros(8, dtype=np.uint8)])
    unaligned = np.ndarray(len(padded) - 7, dtype="<u8", buffer=padded.data, strides=(1,))
    content = unaligned[np.repeat(ends[:-1], words) + 8 * place] & _FIRST_BYTES[np.minimum(left, 8)]
    scattered = mix(content ^ mix(place.astype(np.uint64)))
    totals = lengths.astype(np.uint64)
    present = words > 0
    totals[present] += np.add.reduceat(scattered, firsts[present]) if present.any() else np.uint64(0)
    return mix(totals)


def _digests(cells: list[bytes | None]) -> Hashes:
    blake2b = hashlib.blake2b
    return np.frombuffer(b"".join(blake2b(cell or b"", digest_size=8).digest() for cell in cells), dtype="<u8")
