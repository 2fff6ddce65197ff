"""Data sets over REST."""

import zlib

import pytest
from datasets_kit import FLOWERS, bring, import_here, ready
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from webapp.datasets import jobs
from webapp.datasets.models import Dataset
from webapp.projects.models import Role
from webapp.projects.services import create_project, create_token
from webapp.runs.services import propose_spec, queue_run

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


def change(api, dataset, **wanted):
    return api.patch(f"/api/v1/datasets/{dataset.pk}/", wanted, content_type="application/json")


def test_a_dataset_is_renamed_described_tagged_and_archived(api, seat):
    dataset = ready(seat)
    answer = change(api, dataset, name="Garden", about="In spring", tags=["Flowers", "small"], archived=True).json()
    assert (answer["name"], answer["about"], answer["tags"]) == ("Garden", "In spring", ["flowers", "small"])
    assert api.get("/api/v1/datasets/").json()["count"] == 0
    assert api.get("/api/v1/datasets/?archived=1&tag=small").json()["count"] == 1
    assert change(api, dataset, archived=False).json()["archived"] is None


def revise(api, dataset, **wanted):
    return api.post(f"/api/v1/datasets/{dataset.pk}/versions/", wanted, content_type="application/json")


def test_a_fix_makes_a_version_that_can_be_followed_compared_and_deleted(api, seat):
    dataset = ready(seat)
    address = f"/api/v1/datasets/{dataset.pk}"
    answer = revise(api, dataset, fixes=[{"key": "drop_rows", "title": "Remove them", "rows": [0, 1]}])
    assert (answer.status_code, answer.json()["status"]) == (202, "making")
    jobs.make_version(answer.json()["id"])
    made = api.get(f"{address}/revisions/{answer.json()['id']}/").json()
    assert (made["status"], made["version"], made["done"]) == ("ready", 2, ["Removed 2 rows."])
    versions = api.get(f"{address}/versions/").json()
    assert [(known["number"], known["rows"], known["base"]) for known in versions] == [(1, 40, None), (2, 38, 1)]
    assert api.get(f"{address}/versions/1/difference/2/").json()["removed"] == 2
    assert api.get(f"{address}/rows/?version=1").json()["count"] == 40
    assert api.delete(f"{address}/versions/2/").status_code == 204
    assert api.delete(f"{address}/versions/1/").json()["error"]["code"] == "last_version"


def test_a_fix_that_makes_no_sense_is_refused_in_words(api, seat):
    answer = revise(api, ready(seat), fixes=[{"key": "explode", "title": "Now"}])
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("A fix is not as it should be: key:")


def test_deleting_what_a_run_used_is_refused_with_the_reason(api, seat):
    dataset = ready(seat)
    queue_run(member=seat, version=dataset.latest, spec=propose_spec(dataset.latest), name="First try")
    answer = api.delete(f"/api/v1/datasets/{dataset.pk}/")
    assert answer.status_code == 409
    assert "“First try”" in answer.json()["error"]["message"]


def test_several_files_in_one_request_make_one_dataset(api, seat):
    files = [SimpleUploadedFile(f"flowers_{part}.csv", FLOWERS) for part in ("train", "test")]
    answer = api.post("/api/v1/datasets/", {"file": files})
    dataset = import_here(Dataset.objects.get(pk=answer.json()["id"]))
    assert dataset.latest.description["parts"] == {"train": 40, "test": 40}


def test_other_peoples_versions_are_not_found(foreign, seat):
    dataset = ready(seat)
    assert revise(foreign, dataset, findings=[0]).status_code == 404
    assert change(foreign, dataset, name="Mine").status_code == 404
    assert foreign.delete(f"/api/v1/datasets/{dataset.pk}/").status_code == 404


def test_the_openapi_page_knows_versions(api):
    schema = api.get("/api/schema/?format=json").json()
    assert "/api/v1/datasets/{id}/versions/" in schema["paths"]
    assert "/api/v1/datasets/{id}/versions/{number}/difference/{other}/" in schema["paths"]


def begin(api, **facts):
    fields = {"filename": "flowers.csv", "size": len(FLOWERS), "fingerprint": "flowers", **facts}
    return api.post("/api/v1/uploads/", fields, content_type="application/json")


def put(api, place, offset, chunk, checksum=""):
    headers = {"Upload-Offset": str(offset), "Upload-Checksum": checksum or f"crc32={zlib.crc32(chunk):08x}"}
    address = f"/api/v1/uploads/{place['id']}/"
    return api.put(address, chunk, content_type="application/octet-stream", headers=headers)


def complete(api, *places):
    ids = {"uploads": [place["id"] for place in places], "name": "Garden"}
    return api.post("/api/v1/uploads/finish/", ids, content_type="application/json")


def test_a_large_file_comes_in_chunks_and_goes_on_after_an_interruption(api, seat):
    place = begin(api).json()
    assert (place["received"], place["size"]) == (0, len(FLOWERS))
    assert put(api, place, 0, FLOWERS[:100]).json()["received"] == 100
    assert complete(api, place).json()["error"]["code"] == "wrong_offset"
    assert begin(api).json() | {"received": 0} == place
    assert api.get(f"/api/v1/uploads/{place['id']}/").json()["received"] == 100
    put(api, place, 100, FLOWERS[100:])
    dataset = import_here(Dataset.objects.get(pk=complete(api, place).json()["id"]))
    assert (dataset.name, dataset.latest.rows) == ("Garden", 40)


def test_a_damaged_or_misplaced_chunk_is_refused(api, seat):
    place = begin(api).json()
    assert put(api, place, 0, FLOWERS[:100], checksum="crc32=00000000").status_code == 422
    assert put(api, place, 50, FLOWERS[:100]).status_code == 409
    assert api.get(f"/api/v1/uploads/{place['id']}/").json()["received"] == 0


def test_an_upload_can_be_given_up(api, seat):
    place = begin(api).json()
    assert api.delete(f"/api/v1/uploads/{place['id']}/").status_code == 204
    assert put(api, place, 0, FLOWERS).status_code == 404


def test_other_peoples_uploads_are_not_found(api, foreign, seat):
    place = begin(api).json()
    assert put(foreign, place, 0, FLOWERS).status_code == 404
    assert complete(foreign, place).status_code == 404
