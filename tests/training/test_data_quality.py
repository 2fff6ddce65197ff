"""What a person should look at is found, explained, and mended at a press."""

import random

import pytest

from tests.training.test_data_tables import bring, imported
from training.data.fixes import apply_fixes
from training.data.importing import read_description
from training.data.schema import Description, Finding

WORDS = [first + second for first in ("river", "stone", "cloud", "silver", "night") for second in "abcdefghijklmnop"]


def sentence(seed: int, length: int = 12) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length)) + f" {seed}"


def finding(description: Description, key: str) -> Finding:
    return next(finding for finding in description.quality if finding.key == key)


def keys(description: Description) -> set[str]:
    return {finding.key for finding in description.quality}


def mended(tmp_path, found: Finding) -> Description:
    assert found.fix is not None
    list(apply_fixes(tmp_path / "version", [found.fix], tmp_path / "mended"))
    return read_description(tmp_path / "mended")


def table(rows: list[tuple[object, ...]], header: str) -> str:
    return header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


def test_texts_that_differ_in_a_word_are_near_duplicates(tmp_path):
    rows = [(n % 2, sentence(n)) for n in range(60)] + [(1, sentence(7) + "!"), (0, sentence(8).upper())]
    _, description = imported(bring(tmp_path, table(rows, "label,text")))
    found = finding(description, "near-duplicates")
    assert (found.rows, found.count) == ([60, 61], 2)
    after = mended(tmp_path, found)
    assert after.rows == 60
    assert "near-duplicates" not in keys(after)


def test_chinese_texts_that_differ_in_a_character_are_near_duplicates(tmp_path):
    signs = [chr(0x4E00 + number) for number in range(200)]
    texts = ["".join(random.Random(n).sample(signs, 16)) for n in range(60)]
    rows = [(n % 2, text) for n, text in enumerate([*texts, texts[5] + "！", texts[6] + "了"])]
    _, description = imported(bring(tmp_path, table(rows, "label,text")))
    assert finding(description, "near-duplicates").rows == [60, 61]


def test_held_out_texts_that_training_nearly_holds_are_found(tmp_path):
    train = bring(tmp_path, table([(n % 2, sentence(n)) for n in range(50)], "label,text"), "train.csv")
    held = [(1, sentence(3)), (0, sentence(4) + " indeed"), (1, sentence(900))]
    _, description = imported(train, bring(tmp_path, table(held, "label,text"), "test.csv"))
    assert finding(description, "leak").rows == [50]
    assert finding(description, "near-leak").rows == [51]
    assert mended(tmp_path, finding(description, "near-leak")).parts == {"train": 52, "test": 1}


def test_questions_about_one_paragraph_are_no_near_duplicates(tmp_path):
    rows = [(sentence(n // 5, 60), f"What is {sentence(n, 3)}?", "x") for n in range(50)]
    _, description = imported(bring(tmp_path, table(rows, "context,question,note")))
    assert "near-duplicates" not in keys(description)


@pytest.mark.parametrize(("label", "given"), [("class", "churned"), ("price", "price_in_cents")])
def test_a_column_that_gives_the_target_away_is_found(tmp_path, label, given):
    random.seed(0)
    rows = []
    for number in range(300):
        price, yes = random.gauss(100, 20), number % 3 == 0
        target, same = (
            (("yes" if yes else "no"), int(yes)) if label == "class" else (f"{price:.4f}", f"{price * 100:.2f}")
        )
        rows.append((f"{random.random():.3f}", f"{price + random.gauss(0, 30):.3f}", same, target))
    _, description = imported(bring(tmp_path, table(rows, f"noise,near,{given},{label}")))
    assert [found.column for found in description.quality if found.key == "giveaway"] == [given]
    after = mended(tmp_path, finding(description, "giveaway"))
    assert given not in {column.name for column in after.columns}
    assert "giveaway" not in keys(after)


def test_a_class_written_in_several_ways_is_given_away_all_the_same(tmp_path):
    random.seed(0)
    rows = [(f"{random.random():.3f}", n % 3, ("spam", "ham", ("Eggs", "eggs")[n % 2])[n % 3]) for n in range(300)]
    _, description = imported(bring(tmp_path, table(rows, "noise,sender,kind")))
    assert [found.column for found in description.quality if found.key == "giveaway"] == ["sender"]


def test_spellings_of_a_label_are_merged_into_the_commonest(tmp_path):
    rows = [("spam", 1)] * 9 + [("Spam", 2)] * 3 + [(" spam", 3)] * 3 + [("ham", 4)] * 9
    _, description = imported(bring(tmp_path, table(rows, "label,n")))
    found = finding(description, "near-labels")
    assert found.fix is not None
    assert found.fix.labels == {"Spam": "spam", " spam": "spam"}
    assert "near-labels" not in keys(mended(tmp_path, found))


def test_rows_without_a_label_can_be_removed(tmp_path):
    rows = [("yes", n) for n in range(9)] + [("no", n) for n in range(9)] + [("", n) for n in range(3)]
    _, description = imported(bring(tmp_path, table(rows, "label,n")))
    found = finding(description, "missing-target")
    assert (found.count, found.rows) == (3, [18, 19, 20])
    assert "missing" not in keys(description)
    assert mended(tmp_path, found).rows == 18


def test_a_class_of_one_can_be_removed(tmp_path):
    rows = [("yes", n) for n in range(9)] + [("maybe", 3)] + [("no", n) for n in range(9)]
    _, description = imported(bring(tmp_path, table(rows, "label,n")))
    after = mended(tmp_path, finding(description, "single-class"))
    assert (after.rows, "single-class" in keys(after)) == (18, False)


def test_the_same_text_with_two_labels_is_a_contradiction(tmp_path):
    rows = [("ab"[n % 2], sentence(n)) for n in range(40)] + [("b", sentence(2))]
    _, description = imported(bring(tmp_path, table(rows, "label,text")))
    found = finding(description, "contradiction")
    assert found.rows == [2, 40]
    assert mended(tmp_path, found).rows == 39


def test_texts_longer_than_models_read_are_counted(tmp_path):
    rows = [("ab"[n % 2], sentence(n, 600 if n % 4 == 0 else 10)) for n in range(40)]
    _, description = imported(bring(tmp_path, table(rows, "label,text")))
    assert finding(description, "long-texts").count == 10


@pytest.mark.parametrize(("column", "key"), [("same", "constant"), ("id", "identifier"), ("gone", "empty")])
def test_columns_that_teach_nothing_can_be_removed(tmp_path, column, key):
    rows = [(n, "x", "", n % 7, "ab"[n % 2]) for n in range(60)]
    _, description = imported(bring(tmp_path, table(rows, "id,same,gone,n,label")))
    found = finding(description, key)
    assert found.column == column
    assert column not in {left.name for left in mended(tmp_path, found).columns}
