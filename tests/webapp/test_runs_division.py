"""How the examples are divided: what the page promises is what a training finds."""

from html import unescape

import pytest
from django.http import QueryDict
from runs_kit import make_version

from training.examples import read_examples
from webapp.core import storage
from webapp.projects.models import Membership
from webapp.runs.drafting.new_run import NewRun
from webapp.runs.models import Run

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = ("train", "training", "Train", "dev", "test")


@pytest.fixture
def version(seat, redis, tmp_path):
    """Sixty visits of a dozen people on sixty days; one visit in fifteen has no result."""
    lines = ["person,day,fold,mood,size,kind"]
    for n in range(60):
        kind = "" if n % 15 == 7 else ("rose", "tulip")[n % 2]
        lines.append(f"P{n % 12},2024-{1 + n // 28:02d}-{1 + n % 28:02d},{WORDS[n % 5]},{'abc'[n % 3]},{n % 9},{kind}")
    return make_version(seat, tmp_path, text="\n".join(lines))


def draft(query: str) -> NewRun:
    return NewRun(member=Membership.objects.get(), data=QueryDict(f"role.target=kind&{query}"))


@pytest.mark.parametrize(
    ("query", "held_out"),
    [
        ("split-how=random", None),
        ("split-how=stratified", 12),
        ("split-how=group&split-column=person", None),
        ("split-how=time&split-column=day", 11),
        ("split-how=column&split-column=fold", 12),
        ("split-how=random&split-test=0.4&split-validation=0.2&split-seed=5", None),
        ("folds=3", None),
    ],
)
def test_what_the_page_counts_is_what_a_training_finds(version, query, held_out):
    made = draft(query)
    data = str(storage.local_folder(version.folder))
    found = read_examples(made.spec.model_copy(update={"data": data})).counts()
    assert made.missing == []
    assert made.estimate["rows"] == found
    assert held_out in (None, found["test"])
    assert found["train"] > 20


def test_a_column_of_parts_is_chosen_on_the_page_and_started_with(browser, version):
    page = unescape(browser.get("/runs/new/?role.target=kind&split-how=column").content.decode())
    assert "“fold” says which examples judge the result." in page
    assert "32 to learn from, 12 held out" in page
    browser.post("/runs/new/", {"dataset": version.dataset_id, "role.target": "kind", "split-how": "column"})
    split = Run.objects.get().spec["split"]
    assert (split["how"], split["column"]) == ("column", "fold")


def test_a_column_of_parts_is_not_learnt_from(version):
    assert draft("").spec.roles["features"] == ["person", "day", "mood", "size"]


@pytest.mark.parametrize(("how", "column"), [("group", "person"), ("time", "day"), ("group", "mood")])
def test_the_column_that_divides_the_rows_is_not_learnt_from(version, how, column):
    made = draft(f"split-how={how}&split-column={column}")
    assert made.spec.roles["features"] == [name for name in ("person", "day", "mood", "size") if name != column]
    assert (made.spec.split.how, made.spec.split.column) == (how, column)
    features = next(choice for choice in made.roles if choice.role.key == "features")
    assert column not in [offered.name for offered in features.columns]
    assert features.set_apart == column


def test_a_column_that_was_ticked_is_given_up_when_it_divides_the_rows_and_the_page_says_so(browser, version):
    query = "role.target=kind&role.features=person&role.features=size&split-how=group&split-column=person"
    page = unescape(browser.get(f"/runs/new/?{query}").content.decode())
    assert "“person” divides the rows, so it is not learnt from" in page
    browser.post("/runs/new/", QueryDict(f"dataset={version.dataset_id}&{query}").dict() | {"role.features": ["size"]})
    assert Run.objects.get().spec["roles"]["features"] == ["size"]


def test_rows_are_not_divided_by_what_is_predicted(version):
    field = draft("split-how=group").settings.split.fields["column"]
    assert "kind" not in [value for value, _ in field.widget.choices]


def test_the_data_page_shows_which_column_divides_the_rows(browser, version):
    answer = browser.get(f"/datasets/{version.dataset_id}/?split-how=group&split-column=person")
    assert "Divides the rows" in answer.content.decode()
    assert "person" not in answer.context["choice"].roles["features"]
    assert "person" in browser.get(f"/datasets/{version.dataset_id}/").context["choice"].roles["features"]


def test_a_program_that_learns_from_the_column_that_divides_gets_the_sentence(api, version):
    split = {"how": "group", "column": "person"}
    body = {"dataset": version.dataset_id, "roles": {"target": "kind"}, "split": split}
    made = api.post("/api/v1/runs/", body, content_type="application/json").json()
    assert made["spec"]["roles"]["features"] == ["day", "mood", "size"]
    for role in ({"features": ["person", "size"]}, {"target": "person"}):
        body["roles"] = {"target": "kind"} | role
        answer = api.post("/api/v1/runs/", body, content_type="application/json")
        assert answer.status_code == 400
        assert "“person” divides the rows, so it cannot be" in answer.json()["error"]["message"]


def test_only_columns_that_say_parts_are_offered_to_divide_by(version):
    field = draft("split-how=column").settings.split.fields["column"]
    assert [value for value, _ in field.widget.choices] == ["fold"]


def test_a_division_that_leaves_nothing_to_learn_from_is_said_before_start(browser, seat, redis, tmp_path):
    words = "\n".join(["fold,size,kind", *(f"{('train', 'test')[n > 5]},{n % 7},{'xy'[n % 2]}" for n in range(40))])
    make_version(seat, tmp_path, text=words.replace("train", "dev"))
    page = unescape(browser.get("/runs/new/?split-how=column").content.decode())
    assert "too few examples: 0 to learn from, 34 held out" in page
    assert "Divide it otherwise" in page


@pytest.mark.parametrize("how", ["random", "group", "column"])
def test_a_program_is_told_the_same_counts(api, version, how):
    column = {"group": "person", "column": "fold"}.get(how, "")
    body = {"dataset": version.dataset_id, "roles": {"target": "kind"}, "split": {"how": how, "column": column}}
    answer = api.post("/api/v1/runs/estimate/", body, content_type="application/json").json()
    assert answer["rows"] == draft(f"split-how={how}&split-column={column}").rows


def test_a_program_that_divides_by_another_column_gets_the_sentence(api, version):
    body = {"dataset": version.dataset_id, "roles": {"target": "kind"}, "split": {"how": "column", "column": "mood"}}
    answer = api.post("/api/v1/runs/estimate/", body, content_type="application/json")
    assert answer.status_code == 400
    assert "none of train, val and test" in answer.json()["error"]["message"]
