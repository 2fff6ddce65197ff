"""Real files, in the very form in which people upload them, come in without a manual step."""

import os
from pathlib import Path

import pytest

from training.data.importing import import_dataset, read_description
from training.data.roles import check_roles

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
    "image-classification/cifar10_600_flat_classes.zip": (600, "image-classification", "label", ["image"]),
    "image-classification/cifar10_12k_train_test.zip": (12_000, "image-classification", "label", ["image"]),
}
"""Rows, task, target, and the other columns or their number."""

if SHARED.is_dir():

    @pytest.mark.parametrize("name", EXPECTED)
    def test_a_real_file_proposes_what_its_readers_would(name, tmp_path):
        rows, task, target, others = EXPECTED[name]
        list(import_dataset([SHARED / name], tmp_path / "version"))
        description = read_description(tmp_path / "version")
        assert description.rows == rows
        proposal = description.proposals[0]
        assert (proposal.task, proposal.state) == (task, "good")
        assert proposal.roles.get("target", [None]) == [target]
        learnt_from = next(names for role, names in proposal.roles.items() if role != "target")
        assert (len(learnt_from) if isinstance(others, int) else learnt_from) == others
        check_roles(description, proposal.task, proposal.roles)

    def test_train_and_test_file_of_one_data_set_go_together(tmp_path):
        files = [SHARED / "tabular" / f"adult_income_{part}.csv" for part in ("train", "test")]
        list(import_dataset(files, tmp_path / "version"))
        assert read_description(tmp_path / "version").parts == {"train": 32_561, "test": 16_281}
