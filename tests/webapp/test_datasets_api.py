"""Data sets over REST."""

import pytest
from datasets_kit import FLOWERS, bring, import_here, ready
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from webapp.datasets.models import Dataset
from webapp.projects.models import Role
from webapp.projects.services import create_project, create_token

pytestmark = pytest.mark.django_db


def post(api, **fields):
    return api.post("/api/v1/datasets/", {"file": SimpleUploadedFile("flowers.csv", FLOWERS), **fields})


@pytest.fixture
def foreign(stranger, owner):
    """A program of somebody else."""
    from webapp.projects.models import User

    mallory = User.objects.get(username="mallory")
    create_project(owner=mallory, name="Elsewhere")
    token = create_token(user=mallory, name="theirs")
    return Client(headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})


def test_a_file_is_accepted_and_read_in_the_background(api, seat):
    answer = post(api, project=seat.project_id, name="Garden")
    assert answer.status_code == 202
    dataset = Dataset.objects.get(pk=answer.json()["id"])
    assert answer.json() == {"id": dataset.pk, "status": "importing"}
    assert dataset.name == "Garden"
    import_here(dataset)
    assert api.get(f"/api/v1/datasets/{dataset.pk}/").json()["status"] == "ready"


def test_project_and_name_can_be_left_out(api, seat):
    dataset = Dataset.objects.get(pk=post(api).json()["id"])
    assert (dataset.project, dataset.name) == (seat.project, "flowers")


def test_a_large_file_goes_over_the_disk(api, seat, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    assert import_here(Dataset.objects.get(pk=post(api).json()["id"])).status == "ready"


def test_a_dataset_says_all_that_is_known_of_it(api, seat):
    dataset = ready(seat)
    known = api.get(f"/api/v1/datasets/{dataset.pk}/").json()
    assert (known["status"], known["rows"], known["version"], known["error"]) == ("ready", 40, 1, None)
    columns = {column["name"]: column for column in known["columns"]}
    assert columns["kind"]["role"] == "target"
    assert columns["kind"]["type"] == "category"
    assert columns["length"]["stats"]["max"] == 7
    assert known["proposals"][0]["task"] == "tabular-classification"
    assert [version["number"] for version in known["versions"]] == [1]
    assert isinstance(known["quality"], list)


def test_a_failed_import_says_why(api, seat):
    dataset = import_here(bring(seat, b"a,b\n"))
    known = api.get(f"/api/v1/datasets/{dataset.pk}/").json()
    assert known["status"] == "failed"
    assert known["error"]["message"]
    assert known["columns"] == []


def test_rows_come_in_pages(api, seat):
    dataset = ready(seat)
    page = api.get(f"/api/v1/datasets/{dataset.pk}/rows/?offset=38&limit=10").json()
    assert page["count"] == 40
    assert [row["kind"] for row in page["results"]] == ["rose", "tulip"]


def test_rows_of_an_import_under_way_are_none(api, seat):
    assert api.get(f"/api/v1/datasets/{bring(seat, FLOWERS).pk}/rows/").json()["results"] == []


def test_the_list_can_be_narrowed_to_a_project(api, seat):
    bring(seat, FLOWERS)
    other = create_project(owner=seat.user, name="Other")
    bring(other, FLOWERS, name="There")
    listed = api.get(f"/api/v1/datasets/?project={other.project_id}").json()
    assert [dataset["name"] for dataset in listed["results"]] == ["There"]
    assert api.get("/api/v1/datasets/").json()["count"] == 2


def test_a_request_without_a_file_is_refused_in_words(api, seat):
    answer = api.post("/api/v1/datasets/", {"name": "nothing"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("file:")


def test_a_file_over_the_limit_is_refused(api, seat, settings):
    settings.UPLOAD_LIMIT = 100
    answer = post(api)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_viewers_cannot_bring_files(api, seat):
    seat.role = Role.VIEWER
    seat.save()
    assert post(api, project=seat.project_id).status_code == 403
    assert post(api).status_code == 403


def test_another_projects_data_does_not_exist(foreign, seat):
    dataset = ready(seat)
    assert foreign.get(f"/api/v1/datasets/{dataset.pk}/").status_code == 404
    assert foreign.get(f"/api/v1/datasets/{dataset.pk}/rows/").status_code == 404
    assert foreign.get("/api/v1/datasets/").json()["results"] == []
    assert post(foreign, project=seat.project_id).status_code == 404


def test_without_a_token_nothing_is_said(client, seat):
    assert client.get("/api/v1/datasets/").status_code == 401
