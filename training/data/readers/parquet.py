"""Parquet, also with pictures inside as Hugging Face `datasets` writes them."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.media import keep_readable
from training.data.readers import READERS, Batch, Reader, Reading, SetAside, clean_names
from training.data.source import Source
from training.data.typed import flat, plain_frame
from training.errors import TrainingError

_ROWS = 8192


@READERS.register("parquet")
class Parquet(Reader):
    """Rows are read group by group."""

    order = 10

    @classmethod
    def recognises(cls, source: Source) -> bool:
        return source.head.startswith(b"PAR1")

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        try:
            schema = pq.read_schema(source.path)
            rows = max(pq.read_metadata(source.path).num_rows, 1)
        except (pa.ArrowInvalid, OSError) as error:
            raise _damaged(source) from error

        def batches(aside: SetAside) -> Iterator[Batch]:
            done = 0
            for table in _tables(source, schema):
                frame = keep_readable(plain_frame(table, source.name), source.name, done, aside)
                done += len(table)
                yield Batch(frame, done / rows)

        return Reading("Parquet", "table", clean_names(flat(schema.empty_table()).column_names), batches)


def _tables(source: Source, schema: pa.Schema) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(source.path) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                yield pa.Table.from_batches([batch.cast(schema)])
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(source) from error


def _damaged(source: Source) -> TrainingError:
    return TrainingError(
        f"{source.name} is cut off or damaged, so it cannot be read as Parquet.", "Write it anew and upload it again."
    )
