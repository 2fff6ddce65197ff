"""Arrow files and streams; Feather is the same."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from training.data.media import keep_readable
from training.data.readers import READERS, Batch, Reader, Reading, SetAside, clean_names
from training.data.source import Source
from training.data.typed import flat, plain_frame
from training.errors import TrainingError

_STREAM = b"\xff\xff\xff\xff"


@READERS.register("arrow")
class Arrow(Reader):
    """Both the file format (ARROW1) and the stream that Hugging Face `datasets` keeps."""

    order = 20

    @classmethod
    def recognises(cls, source: Source) -> bool:
        return source.head.startswith(b"ARROW1") or (
            source.head.startswith(_STREAM) and source.suffix in (".arrow", ".feather", ".ipc")
        )

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        schema = next(_tables(source)).schema

        def batches(aside: SetAside) -> Iterator[Batch]:
            row, size = 0, source.path.stat().st_size
            for table, read in _positions(source):
                yield Batch(keep_readable(plain_frame(table, source.name), source.name, row, aside), read / size)
                row += len(table)

        return Reading("Arrow", "table", clean_names(flat(schema.empty_table()).column_names), batches)


def _tables(source: Source) -> Iterator[pa.Table]:
    """The schema as an empty table, then the batches."""
    try:
        with pa.memory_map(str(source.path)) as file:
            if source.head.startswith(b"ARROW1"):
                reader = pa.ipc.open_file(file)
                yield reader.schema.empty_table()
                for number in range(reader.num_record_batches):
                    yield _checked(reader.get_batch(number))
            else:
                stream = pa.ipc.open_stream(file)
                yield stream.schema.empty_table()
                for batch in stream:
                    yield _checked(batch)
    except (pa.ArrowInvalid, OSError) as error:
        raise TrainingError(
            f"{source.name} is cut off or damaged, so it cannot be read as Arrow.", "Write it anew and upload it again."
        ) from error


def _checked(batch: pa.RecordBatch) -> pa.Table:
    """The batch as a table; ArrowInvalid where it claims more than it holds, which Arrow itself would believe."""
    batch.validate(full=True)
    return pa.Table.from_batches([batch])


def _positions(source: Source) -> Iterator[tuple[pa.Table, int]]:
    read = 0
    for table in _tables(source):
        read += table.nbytes
        if len(table):
            yield table, min(read, source.path.stat().st_size)
