"""Data with an inner structure: pictures with boxes, sounds, answers in texts, tagged words, translations."""

import io
import json

import numpy as np
import polars as pl
import pytest
import soundfile

from tests.training.test_data_archives import CLASSES, packed, picture
from tests.training.test_data_tables import BIRDS, bring, imported, refusal, types, workbook
from training.data.importing import import_dataset, read_description
from training.data.preview import read_cell_bytes, read_rows

BOX = {"label": "cat", "x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0}


def sound(seconds: float = 0.5, *, rate: int = 8000, format: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(int(seconds * rate)) / 10), rate, format=format)
    return file.getvalue()


def voc(name: str, *boxes: tuple[str, int, int, int, int]) -> bytes:
    things = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for label, a, b, c, d in boxes
    )
    return f"<annotation><filename>{name}</filename>{things}</annotation>".encode()


def test_pascal_voc_boxes_come_with_their_pictures(tmp_path):
    files = {
        "JPEGImages/a.png": picture(0),
        "JPEGImages/b.png": picture(1),
        "JPEGImages/c.png": picture(2),
        "Annotations/a.xml": voc("a.png", ("cat", 1, 2, 4, 6), ("dog", 5, 5, 5, 9)),
        "Annotations/b.xml": voc("b.png"),
        "Annotations/gone.xml": voc("gone.png", ("cat", 1, 2, 4, 6)),
        "ImageSets/Main/train.txt": b"a\nb\n",
        "ImageSets/Main/test.txt": b"c\n",
    }
    frame, description = imported(packed(tmp_path, files))
    assert types(description) == {"image": "image", "boxes": "boxes"}
    assert frame["boxes"].to_list() == [[BOX], [], None]
    assert frame["_part"].to_list() == ["train", "train", "test"]
    reasons = pl.read_parquet(tmp_path / "version" / "set_aside.parquet")["reason"].to_list()
    assert sorted(reasons) == ["a box without area", "boxes of a picture that is not in the archive"]


def test_an_annotation_that_defines_entities_is_not_read(tmp_path):
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaa">]><annotation><filename>b.png</filename></annotation>'
    files = {"a.png": picture(0), "a.xml": voc("a.png", ("cat", 1, 2, 4, 6)), "b.png": picture(1), "b.xml": bomb}
    frame, description = imported(packed(tmp_path, files))
    assert frame["boxes"].to_list() == [[BOX], None]
    assert description.set_aside == 1


def test_annotations_of_which_none_can_be_read_are_refused_by_name(tmp_path):
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaa">]>' + voc("a.png", ("cat", 1, 2, 4, 6))
    refused = refusal(packed(tmp_path, {"a.png": picture(0), "b.png": picture(1), "a.xml": bomb}))
    assert "a.xml is an annotation that is too large or defines entities" in refused.message
    assert "pictures alone" in refused.hint


def test_coco_boxes_come_with_their_pictures(tmp_path):
    coco = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "b.png"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]},
            {"image_id": 7, "category_id": 1, "bbox": [1, 2]},
        ],
    }
    files = {"val/a.png": picture(0), "val/b.png": picture(1), "annotations/val.json": json.dumps(coco).encode()}
    frame, description = imported(packed(tmp_path, files))
    assert frame["boxes"].to_list() == [[BOX], []]
    assert description.parts == {"val": 2}
    assert description.columns[1].stats["labels"] == [{"value": "cat", "count": 1}]


def test_a_table_with_a_row_per_box_comes_with_its_pictures(tmp_path):
    table = b"filename,class,xmin,ymin,xmax,ymax\na.png,cat,1,2,4,6\na.png,cat,1,2,4,6\nb.png,cat,x,2,4,6\n"
    frame, description = imported(packed(tmp_path, {"a.png": picture(0), "b.png": picture(1), "boxes.csv": table}))
    assert frame["boxes"].to_list() == [[BOX, BOX], None]
    assert description.set_aside == 1


@pytest.mark.parametrize("name", ["pets/{}.png", "{}.png", "{}", "./pets\\{}.png", "PETS/{}.PNG"])
def test_a_table_names_the_pictures_in_its_own_way(tmp_path, name):
    files = {f"pets/p{number}.png": picture(number) for number in range(6)}
    table = "kind,age,image\n" + "".join(f"{'cat' if n % 2 else 'dog'},{n},{name.format(f'p{n}')}\n" for n in range(6))
    frame, description = imported(packed(tmp_path, files | {"pets.csv": table.encode()}))
    assert types(description) == {"image": "image", "kind": "category", "age": "number"}
    assert frame["kind"].to_list() == ["dog", "cat"] * 3
    assert description.proposals[0].roles == {"target": ["kind"], "image": ["image"]}


def test_pictures_and_rows_without_each_other_are_set_aside(tmp_path):
    files = {f"{number}.png": picture(number) for number in range(6)}
    table = b"file,label\n0.png,a\n1.png,b\n2.png,a\n3.png,b\n3.png,a\n9.png,a\n"
    _, description = imported(packed(tmp_path, files | {"labels.csv": table}))
    aside = pl.read_parquet(tmp_path / "version" / "set_aside.parquet")
    assert (description.rows, description.set_aside) == (4, 4)
    assert set(aside["content"]) == {"4.png", "5.png", "9.png", "3.png"}


def test_sounds_are_labelled_by_their_folders_and_heard(tmp_path):
    files = {f"{label}/{n}.wav": sound(0.1 + n / 10) for label in ("yes", "no") for n in range(3)}
    files |= {"yes/cut.wav": sound(2)[:5000], "no/none.wav": b"no sound at all", "no/other.flac": sound(format="FLAC")}
    frame, description = imported(packed(tmp_path, files))
    assert types(description) == {"audio": "audio", "label": "category"}
    assert (description.kind, description.rows, description.set_aside) == ("audio", 7, 2)
    assert frame["audio"].struct.field("seconds")[2] == pytest.approx(0.3)
    assert description.columns[0].stats["rates"] == [{"value": "8000", "count": 7}]
    assert description.proposals[0].task == "audio-classification"
    assert read_rows(tmp_path / "version", 1, 1)[0]["audio"] == {"seconds": 0.2, "row": 1}
    assert read_cell_bytes(tmp_path / "version", 1, "audio") == sound(0.2)


@pytest.mark.parametrize("claimed", [0x7FFFF024, 0xFFFFFFFF])
def test_sounds_that_were_written_in_a_stream_are_whole(tmp_path, claimed):
    def streamed(wave: bytes) -> bytes:
        data = wave.index(b"data") + 4
        size = claimed.to_bytes(4, "little")
        return wave[:4] + size + wave[8:data] + size + wave[data + 4 :]

    files = {f"{label}/{n}.wav": streamed(sound(0.1 + n / 10)) for label in ("yes", "no") for n in range(3)}
    frame, description = imported(packed(tmp_path, files))
    assert (description.rows, description.set_aside) == (6, 0)
    assert frame["audio"].struct.field("seconds")[1] == pytest.approx(0.2)


def test_parquet_with_sounds_comes_back_as_it_was(tmp_path):
    frame, _ = imported(packed(tmp_path, {f"{label}/{n}.wav": sound(0.1) for label in "ab" for n in range(3)}))
    again = tmp_path / "again"
    again.mkdir()
    plain = frame.select(pl.struct(pl.col("audio").struct.field("bytes", "path")).alias("audio"), "label")
    plain.write_parquet(again / "sounds.parquet")
    other, description = imported(again / "sounds.parquet")
    assert types(description) == {"audio": "audio", "label": "category"}
    assert other["_id"].to_list() == frame["_id"].to_list()


def test_texts_named_by_a_table_take_its_labels(tmp_path):
    files = {f"texts/{n}.txt": f"Text number {n} of some length".encode() for n in range(6)}
    table = "file\tlabel\n" + "".join(f"{n}.txt\t{'ab'[n % 2]}\n" for n in range(6))
    frame, description = imported(packed(tmp_path, files | {"labels.tsv": table.encode()}))
    assert frame["text"][3] == "Text number 3 of some length"
    assert description.proposals[0].roles == {"target": ["label"], "text": ["text"]}


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("data/{part}.{language}", ("en", "de")),
        ("{part}_{language}.txt", ("en", "de")),
        ("{language}/{part}.txt", ("en", "de")),
    ],
)
def test_lines_of_two_files_belong_together(tmp_path, form, names):
    lines = {"en": "One line here.\n\nAnother, {part}.\n", "de": "Eine Zeile.\n\nNoch eine, {part}.\n"}
    files = {
        form.format(part=part, language=language): lines[language].format(part=part).encode()
        for part in ("train", "test")
        for language in ("en", "de")
    }
    frame, description = imported(packed(tmp_path, files))
    assert frame.columns[:2] == ["en", "de"]
    assert description.parts == {"train": 2, "test": 2}
    assert frame.filter(pl.col("_part") == "test").row(1)[:2] == ("Another, test.", "Noch eine, test.")


CONTEXT = "The tower in Paris was built in 1889, and Paris grew."


@pytest.mark.parametrize(
    "fields",
    [
        {"answers": [{"text": "Paris", "answer_start": 13}]},
        {"answers": {"text": ["Paris"], "answer_start": [13]}},
        {"answer": "Paris", "answer_start": 13},
        {"answer": "Paris", "answer_start": 11},
        {"answer_text": "Paris", "answer_start": 13.0},
        {"answer": "Paris"},
    ],
)
def test_answers_of_every_form_stand_in_their_text(tmp_path, fields):
    rows = [{"context": CONTEXT, "question": f"Where, {n}?", **fields} for n in range(3)]
    frame, description = imported(bring(tmp_path, "\n".join(map(json.dumps, rows)), "qa.jsonl"))
    assert types(description)["answers"] == "answers"
    assert frame["answers"].to_list() == [[{"text": "Paris", "start": 13}]] * 3


def test_an_answer_that_is_not_in_its_text_is_set_aside(tmp_path):
    cells = ("Where?,Paris,13", "Who?,Eiffel,2", "Why?,,")
    rows = "context,question,answer,answer_start\n" + "".join(f'"{CONTEXT}",{rest}\n' for rest in cells)
    frame, description = imported(bring(tmp_path, rows))
    assert frame["answers"].to_list() == [[{"text": "Paris", "start": 13}], []]
    assert description.set_aside == 1
    assert description.columns[2].stats["empty"] == 1


ASKED = {"context": CONTEXT, "question": "Where?", "answer": "Paris"}


@pytest.mark.parametrize(
    ("content", "name", "line"),
    [
        (
            f'context,question,answer\n"{CONTEXT}\n\n",Where?,Paris\n1,2\n"{CONTEXT}",Who?,Eiffel\n{CONTEXT},Why?,\n',
            "asked.csv",
            6,
        ),
        (f"{json.dumps(ASKED)}\n\n{{broken\n{json.dumps(ASKED | {'answer': 'Eiffel'})}\n", "asked.jsonl", 4),
    ],
)
def test_an_answer_that_is_set_aside_tells_its_line(tmp_path, content, name, line):
    imported(bring(tmp_path, content, name))
    aside = pl.read_parquet(tmp_path / "version" / "set_aside.parquet").filter(pl.col("reason").str.contains("Eiffel"))
    assert aside["line"].to_list() == [line]


def test_questions_in_parquet_are_read_as_hugging_face_writes_them(tmp_path):
    answers = {"text": ["Paris", "Paris"], "answer_start": [13, 42]}
    pl.DataFrame([{"context": CONTEXT, "question": "Where?", "answers": answers}] * 2).write_parquet(
        tmp_path / "a.parquet"
    )
    frame, _ = imported(tmp_path / "a.parquet")
    assert frame["answers"][0].to_list() == [{"text": "Paris", "start": 13}, {"text": "Paris", "start": 42}]


def test_tagged_words_become_sentences(tmp_path):
    text = "-DOCSTART- -X- O\n\nAda NNP B-PER\nlives VBZ O\n\nin IN O\n\nbroken line\n\nRome NNP B-LOC\n#tag NN O\n"
    frame, description = imported(bring(tmp_path, text, "names.conll"))
    assert [[cell["token"] for cell in row] for row in frame["tokens"].to_list()] == [
        ["Ada", "lives"],
        ["in"],
        ["Rome", "#tag"],
    ]
    assert pl.read_parquet(tmp_path / "version" / "set_aside.parquet")["line"].to_list() == [8]
    assert description.columns[0].stats["labels"] == [{"value": "LOC", "count": 1}, {"value": "PER", "count": 1}]


def test_lists_of_tokens_and_tags_become_sentences(tmp_path):
    rows = [{"tokens": ["Ada", "lives"], "ner_tags": ["B-PER", "O"]}] * 3 + [
        {"tokens": ["Ada"], "ner_tags": ["O", "O"]}
    ]
    frame, description = imported(bring(tmp_path, "\n".join(map(json.dumps, rows)), "a.jsonl"))
    assert frame["tokens"][0].to_list() == [{"token": "Ada", "tag": "B-PER"}, {"token": "lives", "tag": "O"}]
    assert (types(description), description.set_aside) == ({"tokens": "spans"}, 1)


def test_instructions_in_a_table_are_conversations(tmp_path):
    rows = 'instruction,input,output\nAdd.,"1, 2",3\nSay hi.,,Hi\n'
    frame, description = imported(bring(tmp_path, rows))
    assert frame["messages"][1].to_list() == [
        {"role": "user", "content": "Say hi."},
        {"role": "assistant", "content": "Hi"},
    ]
    assert description.kind == "conversations"


def test_translations_inside_objects_become_columns(tmp_path):
    rows = [{"translation": {"en": f"Line {n}", "de": f"Zeile {n}"}} for n in range(4)]
    frame, _ = imported(bring(tmp_path, json.dumps(rows), "a.json"))
    pl.DataFrame(rows).write_parquet(tmp_path / "again.parquet")
    list(import_dataset([tmp_path / "again.parquet"], tmp_path / "other"))
    assert pl.read_parquet(tmp_path / "other" / "data.parquet").rows() == frame.rows()
    assert frame.columns[:2] == ["translation.en", "translation.de"]


def test_a_column_of_parts_divides_the_rows(tmp_path):
    rows = "n,label,split\n" + "".join(
        f"{n},{'ab'[n % 2]},{'test' if n > 6 else 'dev' if n > 5 else 'train'}\n" for n in range(9)
    )
    _, description = imported(bring(tmp_path, rows))
    assert description.parts == {"train": 6, "val": 1, "test": 2}
    assert list(types(description)) == ["n", "label"]


def test_another_sheet_of_a_workbook_can_be_chosen(tmp_path):
    source = bring(tmp_path, workbook(BIRDS), "birds.xlsx")
    list(import_dataset([source], tmp_path / "one", sheet="Sheet2"))
    assert read_description(tmp_path / "one").format == "Excel, sheet “Sheet2”"
    assert refusal(bring(tmp_path, workbook("").replace(b"x", b"x"), "empty.xlsx")).code == "no_rows"


def test_classes_of_pictures_in_a_tar_file_are_read_too(tmp_path):
    assert imported(packed(tmp_path, CLASSES, "pets.tgz"))[1].rows == 12
