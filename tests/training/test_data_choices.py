"""What is proposed, what may be chosen, and who is held out."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from tests.training.test_data_archives import packed
from tests.training.test_data_structures import sound
from tests.training.test_data_tables import BIRDS, bring, imported
from training.data.ids import row_ids
from training.data.importing import import_dataset, read_description
from training.data.roles import check_roles, roles_for
from training.data.schema import Description
from training.data.split import assign_parts
from training.data.starters import STARTERS, starter
from training.errors import TrainingError
from training.spec import Split

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def people(tmp_path) -> Description:
    """A table like the passengers of a ship: an id, names, an almost empty column, and who survived."""
    random = np.random.default_rng(0)
    rows = ["Id,Survived,Deck,Name,Age,Fare,Cabin"]
    for number in range(200):
        name = "".join(random.choice(list(LETTERS), 8))
        cabin = f"C{number}" if number % 7 == 0 else ""
        fare = f"{random.gamma(2) * 9:.2f}"
        rows.append(f"{number + 1},{number % 2},{number % 3},{name},{random.integers(1, 80)},{fare},{cabin}")
    return imported(bring(tmp_path, "\n".join(rows)))[1]


def test_ids_names_and_mostly_empty_columns_are_left_out(people):
    proposal = people.proposals[0]
    assert proposal.task == "tabular-classification"
    assert proposal.roles == {"target": ["Survived"], "features": ["Deck", "Age", "Fare"]}
    assert proposal.state == "good"
    assert "“Cabin”" in proposal.reason
    assert {(f.key, f.column) for f in people.quality} >= {
        ("identifier", "Id"),
        ("identifier", "Name"),
        ("mostly-empty", "Cabin"),
    }


def test_another_task_gets_its_own_roles(people):
    assert roles_for(people, "tabular-regression")["target"] == ["Fare"]
    assert "Survived" in roles_for(people, "tabular-regression")["features"]
    assert roles_for(people, "image-classification").keys() == {"target"}


def test_what_somebody_did_is_likelier_to_be_asked_than_what_they_earn(tmp_path):
    rows = "age,income,bought\n" + "".join(f"{20 + n % 50},{n * 31.25},{'yes' if n % 2 else 'no'}\n" for n in range(60))
    proposal = imported(bring(tmp_path, rows))[1].proposals[0]
    assert (proposal.task, proposal.roles["target"]) == ("tabular-classification", ["bought"])


def test_a_table_without_a_telling_name_proposes_its_last_column_to_check(tmp_path):
    rows = "height,width,colour\n" + "".join(f"{n}.5,{n * 2}.25,{'red' if n % 2 else 'blue'}\n" for n in range(60))
    proposal = imported(bring(tmp_path, rows))[1].proposals[0]
    assert (proposal.task, proposal.roles["target"], proposal.state) == ("tabular-classification", ["colour"], "check")


PAIRS = {
    "en": ("What is the name of the {} that was here?", "It is the {} and it was not from here."),
    "de": ("Wie ist der Name von dem {}, den wir nicht sehen?", "Das ist der {}, und er ist nicht von hier."),
}


@pytest.mark.parametrize(
    ("names", "left", "right", "tasks"),
    [
        ("question,answer", PAIRS["en"][0], PAIRS["en"][1], ["text-matching", "translation"]),
        ("frage,antwort", PAIRS["de"][0], PAIRS["de"][1], ["text-matching", "translation"]),
        ("first words,other words", PAIRS["en"][0], PAIRS["de"][0], ["translation"]),
        ("source,target", PAIRS["en"][0], PAIRS["en"][1], ["translation", "text-matching"]),
        ("en,de", PAIRS["en"][0], PAIRS["de"][0], ["translation"]),
    ],
)
def test_two_texts_in_one_language_belong_together_and_in_two_are_translations(tmp_path, names, left, right, tasks):
    rows = "\n".join(f'"{left.format(f"bird {n}")}","{right.format(f"bird {n}")}"' for n in range(60))
    proposals = imported(bring(tmp_path, f"{names}\n{rows}"))[1].proposals
    assert [proposal.task for proposal in proposals] == tasks
    first, second = names.split(",")
    matching = [proposal.roles for proposal in proposals if proposal.task == "text-matching"]
    assert matching == [{"first": [first], "second": [second]}] * len(matching)


def test_an_empty_column_is_not_proposed_to_be_learnt_from(tmp_path):
    rows = "".join(f",{'xy'[n % 2]}\n" for n in range(30))
    assert "language-modeling" not in [p.task for p in imported(bring(tmp_path, f"text,kind\n{rows}"))[1].proposals]


@pytest.mark.parametrize(
    ("task", "roles", "message", "hint"),
    [
        ("tabular-regression", {"target": ["Name"], "features": ["Age"]}, "“Name” is text", "Fare"),
        ("tabular-classification", {"target": ["Fare"], "features": ["Age"]}, "different values", "Predict a number"),
        ("tabular-classification", {"target": ["Name"], "features": ["Age"]}, "not classes", "Survived"),
        ("tabular-classification", {"target": ["Survived"]}, "No column is chosen", "Deck"),
        ("tabular-classification", {"target": ["Gone"], "features": ["Age"]}, "no column “Gone”", "Survived"),
        ("tabular-classification", {"target": ["Deck"], "features": ["Deck"]}, "cannot be both", "Take it out"),
        ("tabular-classification", {"target": ["Deck", "Age"], "features": ["Fare"]}, "takes one column", "Keep one"),
        ("image-classification", {"target": ["Survived"], "image": ["Age"]}, "column of numbers", "Upload data"),
    ],
)
def test_a_choice_that_cannot_work_is_refused_with_a_next_step(people, task, roles, message, hint):
    with pytest.raises(TrainingError) as caught:
        check_roles(people, task, roles)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_class_with_one_example_is_refused(tmp_path):
    description = imported(bring(tmp_path, BIRDS + "Emperor,Ross,60,30000,MALE\n"))[1]
    with pytest.raises(TrainingError, match="“Emperor” of “species” has one example; at least two are needed"):
        check_roles(description, "tabular-classification", {"target": ["species"], "features": ["mass_g"]})


def test_what_is_proposed_may_be_chosen(people):
    for proposal in people.proposals:
        check_roles(people, proposal.task, proposal.roles)


def test_equal_content_has_equal_ids_whatever_the_order_and_type():
    first = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]}).to_arrow()
    second = pl.DataFrame({"b": ["x", None, "z"], "a": [1.0, 2.0, 3.0]}).to_arrow()
    assert row_ids(first).tolist() == row_ids(second).tolist()
    assert len(set(row_ids(first).tolist())) == 3


def test_ids_are_the_same_on_every_machine():
    table = pl.DataFrame({"text": ["hello", "", None], "n": [0.5, -0.0, 2.0**60]}).to_arrow()
    assert row_ids(table).tolist() == IDS


IDS = [-8774431827273500711, -1527868651598230767, -4591710882697618304]


def test_texts_share_an_id_only_when_they_are_the_same():
    texts = [
        "",
        "a",
        "b",
        "ab",
        "ba",
        "a" * 8,
        "a" * 9,
        "a" * 16,
        "aaaaaaaabbbbbbbb",
        "bbbbbbbbaaaaaaaa",
        "é",
        "e",
        "中文",
    ]
    table = pl.DataFrame({"t": texts * 2}).to_arrow()
    ids = row_ids(table).tolist()
    assert len(set(ids)) == len(texts)
    assert ids[: len(texts)] == ids[len(texts) :] == row_ids(table.slice(len(texts))).tolist()


def test_large_integers_do_not_share_an_id():
    table = pl.DataFrame({"n": [2**60, 2**60 + 1]}).to_arrow()
    assert len(set(row_ids(table).tolist())) == 2


def some_ids(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-(2**63), 2**63 - 1, count)


def test_the_split_has_the_shares_that_were_asked_for():
    parts = assign_parts(some_ids(20_000), [None] * 20_000, Split(test=0.2, validation=0.1))
    shares = {part: float((parts == part).mean()) for part in ("train", "val", "test")}
    assert shares == pytest.approx({"train": 0.7, "val": 0.1, "test": 0.2}, abs=0.01)


def test_adding_rows_moves_none():
    ids = some_ids(1000)
    whole = assign_parts(ids, [None] * 1000, Split())
    assert (assign_parts(ids[:600], [None] * 600, Split()) == whole[:600]).all()


def test_the_held_out_rows_do_not_depend_on_the_validation_share():
    ids = some_ids(1000)
    plain, carved = (assign_parts(ids, [None] * 1000, Split(validation=share)) for share in (0.0, 0.3))
    assert ((plain == "test") == (carved == "test")).all()


def test_another_seed_holds_out_others():
    ids = some_ids(1000)
    first, second = (assign_parts(ids, [None] * 1000, Split(seed=seed)) for seed in (0, 1))
    assert 0.1 < (first != second).mean() < 0.6


def test_equal_examples_fall_on_the_same_side():
    ids = some_ids(500)
    parts = assign_parts(np.concatenate([ids, ids]), [None] * 1000, Split())
    assert (parts[:500] == parts[500:]).all()


def test_parts_that_the_files_name_are_kept():
    given = ["train"] * 800 + ["test"] * 200
    parts = assign_parts(some_ids(1000), given, Split(validation=0.25))
    assert (parts[800:] == "test").all()
    assert 0.2 < (parts[:800] == "val").mean() < 0.3


def test_a_validation_part_judges_where_there_is_no_test_part():
    parts = assign_parts(some_ids(10), ["train"] * 8 + ["val"] * 2, Split())
    assert parts.tolist() == ["train"] * 8 + ["test"] * 2


@pytest.mark.parametrize("key", [entry.key for entry in STARTERS if entry.offered])
def test_every_starter_comes_in_with_a_task(key, tmp_path):
    list(import_dataset([starter(key).write(tmp_path)], tmp_path / "version"))
    description = read_description(tmp_path / "version")
    proposal = description.proposals[0]
    assert description.kind == starter(key).kind
    assert proposal.state == "good"
    check_roles(description, proposal.task, proposal.roles)
    assert description.set_aside == 0


def test_the_command_tells_what_it_understood(tmp_path):
    source = bring(tmp_path, BIRDS)
    command = [sys.executable, "-m", "training.data", str(source), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "CSV, comma, UTF-8: 6 rows" in done.stdout
    assert "tabular-classification" in done.stdout
    assert "Looking at the columns" in done.stderr
    source.write_text("")
    failed = subprocess.run([*command[:-1], str(tmp_path / "other")], capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.endswith("birds.csv is empty.\nChoose a file with data in it.\n")


def test_reading_data_needs_no_torch_and_choosing_columns_no_polars():
    program = (
        "import sys, training.data.propose, training.data.preview; assert 'polars' not in sys.modules;"
        "import training.data.importing; from training.data.readers import READERS; list(READERS);"
        "assert not {'torch', 'pandas', 'sklearn', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("header", "row", "task", "roles"),
    [
        (
            "question,chosen,rejected",
            "What is {n} plus 1?,It is {m} of course.,I had rather not say what {n} makes.",
            "preference-tuning",
            {"prompt": ["question"], "chosen": ["chosen"], "rejected": ["rejected"]},
        ),
        (
            "article,headline",
            "On day {n} the mayor opened bridge {m} over the river and spoke for an hour of all that was to come.,"
            "Bridge {m} is open at last",
            "summarization",
            {"source": ["article"], "target": ["headline"]},
        ),
        (
            "sentence1,sentence2,score",
            "The cat of house {n} sleeps in the warm sun.,In the sun of house {n} a cat is sound asleep.,{m}.5",
            "text-similarity",
            {"target": ["score"], "first": ["sentence1"], "second": ["sentence2"]},
        ),
    ],
)
def test_texts_side_by_side_are_for_what_their_names_say(header, row, task, roles, tmp_path):
    rows = "\n".join(row.format(n=n, m=n + 1) for n in range(60))
    best = imported(bring(tmp_path, f"{header}\n{rows}\n"))[1].proposals[0]
    assert (best.task, best.roles, best.state) == (task, roles, "good")


def test_a_title_and_a_body_with_a_score_are_read_for_the_score(tmp_path):
    row = (
        "Day {n} at sea was one to remember for us,We had wind {n} and rain and saw whales near the boat at noon,{m}.5"
    )
    rows = "\n".join(row.format(n=n, m=n * 37 % 101) for n in range(60))
    assert imported(bring(tmp_path, f"title,body,score\n{rows}\n"))[1].proposals[0].task == "text-regression"


def test_sounds_beside_their_words_are_to_be_written_down(tmp_path):
    files = {f"{n}.wav": sound(0.1 + n / 100) for n in range(20)}
    rows = "\n".join(f"{n}.wav,turn on lamp {n} in the hall,{'ab'[n % 2]}" for n in range(20))
    files["metadata.csv"] = f"file,transcript,speaker\n{rows}\n".encode()
    first, second = imported(packed(tmp_path, files))[1].proposals
    assert (first.task, first.roles["target"]) == ("speech-recognition", ["transcript"])
    assert (second.task, second.roles["target"]) == ("audio-classification", ["speaker"])
