"""Cross-validation: one choice, a run per fold, and what they say together."""

from html import unescape
from typing import Any

import pytest
from django.http import QueryDict
from runs_kit import make_version, train_here

from training.spec import Split
from webapp.core.errors import UserError
from webapp.projects.models import Membership
from webapp.runs import services
from webapp.runs.comparing.compare import compare
from webapp.runs.drafting.new_run import NewRun
from webapp.runs.folds import services as folds
from webapp.runs.folds.compared import rivals
from webapp.runs.models import CrossValidation, Run

pytestmark = pytest.mark.django_db(transaction=True)

TINY: dict[str, Any] = {
    "architecture": "mlp",
    "settings": {"hidden_sizes": "8"},
    "recipe": {"epochs": 3, "batch_size": 16},
}


@pytest.fixture
def group(seat, version) -> CrossValidation:
    """Three folds that wait in the queue."""
    spec = services.propose_spec(version, **TINY)
    return folds.queue_folds(member=seat, version=version, spec=spec, folds=3, name="Thirds")


def draft(query: str) -> NewRun:
    return NewRun(member=Membership.objects.get(), data=QueryDict(query))


def text(answer) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_a_choice_on_the_new_run_page_starts_a_run_for_every_fold(browser, version):
    page = text(browser.get("/runs/new/", {"folds": "5"}))
    assert "Start 5 runs" in page
    assert "judged by another 20 % of the examples" in page
    assert 'name="split-test"' not in page
    answer = browser.post(
        "/runs/new/", {"dataset": version.dataset_id, "folds": "5", "split-fold": "4", "name": "Ours"}
    )
    group = CrossValidation.objects.get()
    assert answer.url == f"/runs/cross-validations/{group.pk}/"
    assert [run.spec["split"]["fold"] for run in folds.runs_of(group)] == [1, 2, 3, 4, 5]
    assert {run.spec["split"]["folds"] for run in folds.runs_of(group)} == {5}
    assert Run.objects.first().name == "Ours · fold 5 of 5"


def test_the_new_run_page_counts_what_a_fold_learns_from(version):
    fifths = draft("folds=5").estimate["rows"]
    assert fifths["train"] + fifths["test"] == 200
    assert fifths["test"] == pytest.approx(40, abs=15)
    assert draft("folds=10").estimate["rows"]["test"] == pytest.approx(20, abs=12)
    assert draft("folds=7").folds == 0
    quarters = [draft(f"split-folds=4&split-fold={fold}").estimate["rows"]["test"] for fold in (1, 2, 3, 4)]
    assert sum(quarters) == 200


def test_data_that_brings_its_test_part_is_not_divided_into_folds(seat, version):
    description = version.describe().model_copy(update={"parts": {"train": 150, "test": 50}})
    assert "brings its own" in folds.why_no_folds(description, Split())
    assert draft("folds=5&split-how=time&split-column=size").folds == 0
    spec = services.propose_spec(version, split={"how": "time", "column": "size"})
    with pytest.raises(UserError, match="at random, by class or by group"):
        folds.queue_folds(member=seat, version=version, spec=spec, folds=5)
    assert not CrossValidation.objects.exists()


def test_the_folds_that_are_finished_give_mean_and_spread(browser, group):
    first, second, third = folds.runs_of(group)
    assert "as soon as the first fold is finished" in text(browser.get(group.get_absolute_url()))
    train_here(first)
    train_here(second)
    runs = folds.runs_of(group)
    measure = folds.measure_folds(runs)[0]
    a, b = runs[0].headline["value"], runs[1].headline["value"]
    assert measure.metric.key == runs[0].headline["key"]
    assert measure.values == [a, b, None]
    assert measure.mean == pytest.approx((a + b) / 2)
    assert measure.spread == pytest.approx(abs(a - b) / 2**0.5)
    page = text(browser.get(group.get_absolute_url()))
    assert "mean of 2 folds of 3" in page
    assert "±" in page
    assert f'href="{third.get_absolute_url()}"' in page
    assert "fold 1 of 3" in text(browser.get(first.get_absolute_url()))
    assert f'href="{group.get_absolute_url()}"' in text(browser.get("/runs/"))


def test_the_first_page_shows_folds_as_one_result_and_none_of_them_as_best_model(browser, group):
    for run in folds.runs_of(group):
        train_here(run)
    mean = folds.mean_headline(folds.runs_of(group)[0].cross_validation)
    page = text(browser.get("/"))
    assert page.count(group.get_absolute_url()) == 1
    assert f"{100 * mean:.1f} %" in page
    assert "mean of 3 folds" in page
    assert "Best models" not in page


def test_folds_are_not_tested_against_each_other(group):
    found = compare(folds.runs_of(group))
    assert found["pairs"] == []
    assert "folds of “Thirds”" in found["warnings"][0]


def crossed(seat, version, name: str, **choice: Any) -> CrossValidation:
    """Two folds that wait."""
    spec = services.propose_spec(version, **choice)
    return folds.queue_folds(member=seat, version=version, spec=spec, folds=2, name=name)


def test_two_choices_on_the_same_folds_are_tested_against_each_other(browser, api, seat, version):
    size, colour = (
        crossed(seat, version, name, **TINY, roles={"target": "kind", "features": [name.lower()]})
        for name in ("Size", "Colour")
    )
    url = f"/api/v1/cross-validations/{size.pk}/compare/"
    early = api.get(url, {"other": colour.pk})
    assert early.status_code == 409
    assert "have not finished" in early.json()["error"]["message"]
    assert "as soon as both have finished" in text(browser.get(size.get_absolute_url()))
    for run in [*folds.runs_of(size), *folds.runs_of(colour)]:
        train_here(run)
    found = api.get(url, {"other": colour.pk}).json()
    values = [folds.measure_folds(folds.runs_of(group))[0].values for group in (size, colour)]
    differences = [second - first for first, second in zip(*values, strict=True)]
    assert found["difference"] == pytest.approx(sum(differences) / 2)
    assert (found["folds"], found["examples"], found["better"]) == (2, 200, None)
    assert (found["fixed"] - found["broken"]) / 200 == pytest.approx(found["difference"], abs=0.02)
    assert "“Colour” is behind by" in found["sentence"]
    assert "could be chance" in found["sentence"]
    page = text(browser.get(size.get_absolute_url()))
    assert found["sentence"] in page
    assert f"answers {found['fixed']} better and {found['broken']} worse" in page


def test_cross_validations_of_other_folds_are_not_compared(api, stranger, seat, version):
    first = crossed(seat, version, "First", **TINY)
    other = crossed(seat, version, "Other", **TINY, split={"seed": 7})
    answer = api.get(f"/api/v1/cross-validations/{first.pk}/compare/", {"other": other.pk})
    assert answer.status_code == 400
    assert "not judged on the same folds" in answer.json()["error"]["message"]
    assert rivals(first) == []
    assert stranger.get(f"/api/v1/cross-validations/{first.pk}/compare/", {"other": other.pk}).status_code == 404
    assert api.get(f"/api/v1/cross-validations/{first.pk}/compare/", {"other": "nonsense"}).status_code == 404


def test_all_folds_are_stopped_together_by_those_who_may(browser, stranger, group):
    assert stranger.post(f"/runs/cross-validations/{group.pk}/stop/").status_code == 404
    assert stranger.get(group.get_absolute_url()).status_code == 404
    assert browser.post(f"/runs/cross-validations/{group.pk}/stop/").url == group.get_absolute_url()
    assert {run.status for run in folds.runs_of(group)} == {Run.Status.STOPPED}


def test_a_cross_validation_goes_with_its_last_run(group):
    folds.stop_folds(group)
    for run in folds.runs_of(group):
        assert CrossValidation.objects.exists()
        services.delete_run(run)
    assert not CrossValidation.objects.exists()


def test_programs_start_read_and_stop_a_cross_validation(api, version):
    body = {"dataset": version.dataset_id, "folds": 4, "name": "Quarters", **TINY}
    made = api.post("/api/v1/cross-validations/", body, content_type="application/json")
    assert made.status_code == 201
    assert [run["fold"] for run in made.json()["runs"]] == [1, 2, 3, 4]
    train_here(Run.objects.get(pk=made.json()["runs"][0]["id"]))
    found = api.get(f"/api/v1/cross-validations/{made.json()['id']}/").json()
    accuracy = found["metrics"]["accuracy"]
    assert accuracy["spread"] is None
    assert accuracy["values"][1:] == [None, None, None]
    assert api.get("/api/v1/cross-validations/", {"project": version.dataset.project_id}).json()["results"] == [found]
    assert api.get(f"/api/v1/runs/{found['runs'][0]['id']}/").json()["cross_validation"] == found["id"]
    stopped = api.post(f"/api/v1/cross-validations/{found['id']}/stop/").json()
    assert [run["status"] for run in stopped["runs"]] == ["finished", "stopped", "stopped", "stopped"]


@pytest.mark.parametrize(("folds_asked", "word"), [(1, "2"), (21, "20"), ("many", "integer")])
def test_a_number_of_folds_that_cannot_be_is_refused(api, version, folds_asked, word):
    body = {"dataset": version.dataset_id, "folds": folds_asked}
    answer = api.post("/api/v1/cross-validations/", body, content_type="application/json")
    assert answer.status_code == 400
    assert word in answer.content.decode()


def test_a_division_by_class_without_classes_says_what_happens_instead(seat, redis, tmp_path):
    words = "\n".join(f"line {n} of a text that goes on and on" for n in range(40))
    path = tmp_path / "poem.txt"
    path.write_text(words)
    make_version(seat, tmp_path, file=path)
    note = draft("task=language-modeling&split-how=stratified").split_note
    assert "divided at random instead" in note
    assert draft("task=language-modeling").split_note == ""


def test_a_division_by_class_with_classes_says_so(version):
    assert draft("split-how=stratified").split_note == "Each class is held out in equal shares."
