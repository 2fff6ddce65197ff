"""The pages of runs: what they say, who may do what, and that choices survive."""

import json
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client
from runs_kit import make_version, queue, train_here

from training.recipes import ABOUT_SOME
from webapp.projects.models import Membership, Role, User
from webapp.projects.services import create_project
from webapp.runs import lifecycle, services
from webapp.runs.drafting.new_run import NewRun
from webapp.runs.models import Run
from webapp.runs.pages.again import clone_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def viewer(seat) -> Client:
    """Somebody who may look at the project."""
    person = User.objects.create_user("vera", "vera@example.org", "stone-and-gold-3")
    Membership.objects.create(project=seat.project, user=person, role=Role.VIEWER)
    client = Client()
    client.force_login(person)
    return client


def text(answer, status=200):
    """The words of a page, as a browser reads them."""
    assert answer.status_code == status, answer.status_code
    return unescape(answer.content.decode())


def fail(run, **error):
    """End a run as a training does that went wrong."""
    claimed = lifecycle.claim_run(run.pk)
    lifecycle.fail(claimed, {"code": "diverged", "message": "The loss is not a number at step 3.", "hint": "", **error})
    run.refresh_from_db()
    return run


# New run


def test_a_project_without_data_is_told_to_bring_some(browser, seat, redis):
    page = text(browser.get("/runs/new/"))
    assert "Bring data first" in page
    assert 'type="submit" class="btn btn-primary' not in page


def test_everything_is_proposed_and_start_is_one_press_away(browser, version):
    page = text(browser.get("/runs/new/"))
    assert "kind (category)" in page
    assert "Multilayer perceptron" in page
    assert "recommended" in page
    assert "is on by default: 20 % of the examples" in page
    assert "always answering" in page
    answer = browser.post("/runs/new/", {"dataset": version.dataset_id})
    run = Run.objects.get()
    assert answer.url == f"/runs/{run.pk}/"
    assert run.spec["roles"]["target"] == ["kind"]
    assert run.status == Run.Status.QUEUED


def test_the_form_has_every_setting_of_the_chosen_architecture_and_all_of_the_recipe_that_is_read(browser, version):
    page = text(browser.get("/runs/new/?architecture=mlp"))
    settings = NewRun(member=Membership.objects.get(), data=QueryDict("architecture=mlp")).settings
    unread = set(ABOUT_SOME) - set(settings.task.heeds)
    recipe = [field for field in settings.recipe if field.name not in unread]
    for field in (*settings.network, *recipe, *settings.split.counting()):
        assert f'name="{field.html_name}"' in page
        assert field.label in page
    assert unread == {"huber", "mix"}


def test_a_changed_choice_comes_back_in_the_pieces_that_htmx_asks_for(browser, version):
    boxes = text(browser.get("/runs/new/?architecture=linear", headers={"HX-Request": "true", "HX-Target": "boxes"}))
    assert "<html" not in boxes
    assert 'value="linear" id="architecture-linear" data-box checked' in boxes
    assert 'id="ready" hx-swap-oob' in boxes
    ready = text(browser.get("/runs/new/?recipe-epochs=7", headers={"HX-Request": "true", "HX-Target": "ready"}))
    assert "box-data" not in ready
    assert "Steps" in ready


def test_another_target_is_no_longer_learnt_from(browser, version):
    draft = NewRun(member=Membership.objects.get(), data=QueryDict("role.target=colour"))
    assert draft.spec.roles["target"] == ["colour"]
    assert "colour" not in draft.spec.roles["features"]
    assert "kind" in draft.spec.roles["features"]


def test_settings_that_were_changed_are_what_the_run_is_made_of(browser, version):
    form = {
        "dataset": version.dataset_id,
        "preset": "quick",
        "name": "Seven",
        "recipe-epochs": "7",
        "split-test": "0.3",
    }
    browser.post("/runs/new/", form)
    run = Run.objects.get()
    assert (run.name, run.spec["recipe"]["epochs"], run.spec["split"]["test"]) == ("Seven", 7, 0.3)


def test_the_way_to_divide_decides_which_columns_are_offered(browser, version):
    page = text(browser.get("/runs/new/", {"split-how": "time"}))
    assert "The latest are held out" in page
    assert 'name="split-column"' in page
    draft = NewRun(member=Membership.objects.get(), data=QueryDict("split-how=time&split-column=colour"))
    assert (draft.spec.split.how, draft.spec.split.column) == ("time", "size")
    assert [field.name for field in draft.settings.split.counting()] == ["test", "validation", "seed", "how", "column"]


def test_ways_to_divide_that_do_not_go_together_end_in_a_sentence(browser, version):
    page = text(browser.get("/runs/new/", {"split-how": "time", "split-folds": "5"}))
    assert "Folds need at least two, and a division at random, by class or by group." in page
    assert 'name="split-folds"' in page


QUESTIONS = "\n".join(
    json.dumps(
        {
            "context": f"{name} was born in {year}.",
            "question": question,
            "answers": {"text": [found], "answer_start": [at]},
        }
    )
    for year in range(1900, 1930)
    for name in ("Ada",)
    for question, found, at in (
        ("Who was born?", name, 0),
        (f"When was {name} born?", str(year), len(f"{name} was born in ")),
    )
)


@pytest.fixture
def questions(seat, redis, tmp_path):
    """Two questions about each of thirty texts."""
    path = tmp_path / "questions.jsonl"
    path.write_text(QUESTIONS)
    return make_version(seat, tmp_path, file=path)


def test_questions_about_one_text_stay_on_one_side(questions):
    split = services.propose_spec(questions).split
    assert (split.how, split.column) == ("group", "context")
    assert services.propose_spec(questions, split={"test": 0.3}).split.how == "group"
    assert services.propose_spec(questions, split={"how": "random"}).split.column == ""


def test_questions_keep_the_parts_that_their_files_name(questions):
    questions.description["parts"] = {"train": 40, "test": 20}
    assert services.propose_spec(questions).split.how == "random"


def test_the_new_run_page_offers_the_usual_division_and_takes_another(browser, questions):
    member = Membership.objects.get()
    assert NewRun(member=member, data=QueryDict("")).spec.split.column == "context"
    chosen = NewRun(member=member, data=QueryDict("split-how=random")).spec.split
    assert (chosen.how, chosen.column) == ("random", "")


def test_a_setting_out_of_bounds_is_named_and_nothing_typed_is_lost(browser, version):
    form = {"dataset": version.dataset_id, "name": "My try", "recipe-lr": "1000", "recipe-epochs": "7"}
    page = text(browser.post("/runs/new/", form), status=422)
    assert "Learning rate: Choose at most 100." in page
    assert "Correct “Learning rate”" in page
    assert 'value="My try"' in page
    assert 'value="1000"' in page
    assert 'name="recipe-epochs" value="7"' in page
    assert not Run.objects.exists()


def test_viewers_may_look_at_the_form_but_not_start(viewer, version):
    assert "Ask an owner to make you an editor." in text(viewer.get("/runs/new/"))
    assert viewer.post("/runs/new/", {"dataset": version.dataset_id}).status_code == 403
    assert not Run.objects.exists()


def test_data_of_another_project_does_not_exist(stranger, version):
    assert stranger.get(f"/runs/new/?dataset={version.dataset_id}").status_code == 404


# One run


def test_a_waiting_run_says_when_it_starts_and_can_be_stopped(browser, seat, version):
    first, second = queue(seat, version), queue(seat, version)
    assert "Next in the queue" in text(browser.get(f"/runs/{first.pk}/"))
    assert "Number 2 in the queue" in text(browser.get(f"/runs/{second.pk}/"))
    browser.post(f"/runs/{second.pk}/stop/", {"keep": "0"})
    second.refresh_from_db()
    assert second.status == Run.Status.STOPPED
    page = text(browser.get(f"/runs/{second.pk}/"))
    assert "Stopped and discarded." in page
    assert "There is no checkpoint to go on from." in page


def test_a_failed_run_shows_the_sentence_and_tries_again_with_the_remedy(browser, seat, version):
    run = fail(queue(seat, version, lr=50.0), hint="Try a learning rate ten times lower.", remedy={"lr": 5.0})
    page = text(browser.get(f"/runs/{run.pk}/"))
    assert "The loss is not a number at step 3." in page
    assert "Try again with Learning rate 5" in page
    assert page.index("?tab=logs") < page.index("?tab=charts")
    browser.post(f"/runs/{run.pk}/retry/")
    retried = Run.objects.exclude(pk=run.pk).get()
    assert retried.spec["recipe"] == run.spec["recipe"] | {"lr": 5.0}
    assert retried.spec["settings"] == run.spec["settings"]


def test_a_clone_link_fills_in_the_form_exactly_like_the_run(seat, version):
    run = queue(seat, version, epochs=17, nesterov=True)
    query = urlsplit(clone_url(run)).query
    draft = NewRun(member=seat, data=QueryDict(query))
    assert draft.missing == []
    assert draft.spec == run.train_spec()
    changed = NewRun(member=seat, data=QueryDict(urlsplit(clone_url(run, {"lr": 0.5})).query))
    assert changed.spec.recipe == run.train_spec().recipe.model_copy(update={"lr": 0.5})


def test_a_finished_run_says_how_good_it_is_and_against_what(browser, seat, version):
    run = train_here(queue(seat, version))
    report = services.read_report(run)
    page = text(browser.get(f"/runs/{run.pk}/"))
    assert report.verdict.title in page
    assert report.baselines[0].title in page
    assert "held-out examples" in page
    assert "Class by class" in page
    assert f"/playground/{run.pk}/" in page
    predictions = text(browser.get(f"/runs/{run.pk}/?tab=predictions"))
    assert "The hardest first" in predictions
    assert "weight" in predictions
    cell = text(browser.get(f"/runs/{run.pk}/predictions/?truth=rose&prediction=tulip"))
    assert "“rose” called “tulip”" in cell
    assert "“rose” called “rose”" in text(browser.get(f"/runs/{run.pk}/?tab=predictions&truth=rose&prediction=rose"))
    wrong = sum(n for at, row in enumerate(report.confusion.counts) for to, n in enumerate(row) if at != to)
    assert f"{wrong} held-out" in text(browser.get(f"/runs/{run.pk}/predictions/?wrong=1"))
    assert "report.json" in text(browser.get(f"/runs/{run.pk}/?tab=files"))
    assert "Batch size" in text(browser.get(f"/runs/{run.pk}/?tab=settings"))
    assert "Flowers" in text(browser.get(f"/runs/{run.pk}/?tab=data"))
    assert "Training" in text(browser.get(f"/runs/{run.pk}/?tab=logs"))
    charts = text(browser.get(f"/runs/{run.pk}/?tab=charts"))
    assert "train/loss" in charts
    assert report.baselines[0].title in charts


def test_a_tab_comes_alone_when_htmx_asks_for_it(browser, seat, version):
    run = queue(seat, version)
    for target, there in (("run-tab", "Batch size"), ("run-header", "page-header"), ("run-tabs", "nav-link")):
        piece = text(browser.get(f"/runs/{run.pk}/?tab=settings", headers={"HX-Request": "true", "HX-Target": target}))
        assert there in piece
        assert "<html" not in piece


def test_a_run_is_renamed_in_place_but_not_to_nothing(browser, seat, version):
    run = queue(seat, version, name="Before")
    assert 'value="After"' in text(browser.post(f"/runs/{run.pk}/rename/", {"name": " After "}))
    browser.post(f"/runs/{run.pk}/rename/", {"name": "  "})
    run.refresh_from_db()
    assert run.name == "After"


def test_a_run_is_deleted_only_once_it_has_ended(browser, seat, version):
    run = queue(seat, version)
    assert browser.post(f"/runs/{run.pk}/delete/").status_code == 409
    browser.post(f"/runs/{run.pk}/stop/", {"keep": "0"})
    assert browser.post(f"/runs/{run.pk}/delete/").url == "/runs/"
    assert not Run.objects.exists()


ACTIONS = ("stop", "resume", "retry", "rename", "delete")


def test_viewers_see_no_buttons_and_are_refused_with_a_sentence(viewer, seat, version):
    run = queue(seat, version)
    page = text(viewer.get(f"/runs/{run.pk}/"))
    assert "Stop and keep" not in page
    assert "Clone" not in page
    for action in ACTIONS:
        answer = viewer.post(f"/runs/{run.pk}/{action}/", {"name": "x", "keep": "1"})
        assert "Ask an owner to make you an editor." in text(answer, status=403)


def test_runs_of_other_projects_do_not_exist(stranger, seat, version):
    run = queue(seat, version)
    for path in ("", "?tab=logs", "predictions/"):
        assert stranger.get(f"/runs/{run.pk}/{path}").status_code == 404
    for action in ACTIONS:
        assert stranger.post(f"/runs/{run.pk}/{action}/").status_code == 404
    run.refresh_from_db()
    assert run.status == Run.Status.QUEUED


# Lists


def test_the_list_finds_filters_and_sorts_by_what_the_address_says(browser, seat, version):
    queue(seat, version, name="Alpha")
    fail(queue(seat, version, name="Beta"))

    def names(query):
        page = text(browser.get(f"/runs/{query}", headers={"HX-Request": "true", "HX-Target": "runs-table"}))
        return [name for name in sorted(("Alpha", "Beta"), key=page.find) if name in page]

    assert names("") == ["Beta", "Alpha"]
    assert names("?sort=name") == ["Alpha", "Beta"]
    assert names("?sort=-score") == ["Beta", "Alpha"]
    assert names("?q=alp") == ["Alpha"]
    assert names("?q=flow&status=failed") == ["Beta"]
    assert names("?architecture=linear") == []
    assert names(f"?dataset={version.dataset_id}&owner=ada&task=tabular-classification") == ["Beta", "Alpha"]
    assert "No run fits" in text(browser.get("/runs/?q=nothing"))


def test_an_empty_list_says_what_to_do_first(browser, seat, redis):
    assert "Start the first run" in text(browser.get("/runs/"))


def test_a_list_of_many_runs_asks_the_database_few_questions(browser, seat, version, django_assert_max_num_queries):
    for _ in range(12):
        queue(seat, version)
    with django_assert_max_num_queries(25):
        browser.get("/runs/")


def test_two_runs_are_compared_with_intervals_a_test_and_their_differences(browser, seat, version):
    first, second = train_here(queue(seat, version)), train_here(queue(seat, version, epochs=5, seed=3))
    page = text(browser.get(f"/compare/?runs={first.pk},{second.pk}"))
    assert "Is the difference real?" in page
    assert "held-out examples" in page
    assert "Balanced accuracy" in page
    same = page.split('id="settings-diff"')[1]
    assert '<tr>\n<th scope="row">Epochs' in same or '<tr><th scope="row">Epochs' in same
    assert '<tr class="is-same"><th scope="row">Batch size' in same
    assert '"train/loss"' in page


def test_compare_lets_people_choose_when_nothing_is_chosen(browser, seat, version, stranger):
    run = queue(seat, version, name="Alpha")
    assert "Alpha" in text(browser.get("/compare/"))
    assert "“Alpha” is ticked. Tick one more." in text(browser.get(f"/compare/?runs={run.pk}"))
    assert "Alpha" not in text(stranger.get(f"/compare/?runs={run.pk}"))


def test_the_queue_shows_everybody_waiting_but_not_what_strangers_train(browser, seat, version, stranger, tmp_path):
    other = create_project(owner=User.objects.get(username="mallory"), name="Secret garden")
    queue(other, make_version(other, tmp_path, name="Roses"), name="Hidden")
    queue(seat, version, name="Mine")
    page = text(browser.get("/queue/"))
    assert "A run of another project" in page
    assert "Hidden" not in page
    assert "Secret garden" not in page
    assert page.index("A run of another project") < page.index("Mine")


def test_stopping_from_the_queue_comes_back_to_it(browser, seat, version):
    run = queue(seat, version)
    assert browser.post(f"/runs/{run.pk}/stop/", {"keep": "1", "next": "queue"}).url == "/queue/"


def test_nobody_sees_a_page_without_logging_in(db, redis):
    for path in ("/runs/", "/runs/new/", "/runs/1/", "/compare/", "/queue/"):
        answer = Client().get(path)
        assert parse_qs(urlsplit(answer.url).query)["next"] == [path]
