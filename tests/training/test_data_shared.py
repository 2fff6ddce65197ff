"""Real files, in the very form in which people upload them, come in without a manual step."""

import os
from pathlib import Path

import polars as pl
import pytest

from training.data.importing import import_dataset, read_description
from training.data.propose import can_be_learnt
from training.data.roles import check_roles
from training.data.schema import Description

SHARED = Path(os.environ.get("TOUCHSTONE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
TITANIC = ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
EXPECTED = {
    "tabular/titanic.csv": (891, "tabular-classification", "Survived", TITANIC),
    "tabular/penguins.csv": (344, "tabular-classification", "species", 6),
    "tabular/california_housing.csv": (20_640, "tabular-regression", "median_house_value", 9),
    "tabular/adult_income_train.csv": (32_561, "tabular-classification", "income", 14),
    "tabular/adult_income_test.csv": (16_281, "tabular-classification", "income", 14),
    "text-classification/ag_news_train.csv": (6000, "text-classification", "label", ["title", "description"]),
    "text-classification/ag_news_test.csv": (1600, "text-classification", "label", ["title", "description"]),
    "text-classification/sms_spam.csv": (5574, "text-classification", "label", ["text"]),
    "text-classification/sms_spam_raw_headerless.tsv": (5574, "text-classification", "column_1", ["column_2"]),
    "text-classification/movie_reviews_folders.zip": (2000, "text-classification", "label", ["text"]),
    "text-classification/zh_hotel_reviews.csv": (7766, "text-classification", "label", ["review"]),
    "text-generation/tinyshakespeare.txt": (7228, "language-modeling", None, ["text"]),
    "instruction/alpaca_5000.json": (4998, "language-modeling", None, ["messages"]),
    "instruction/alpaca_seed_tasks_175.jsonl": (175, "language-modeling", None, ["messages"]),
    "instruction/sharegpt_toolcalls_300.json": (300, "language-modeling", None, ["messages"]),
    "instruction/chat_messages.jsonl": (147, "language-modeling", None, ["messages"]),
    "audio/spoken_digits_200_class_folders.zip": (200, "audio-classification", "label", ["audio"]),
    "audio/spoken_digits_wav_and_csv.zip": (2000, "audio-classification", "label", ["audio"]),
    "image-classification/cifar10_600_flat_classes.zip": (600, "image-classification", "label", ["image"]),
    "image-classification/cifar10_12k_train_test.zip": (12_000, "image-classification", "label", ["image"]),
}
"""Rows, task, target, and the other columns or their number."""

STRUCTURED = {
    "object-detection/raccoon_voc.zip": (200, "object-detection", {"image": "image", "boxes": "boxes"}),
    "question-answering/squad_v1.1_train.json": (5568, "question-answering", "questions"),
    "question-answering/squad_v1.1_dev.json": (1486, "question-answering", "questions"),
    "question-answering/squad_v2.0_with_unanswerable.json": (7165, "question-answering", "questions"),
    "question-answering/squad_flat_dev.csv": (1486, "question-answering", "questions"),
    "question-answering/zh_xquad.json": (789, "question-answering", "questions"),
    "seq2seq/multi30k_en_de_train.csv": (29_000, "translation", {"en": "text", "de": "text"}),
    "seq2seq/multi30k_en_de_val.csv": (1014, "translation", {"en": "text", "de": "text"}),
    "seq2seq/multi30k_en_de_test2016.csv": (1000, "translation", {"en": "text", "de": "text"}),
    "token-classification/wnut17_train.conll": (3394, "token-classification", {"tokens": "spans"}),
    "token-classification/wnut17_dev.conll": (1009, "token-classification", {"tokens": "spans"}),
    "token-classification/wnut17_test.conll": (1287, "token-classification", {"tokens": "spans"}),
}
"""Rows, task, and all columns with their types."""
QUESTIONS = {"context": "text", "question": "text", "answers": "answers"}
TOGETHER = {
    "tabular/adult_income_{}.csv": {"train": 32_561, "test": 16_281},
    "text-classification/ag_news_{}.csv": {"train": 6000, "test": 1600},
    "token-classification/wnut17_{}.conll": {"train": 3394, "dev": 1009, "test": 1287},
    "question-answering/squad_v1.1_{}.json": {"train": 5568, "dev": 1486},
    "seq2seq/multi30k_en_de_{}.csv": {"train": 29_000, "val": 1014, "test2016": 1000},
}
"""Files of one data set, by the word that stands for {}, with their rows."""


def brought(folder: Path, *names: str) -> Description:
    """The description of these files imported together."""
    list(import_dataset([SHARED / name for name in names], folder / "version"))
    return read_description(folder / "version")


if SHARED.is_dir():

    @pytest.mark.parametrize("name", EXPECTED)
    def test_a_real_file_proposes_what_its_readers_would(name, tmp_path):
        rows, task, target, others = EXPECTED[name]
        description = brought(tmp_path, name)
        assert description.rows == rows
        proposal = description.proposals[0]
        assert (proposal.task, proposal.state) == (task, "good")
        assert proposal.roles.get("target", [None]) == [target]
        learnt_from = next(names for role, names in proposal.roles.items() if role != "target")
        assert (len(learnt_from) if isinstance(others, int) else learnt_from) == others
        check_roles(description, proposal.task, proposal.roles)

    @pytest.mark.parametrize("name", STRUCTURED)
    def test_a_real_file_with_structure_keeps_it(name, tmp_path):
        rows, task, columns = STRUCTURED[name]
        description = brought(tmp_path, name)
        assert (description.rows, description.set_aside) == (rows, 0)
        types = {column.name: column.type for column in description.columns}
        assert types == (QUESTIONS if columns == "questions" else columns)
        if can_be_learnt(task):
            proposal = description.proposals[0]
            assert (proposal.task, proposal.state) == (task, "good")
            check_roles(description, proposal.task, proposal.roles)

    def test_no_real_file_is_forgotten():
        there = {str(path.relative_to(SHARED)) for path in SHARED.rglob("*") if path.is_file() and path.suffix != ".md"}
        assert there == EXPECTED.keys() | STRUCTURED.keys()

    @pytest.mark.parametrize("form", TOGETHER)
    def test_files_of_one_data_set_go_together(form, tmp_path):
        rows = TOGETHER[form]
        parts = brought(tmp_path, *(form.format(word) for word in rows)).parts
        assert sorted(parts.values()) == sorted(rows.values())
        assert parts["train"] == rows["train"]

    def test_the_table_beside_the_sounds_says_label_speaker_and_part(tmp_path):
        description = brought(tmp_path, "audio/spoken_digits_wav_and_csv.zip")
        assert description.parts == {"train": 1800, "test": 200}
        assert [column.name for column in description.columns] == ["audio", "label", "speaker"]

    def test_tables_of_boxes_beside_the_annotations_say_the_parts(tmp_path):
        description = brought(tmp_path, "object-detection/raccoon_voc.zip")
        assert description.parts == {"train": 160, "test": 40}
        frame = pl.read_parquet(tmp_path / "version" / "data.parquet")
        first = frame.filter(pl.col("image").struct.field("path").str.ends_with("raccoon-1.jpg"))["boxes"][0].to_list()
        assert first == [{"label": "raccoon", "x": 81, "y": 88, "width": 441, "height": 320}]

    def test_every_answer_stands_where_it_is_said_to(tmp_path):
        brought(tmp_path, "question-answering/squad_v2.0_with_unanswerable.json")
        frame = pl.read_parquet(tmp_path / "version" / "data.parquet")
        found = frame.explode("answers").filter(pl.col("answers").is_not_null()).unnest("answers")
        assert (found["context"].str.slice(found["start"], found["text"].str.len_chars()) == found["text"]).all()
        assert (frame["answers"].list.len() == 0).sum() == 3738
