"""Pictures, texts and tables in archives; and what an archive may not do."""

import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.training.test_data_tables import BIRDS, imported, refusal, types
from training.data.preview import read_cell_bytes, read_rows


def picture(seed: int, *, size: int = 8, format: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format)
    return file.getvalue()


def packed(tmp_path: Path, files: dict[str, bytes], name: str = "files.zip") -> Path:
    path = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in files.items():
                archive.writestr(member, content)
        return path
    with tarfile.open(path, "w:gz") as archive:
        for member, content in files.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


CLASSES = {f"{label}/{number}.png": picture(number) for label in ("cat", "dog") for number in range(6)}


@pytest.mark.parametrize("name", ["files.zip", "files.tar.gz"])
def test_pictures_are_labelled_by_their_folders(tmp_path, name):
    frame, description = imported(packed(tmp_path, CLASSES, name))
    assert description.kind == "images"
    assert types(description) == {"image": "image", "label": "category"}
    assert sorted(frame["label"].unique()) == ["cat", "dog"]
    assert frame["image"].struct.field("bytes")[0] == picture(0)
    assert frame["_part"].null_count() == 12
    assert description.proposals[0].roles == {"target": ["label"], "image": ["image"]}


@pytest.mark.parametrize(
    "form", ["{part}/{label}/{number}.png", "{label}/{part}/{number}.png", "all/{part}/{label}/x/{number}.png"]
)
def test_train_and_test_folders_stand_above_or_below_the_classes(tmp_path, form):
    files = {
        form.format(part=part, label=label, number=number): picture(number + 10 * len(part))
        for part in ("train", "test", "validation")
        for label in ("cat", "dog")
        for number in range(3)
    }
    frame, description = imported(packed(tmp_path, files))
    assert description.parts == {"train": 6, "val": 6, "test": 6}
    assert sorted(frame["label"].unique()) == ["cat", "dog"]


def test_a_folder_around_everything_is_no_class(tmp_path):
    frame, _ = imported(packed(tmp_path, {f"pets/{name}": content for name, content in CLASSES.items()}))
    assert sorted(frame["label"].unique()) == ["cat", "dog"]


def test_pictures_in_one_folder_have_no_class(tmp_path):
    _, description = imported(packed(tmp_path, {f"pets/{n}.png": picture(n) for n in range(4)}))
    assert [column.name for column in description.columns] == ["image"]


def test_folders_named_by_digits_are_classes_and_not_numbers(tmp_path):
    files = {f"{number % 2}/{number}.png": picture(number) for number in range(8)}
    _, description = imported(packed(tmp_path, files))
    assert types(description)["label"] == "category"


def test_what_systems_leave_in_archives_is_not_looked_at(tmp_path):
    junk = {"__MACOSX/cat/._0.png": b"x", "cat/.DS_Store": b"x", "cat/Thumbs.db": b"x", "README.txt": b"Hello"}
    _, description = imported(packed(tmp_path, CLASSES | junk))
    assert (description.rows, description.set_aside) == (12, 0)


def test_unreadable_pictures_are_set_aside(tmp_path):
    broken = {"cat/cut.png": picture(99)[:60], "dog/text.png": b"no picture at all", "dog/empty.png": b""}
    _, description = imported(packed(tmp_path, CLASSES | broken))
    aside = pl.read_parquet(tmp_path / "version" / "set_aside.parquet")
    assert (description.rows, description.set_aside) == (12, 3)
    assert set(aside["content"]) == set(broken)


def test_a_picture_of_too_many_pixels_is_set_aside(tmp_path):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = picture(0)[:16] + header + picture(0)[29:]
    _, description = imported(packed(tmp_path, CLASSES | {"cat/bomb.png": bomb}))
    assert description.set_aside == 1


def test_hugging_face_datasets_would_see_pictures(tmp_path):
    imported(packed(tmp_path, CLASSES))
    metadata = pq.read_schema(tmp_path / "version" / "data.parquet").metadata[b"huggingface"]
    assert b'"image": {"_type": "Image"}' in metadata


def test_parquet_with_pictures_comes_back_as_it_was(tmp_path):
    frame, _ = imported(packed(tmp_path, CLASSES))
    again = tmp_path / "again"
    again.mkdir()
    frame.select("image", "label").write_parquet(again / "pets.parquet")
    other, description = imported(again / "pets.parquet")
    assert types(description) == {"image": "image", "label": "category"}
    assert other["_id"].to_list() == frame["_id"].to_list()


def test_the_preview_shows_stand_ins_and_gives_the_bytes_of_one_picture(tmp_path):
    imported(packed(tmp_path, CLASSES))
    rows = read_rows(tmp_path / "version", 7, 3)
    assert [row["image"] for row in rows] == [{"width": 8, "height": 8, "row": row} for row in (7, 8, 9)]
    assert read_cell_bytes(tmp_path / "version", 7, "image") == picture(1)
    with pytest.raises(IndexError):
        read_cell_bytes(tmp_path / "version", 12, "image")


def test_texts_are_labelled_by_their_folders(tmp_path):
    files = {
        f"{label}/{n}.txt": f"A {label} film, number {n}, über all".encode("latin-1")
        for label in ("good", "bad")
        for n in range(5)
    }
    frame, description = imported(packed(tmp_path, files))
    assert frame["text"][0] == "A good film, number 0, über all"
    assert description.proposals[0].task == "text-classification"
    assert description.proposals[0].roles == {"target": ["label"], "text": ["text"]}


def test_a_packed_table_is_read_like_the_table(tmp_path):
    _, description = imported(packed(tmp_path, {"data/birds.csv": BIRDS.encode(), "readme.md": b"# Birds"}))
    assert description.format == "ZIP, CSV, comma, UTF-8"
    assert description.rows == 6


def test_packed_tables_tell_their_parts_by_their_names(tmp_path):
    _, description = imported(packed(tmp_path, {"birds_train.csv": BIRDS.encode(), "birds_test.csv": BIRDS.encode()}))
    assert description.parts == {"train": 6, "test": 6}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../evil.png": picture(0)}, "path out of itself"),
        ({"/etc/evil.png": picture(0)}, "path out of itself"),
        ({"a\\..\\..\\evil.png": picture(0)}, "path out of itself"),
        ({"cat/inner.zip": b"PK"}, "another archive"),
        ({"model.pt": b"x"}, "model.pt"),
        ({"cat/0.wav": b"RIFF"}, "not a sound"),
        ({"a.en": b"one\ntwo\n", "a.de": b"eins\nzwei\ndrei\n"}, "2 lines and a.de 3"),
        ({"a.exe": b"MZ"}, "not known"),
        ({"one.csv": BIRDS.encode(), "two.csv": b"a,b\n1,2\n"}, "different columns"),
        ({}, "no files"),
    ],
)
def test_archives_that_are_not_read_end_in_a_sentence(tmp_path, files, words):
    assert words in refusal(packed(tmp_path, files)).message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_files_with_one_name_none_is_lost_in_silence(tmp_path):
    path = packed(tmp_path, CLASSES)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("cat/0.png", picture(50))
    assert "contains cat/0.png 2 times" in refusal(path).message


def test_archives_and_pickles_called_pictures_are_set_aside(tmp_path):
    inner = packed(tmp_path, CLASSES).read_bytes()
    others = {
        "cat/zip.png": inner,
        "dog/pickle.png": pickle.dumps(print),
        "dog/svg.png": b"<svg onload=alert(1)></svg>",
    }
    _, description = imported(packed(tmp_path, CLASSES | others))
    assert (description.rows, description.set_aside) == (12, 3)


def test_links_are_refused(tmp_path):
    path = tmp_path / "links.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("cat/0.png")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    assert "link" in refusal(path).message
    path.unlink()
    path = tmp_path / "links.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("cat/0.png")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    assert "link" in refusal(path).message


def test_a_locked_archive_is_refused(tmp_path):
    path = packed(tmp_path, CLASSES)
    content = bytearray(path.read_bytes())
    for start in (b"PK\x01\x02", b"PK\x03\x04"):
        at = content.find(start)
        content[at + (8 if start == b"PK\x01\x02" else 6)] |= 1
    path.write_bytes(content)
    assert "password" in refusal(path).message


def test_an_archive_that_is_cut_off_is_refused(tmp_path):
    for name in ("files.zip", "files.tar.gz"):
        path = packed(tmp_path, CLASSES, name)
        path.write_bytes(path.read_bytes()[:-400])
        assert "cut off or damaged" in refusal(path).message
        path.unlink()


@pytest.mark.parametrize("name", ["files.zip", "files.tar.gz"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, name):
    assert "far more" in refusal(packed(tmp_path, {"cat/0.txt": bytes(80 << 20)}, name)).message


def test_a_damaged_member_costs_only_itself(tmp_path):
    path = packed(tmp_path, CLASSES)
    content = bytearray(path.read_bytes())
    content[50] ^= 0xFF
    path.write_bytes(content)
    _, description = imported(path)
    assert (description.rows, description.set_aside) == (11, 1)


def test_pictures_without_folders_have_no_empty_column_of_labels(tmp_path):
    _, description = imported(packed(tmp_path, {f"{n}.png": picture(n) for n in range(4)}))
    assert [column.name for column in description.columns] == ["image"]
    assert "without class folders" in description.format
    assert (description.rows, description.proposals) == (4, [])


def test_a_way_of_packing_that_nobody_here_knows_ends_in_a_sentence(tmp_path: Path) -> None:
    path = packed(tmp_path, {f"{kind}/{n}.txt": b"good words" for kind in ("pos", "neg") for n in range(3)})
    content = path.read_bytes()
    for heads, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # before each file, and in the list at the end
        pieces = content.split(heads)
        at = place - len(heads)
        content = heads.join(
            [pieces[0], *(piece[:at] + struct.pack("<H", 97) + piece[at + 2 :] for piece in pieces[1:])]
        )
    path.write_bytes(content)
    assert "damaged in the archive" in str(refusal(path))
