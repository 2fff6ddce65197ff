"""Whatever the bytes are: a data set, or a sentence with a next step; never a crash, never a lost row."""

import csv
import io
import json
import tempfile
import zipfile
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.data.importing import import_dataset, read_description
from training.data.preview import read_rows
from training.errors import TrainingError

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t"), max_size=12)
NAMES = ["a.png", "b.wav", "c.txt", "d/e.png", "train.en", "train.de"]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | cells,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(cells, inner, max_size=3),
    max_leaves=5,
)


def outcome(content: bytes, name: str) -> tuple[pl.DataFrame, int] | None:
    """The rows and how many were set aside, or None where the file is refused."""
    with tempfile.TemporaryDirectory() as place:
        source, folder = Path(place) / name, Path(place) / "version"
        source.write_bytes(content)
        try:
            list(import_dataset([source], folder))
        except TrainingError as error:
            assert error.message and error.hint
            assert [path.name for path in Path(place).iterdir()] == [name]
            return None
        description = read_description(folder)
        frame = pl.read_parquet(folder / "data.parquet")
        assert len(read_rows(folder, 0, 1000)) == min(len(frame), 1000) == min(description.rows, 1000)
        return frame, description.set_aside


@few
@given(
    st.binary(max_size=400), st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.txt", "a.zip", "a.parquet", "a.xlsx"])
)
def test_any_bytes_end_well(content, name):
    outcome(content, name)


@few
@given(st.text(st.sampled_from("a1,;\t|\"\n\r' .-é"), max_size=200))
def test_any_text_of_delimiters_and_quotes_ends_well(text):
    outcome(text.encode(), "a.csv")


@few
@given(
    st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8)
    )
)
def test_no_row_of_a_well_written_table_is_lost(rows):
    rows = [["word"] * len(rows[0]), *rows]  # a table without any cell is refused
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["id", "text", "note", "label"][: len(rows[0])], *rows])
    found = outcome(file.getvalue().encode(), "a.csv")
    assert found is not None
    frame, aside = found
    assert len(frame) + aside == len(rows)


@few
@given(st.lists(st.dictionaries(cells, values, min_size=1, max_size=4), min_size=1, max_size=6))
def test_any_json_lines_end_well(records):
    found = outcome("\n".join(map(json.dumps, records)).encode(), "a.jsonl")
    assert found is None or len(found[0]) + found[1] == len(records)


@few
@given(st.lists(st.dictionaries(cells, values, max_size=4), min_size=1, max_size=6), st.integers(0, 30))
def test_any_json_ends_well_whole_or_cut_off(records, cut):
    text = json.dumps(records)
    outcome(text[: len(text) - cut].encode(), "a.json")


@few
@given(
    st.dictionaries(
        st.text(st.sampled_from("ab/.\\:"), min_size=1, max_size=8), st.binary(max_size=40), min_size=1, max_size=5
    ),
    st.sampled_from([".png", ".txt", ".csv", ".json", ""]),
    st.integers(0, 60),
)
def test_any_archive_ends_well(files, suffix, cut):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name + suffix, content)
    outcome(packed.getvalue()[: len(packed.getvalue()) - cut], "a.zip")


@few
@given(
    st.lists(st.lists(cells, min_size=1, max_size=5), min_size=1, max_size=12),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-16", "gb18030", "latin-1"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.integers(0, 8),
)
def test_ragged_and_cut_off_tables_end_well(rows, delimiter, encoding, quoting, cut):
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, quoting=quoting).writerows(rows)
    content = file.getvalue().encode(encoding, "replace")
    outcome(content[: len(content) - cut], "a.csv")


@few
@given(
    st.lists(
        st.fixed_dictionaries(
            {"context": cells, "question": cells},
            optional={"answers": values, "answer": values, "answer_start": values, "split": values, "tokens": values},
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_questions_end_well(records):
    found = outcome("\n".join(map(json.dumps, records)).encode(), "a.jsonl")
    assert found is None or len(found[0]) + found[1] == len(records)


@few
@given(
    st.lists(st.lists(st.text(st.sampled_from("aO B-I\t#é"), max_size=8), max_size=4), max_size=6),
    st.sampled_from(["\t", " "]),
)
def test_any_tagged_words_end_well(rows, gap):
    outcome("\n".join(gap.join(row) for row in rows).encode(), "a.conll")


@few
@given(
    st.dictionaries(
        st.sampled_from(["a.png", "b.wav", "c.txt", "d/e.png", "train.en", "train.de"]), st.binary(max_size=30)
    ),
    st.sampled_from(["notes.csv", "a.xml", "coco.json", "notes.jsonl"]),
    st.binary(max_size=80) | st.text(st.sampled_from('<>{}[]",:aimgesbox0'), max_size=80).map(str.encode),
)
def test_any_notes_beside_any_files_end_well(files, name, notes):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member, content in {**files, name: notes}.items():
            archive.writestr(member, content)
    outcome(packed.getvalue(), "a.zip")
