"""Cleaning a version makes the next one, which says what was done."""

import polars as pl
import pytest

from tests.training.test_data_tables import bring
from training.data.fixes import apply_fixes
from training.data.importing import import_dataset, read_description
from training.data.schema import Description, Fix
from training.errors import TrainingError

ROWS = [
    ("spam", "win a big prize now", 1),
    ("ham", "see you at home tonight", 2),
    ("Spam ", "call us today for free", 3),
]


@pytest.fixture
def version(tmp_path):
    """Messages with repeats, a label in two spellings, and a row without a label."""
    lines = "".join(f"{label},{text} {number % 40},{n}\n" for number in range(60) for label, text, n in ROWS)
    list(import_dataset([bring(tmp_path, "label,text,n\n" + lines + ",no label here at all,9\n")], tmp_path / "v1"))
    return tmp_path / "v1"


def fixed(version, *fixes) -> tuple[pl.DataFrame, Description]:
    target = version.parent / "v2"
    list(apply_fixes(version, fixes, target))
    return pl.read_parquet(target / "data.parquet"), read_description(target)


def test_repeats_are_removed_and_the_rest_keeps_its_ids(version):
    before = pl.read_parquet(version / "data.parquet")
    after, description = fixed(version, Fix(key="drop_duplicates", title="Remove the repeats"))
    assert after.rows() == before.unique("_id", keep="first", maintain_order=True).rows()
    assert (description.rows, description.changes[0].count) == (121, 60)
    assert not any(finding.key == "duplicates" for finding in description.quality)


def test_spellings_of_a_label_become_one(version):
    merge = Fix(key="merge_labels", title="Write them alike", column="label", labels={"Spam ": "spam"})
    after, description = fixed(version, merge)
    assert after["label"].value_counts().sort("count").rows() == [(None, 1), ("ham", 60), ("spam", 120)]
    assert description.changes[0].text == "Changed 60 labels of “label”: “Spam ” → “spam”."
    assert description.columns[0].unique == 2


def test_rows_and_columns_are_left_out(version):
    fixes = [
        Fix(key="drop_missing", title="", column="label"),
        Fix(key="drop_rows", title="", rows=[0, 2, 2, 999_999]),
        Fix(key="drop_column", title="", column="n"),
    ]
    after, description = fixed(version, *fixes)
    assert after.columns == ["label", "text", "_id", "_part"]
    assert len(after) == 178
    assert [change.count for change in description.changes] == [1, 2, 181]


def test_cells_are_set_by_hand_also_in_a_new_column(version):
    fixes = [
        Fix(key="set_values", title="", column="label", values={180: "ham", 0: None}),
        Fix(key="set_values", title="", column="mood", values={1: "kind"}),
        Fix(key="set_values", title="", column="n", values={5: "7"}),
    ]
    after, _ = fixed(version, *fixes)
    assert (after["label"][180], after["label"][0], after["n"][5]) == ("ham", None, 7)
    assert after["mood"].drop_nulls().to_list() == ["kind"]
    assert after["_id"].to_list() == pl.read_parquet(version / "data.parquet")["_id"].to_list()


def test_a_value_of_another_kind_is_refused_and_nothing_is_left_behind(version):
    with pytest.raises(TrainingError, match="“n”, which holds whole numbers"):
        fixed(version, Fix(key="set_values", title="", column="n", values={5: "seven"}))
    assert sorted(path.name for path in version.parent.iterdir()) == ["birds.csv", "v1"]


def test_what_training_has_seen_leaves_the_held_out_part(tmp_path):
    train = "label,text\n" + "".join(f"{n % 2},this is message number {n} of many others\n" for n in range(50))
    test = "label,text\n1,this is message number 3 of many others\n0,a held out text that is quite unlike them\n"
    files = [bring(tmp_path, train, "train.csv"), bring(tmp_path, test, "test.csv")]
    list(import_dataset(files, tmp_path / "v1"))
    after, description = fixed(tmp_path / "v1", Fix(key="move_leaks_to_train", title=""))
    assert after["_part"].to_list()[-2:] == ["train", "test"]
    assert description.parts == {"train": 51, "test": 1}


def test_changes_are_remembered_from_version_to_version(version):
    list(apply_fixes(version, [Fix(key="drop_duplicates", title="")], version.parent / "v2"))
    list(apply_fixes(version.parent / "v2", [Fix(key="drop_column", title="", column="n")], version.parent / "v3"))
    keys = [change.fix.key for change in read_description(version.parent / "v3").changes]
    assert keys == ["drop_duplicates", "drop_column"]


def test_the_last_row_or_column_cannot_go(version):
    with pytest.raises(TrainingError, match="No row would be left"):
        fixed(version, Fix(key="drop_rows", title="", rows=list(range(181))))
    with pytest.raises(TrainingError, match="No column would be left"):
        fixed(version, *[Fix(key="drop_column", title="", column=name) for name in ("label", "text", "n")])
