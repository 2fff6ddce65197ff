"""Runs over REST: the same promises as the pages, for programs."""

import asyncio

import orjson
import pytest
from django.test import AsyncClient, Client
from runs_kit import make_version, points, queue, train_here

from training import events as told
from webapp.projects.models import Membership, Role, User
from webapp.projects.services import create_token
from webapp.runs import lifecycle
from webapp.runs.curves.series_writer import Writer
from webapp.runs.models import Run


@pytest.fixture
def viewer(seat):
    """A program of somebody who may only look."""
    user = User.objects.create_user("vera", "vera@example.org", "stone-and-gold-3")
    Membership.objects.create(project=seat.project, user=user, role=Role.VIEWER)
    return Client(headers={"Authorization": f"Bearer {create_token(user=user, name='looks')}"})


def post(api, path, body=None):
    return api.post(f"/api/v1/runs/{path}", body or {}, content_type="application/json")


def test_a_data_set_alone_is_enough_to_start(api, version):
    answer = post(api, "", {"dataset": version.dataset_id})
    assert answer.status_code == 201
    body = answer.json()
    assert body["status"] == "queued"
    assert body["queue_position"] == 1
    assert body["spec"]["task"] == "tabular-classification"
    assert body["spec"]["roles"]["target"] == ["kind"]
    assert body["name"].startswith("Flowers")


def test_what_is_given_is_kept(api, version):
    body = {
        "project": version.dataset.project_id,
        "dataset": version.dataset_id,
        "name": "My first",
        "roles": {"target": "weight", "features": ["size"]},
        "architecture": "linear",
        "recipe": {"epochs": 7},
        "split": {"test": 0.3},
    }
    found = post(api, "", body).json()
    assert found["name"] == "My first"
    assert found["spec"]["task"] == "tabular-regression"
    assert found["spec"]["roles"] == {"target": ["weight"], "features": ["size"]}
    assert found["spec"]["recipe"]["epochs"] == 7
    assert found["spec"]["split"]["test"] == 0.3


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"roles": {"target": "colours"}}, "no column"),
        ({"roles": {"target": 7}}, "column name"),
        ({"roles": {"aim": "kind"}}, "learn from these"),
        ({"task": "flying"}, "flying"),
        ({"task": "tabular-regression", "roles": {"target": "kind"}}, "number"),
        ({"architecture": "abacus"}, "abacus"),
        ({"recipe": {"epochs": -1}}, "greater than 0"),
        ({"recipe": {"speed": 1}}, "speed"),
        ({"settings": {"hidden_sizes": "wide"}}, "hidden_sizes"),
        ({"preset": "fastest"}, "preset"),
        ({"dataset": 999_999}, "no data set"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(api, version, wrong, word):
    answer = post(api, "", {"dataset": version.dataset_id, **wrong})
    assert answer.status_code in (400, 404)
    assert word in answer.json()["error"]["message"]
    assert not Run.objects.exists()


def test_an_estimate_starts_nothing(api, version):
    body = post(api, "estimate/", {"dataset": version.dataset_id}).json()
    assert body["verdict"] == "fits"
    assert body["seconds"] > 0
    assert body["memory_bytes"] < body["memory_available"]
    assert body["parameters"] > 0
    assert not Run.objects.exists()


def test_runs_are_listed_newest_first_and_filtered(api, seat, version):
    first, second = queue(seat, version, name="Alpha"), queue(seat, version, name="Beta")
    lifecycle.ask_to_stop(first, keep=True)
    listed = [each["id"] for each in api.get("/api/v1/runs/").json()["results"]]
    assert listed == [second.pk, first.pk]
    for query, found in (("status=stopped", [first.pk]), ("search=bet", [second.pk]), ("project=999999", [])):
        assert [each["id"] for each in api.get(f"/api/v1/runs/?{query}").json()["results"]] == found


def test_the_queue_position_counts_those_before(api, seat, version):
    _first, second = queue(seat, version), queue(seat, version)
    assert api.get(f"/api/v1/runs/{second.pk}/").json()["queue_position"] == 2


@pytest.mark.parametrize("path", ["", "series/", "report/", "predictions/", "files/", "files/spec.json", "events/"])
def test_another_projects_run_does_not_exist(stranger, run, path):
    assert stranger.get(f"/api/v1/runs/{run.pk}/{path}").status_code == 404


def test_nobody_reads_without_a_token(run):
    assert Client().get(f"/api/v1/runs/{run.pk}/").status_code == 401


@pytest.mark.parametrize("path", ["{run}/stop/", "{run}/resume/", "{run}/clone/", ""])
def test_a_viewer_looks_and_changes_nothing(viewer, run, version, path):
    assert viewer.get(f"/api/v1/runs/{run.pk}/").status_code == 200
    answer = post(viewer, path.format(run=run.pk), {"dataset": version.dataset_id})
    assert answer.status_code == 403
    assert answer.json()["error"]["hint"]


def test_stop_resume_and_clone(api, run):
    assert post(api, f"{run.pk}/stop/", {"keep": True}).json()["status"] == "stopped"
    refused = post(api, f"{run.pk}/resume/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_resumable")
    Run.objects.filter(pk=run.pk).update(checkpoint_step=5)
    assert post(api, f"{run.pk}/resume/").json()["status"] == "queued"
    copy = post(api, f"{run.pk}/clone/").json()
    assert copy["id"] != run.pk
    assert copy["spec"] == run.spec
    assert copy["slug"] != run.slug


def test_curves_come_as_asked_for(api, run):
    Writer(run.pk).append({"train/loss": points(range(1, 5_001)), "val/loss": points([100, 200])})
    both = api.get(f"/api/v1/runs/{run.pk}/series/?names=train/loss,val/loss&points=100").json()["series"]
    assert set(both) == {"train/loss", "val/loss"}
    assert both["train/loss"]["count"] == 5_000
    assert len(both["train/loss"]["x"]) == len(both["train/loss"]["y"]) <= 100
    assert both["val/loss"]["x"] == [100, 200]
    assert api.get(f"/api/v1/runs/{run.pk}/series/?x=sideways").status_code == 400


def test_the_log_comes_as_a_list_to_who_wants_json(api, run):
    held = lifecycle.claim_run(run.pk)
    phases = [told.Phase(name="reading", title="Reading"), told.Phase(name="training", title="Training")]
    lifecycle.record_events(held, phases, Writer(run.pk))
    notes = api.get(f"/api/v1/runs/{run.pk}/events/").json()
    assert [note["data"]["title"] for note in notes] == ["Reading", "Training"]
    later = api.get(f"/api/v1/runs/{run.pk}/events/?after={notes[0]['id']}").json()
    assert [note["data"]["title"] for note in later] == ["Training"]


@pytest.mark.django_db(transaction=True)
def test_the_news_come_as_a_stream_that_starts_with_how_it_stands(seat, run):
    token = create_token(user=seat.user, name="a listener")

    async def listen():
        client = AsyncClient()
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        answer = await client.get(f"/api/v1/runs/{run.pk}/events/", headers=headers)
        parts, text = aiter(answer.streaming_content), ""
        while "event: status" not in text:
            text += (await anext(parts)).decode()
        await asyncio.to_thread(stop)
        while text.count("event: status") < 2:
            text += (await anext(parts)).decode()
        return answer, text

    def stop():
        from django.db import connection

        lifecycle.ask_to_stop(run, keep=True)
        connection.close()

    answer, text = asyncio.run(asyncio.wait_for(listen(), 30))
    assert answer["Content-Type"] == "text/event-stream"
    first, last = (orjson.loads(line[6:]) for line in text.splitlines() if line.startswith("data: "))
    assert (first["status"], last["status"]) == ("queued", "stopped")


@pytest.mark.django_db(transaction=True)
def test_a_stranger_hears_no_news(stranger, run):
    answer = stranger.get(f"/api/v1/runs/{run.pk}/events/", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 404


def test_before_the_end_there_is_no_report(api, run):
    answer = api.get(f"/api/v1/runs/{run.pk}/report/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_finished")


@pytest.mark.django_db(transaction=True)
def test_results_of_a_finished_run_can_be_read_and_compared(api, seat, version):
    first, second = train_here(queue(seat, version)), train_here(queue(seat, version, epochs=6))
    base = f"/api/v1/runs/{first.pk}"
    report = api.get(f"{base}/report/").json()
    assert report["headline"] == "accuracy"

    found = api.get(f"{base}/predictions/?limit=5").json()
    assert found["count"] == report["rows"]["test"]
    assert [row["loss"] for row in found["results"]] == sorted((row["loss"] for row in found["results"]), reverse=True)
    assert found["next"]
    cell = api.get(f"{base}/predictions/?truth=rose&prediction=tulip").json()
    assert all((row["truth"], row["prediction"]) == ("rose", "tulip") for row in cell["results"])
    labels = report["confusion"]["labels"]
    assert cell["count"] == report["confusion"]["counts"][labels.index("rose")][labels.index("tulip")]

    files = {file["path"]: file for file in api.get(f"{base}/files/").json()["results"]}
    sent = api.get(files["report.json"]["url"])
    assert "attachment" in sent["Content-Disposition"]
    for path in ("../../../secret-key", "nothing.txt", "engine.pid", "checkpoint/state.pt"):
        assert api.get(f"{base}/files/{path}").status_code == 404

    both = api.get(f"/api/v1/compare/?runs={first.pk},{second.pk}").json()
    assert [each["id"] for each in both["runs"]] == [first.pk, second.pk]
    assert [row["key"] for row in both["settings"] if row["differs"]] == ["recipe.epochs"]
    assert {"accuracy", "f1"} <= {row["key"] for row in both["metrics"]}
    (pair,) = both["pairs"]
    assert pair["test"] == "mcnemar"
    assert pair["examples"] == report["rows"]["test"]
    assert pair["sentence"]
    assert len(both["curves"]["train/loss"]) == 2


def test_comparing_what_is_not_there_is_refused(api, run):
    assert api.get(f"/api/v1/compare/?runs={run.pk},999999").status_code == 404
    assert api.get("/api/v1/compare/?runs=a,b").status_code == 400


def test_every_call_is_in_the_openapi_schema(api):
    schema = api.get("/api/schema/?format=json").json()
    paths = {path for path in schema["paths"] if path.startswith("/api/v1/runs/") or "compare" in path}
    one = "/api/v1/runs/{id}/"
    calls = ("stop", "resume", "clone", "series", "events", "report", "predictions", "files")
    assert {f"{one}{call}/" for call in calls} | {"/api/v1/runs/", "/api/v1/runs/estimate/", one} <= paths
    assert "/api/v1/compare/" in paths


def test_a_run_starts_from_an_earlier_one_of_the_project(api, seat, tmp_path, redis):
    version = make_version(seat, tmp_path)
    wanted = {"dataset": version.dataset_id, "architecture": "mlp", "preset": "quick"}
    first = train_here(Run.objects.get(pk=api.post("/api/v1/runs/", wanted, format="json").json()["id"]))
    second = api.post("/api/v1/runs/", wanted | {"start_from": first.pk}, format="json").json()
    assert second["spec"]["start_from"] == f"run:{first.pk}"
    run = train_here(Run.objects.get(pk=second["id"]))
    assert run.status == Run.Status.FINISHED
    assert run.notes.filter(kind="warning", data__message__startswith="Started from an earlier run").exists()
    refused = api.post("/api/v1/runs/", wanted | {"start_from": 999}, format="json")
    assert refused.status_code == 400
    assert "cannot be started from" in refused.json()["error"]["message"]
