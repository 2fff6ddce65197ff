"""Versions: remedies that make one, what they say of themselves, comparing and deleting them."""

import pytest
from datasets_kit import FLOWERS, ready, workbook
from django.urls import reverse

from training.data.schema import Fix
from webapp.core import storage
from webapp.core.errors import UserError
from webapp.datasets import jobs, lifecycle
from webapp.datasets.models import Revision
from webapp.datasets.versions import services as versions
from webapp.projects.models import Role
from webapp.runs.services import propose_spec, queue_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]
REPEATS = b"length,width,kind\n" + b"".join(
    f"{n % 10},{n % 2},{'Tulip' if n == 3 else ('rose', 'tulip')[n % 2]}\n".encode() for n in range(40)
)


def make_version(revision):
    """Do the worker's job in this process."""
    jobs.make_version(revision.pk)
    revision.refresh_from_db()
    return revision


def revise(seat, dataset, *fixes):
    """The next version, made of the newest with these fixes."""
    revision = make_version(versions.revise(member=seat, version=dataset.latest, fixes=fixes))
    assert revision.status == Revision.Status.READY, revision.error
    return revision.version


def offers(version):
    """By the fix's key, the place of the finding that offers it, counted from 1."""
    return {finding.fix.key: at for at, finding in enumerate(version.describe().quality, start=1) if finding.fix}


DROP = Fix(key="drop_rows", title="Remove them", rows=[0, 1, 2])
CORRECT = Fix(key="set_values", title="Correct it", column="kind", values={5: "rose"})


def test_a_remedy_makes_a_new_version_and_writes_down_what_was_done(browser, seat):
    dataset = ready(seat, REPEATS)
    first = dataset.latest
    place = offers(first)["drop_duplicates"]
    address = reverse("dataset-revise", args=[dataset.pk, 1])
    assert browser.post(address, {"finding": place}).url == f"{dataset.get_absolute_url()}?tab=versions"
    revision = make_version(Revision.objects.get())
    assert revision.version.number == 2
    assert revision.version.rows < first.rows
    page = browser.get(f"{dataset.get_absolute_url()}?tab=versions").content.decode()
    assert revision.done[0] in page
    assert "Made of version 1" in page


def test_several_remedies_make_one_version(seat):
    dataset = ready(seat, REPEATS)
    places = [place - 1 for place in offers(dataset.latest).values()]
    assert len(places) > 1
    revision = make_version(versions.apply_findings(member=seat, version=dataset.latest, findings=places))
    assert len(revision.done) == len(places)
    assert dataset.versions.count() == 2


def test_the_version_that_was_changed_stays_as_it_is(seat):
    dataset = ready(seat, REPEATS)
    before = storage.open_file(f"{dataset.latest.folder}/data.parquet").read()
    revise(seat, dataset, DROP)
    first = dataset.versions.get(number=1)
    assert storage.open_file(f"{first.folder}/data.parquet").read() == before


def test_a_finding_without_a_remedy_cannot_be_applied(browser, seat):
    dataset = ready(seat)
    assert browser.post(reverse("dataset-revise", args=[dataset.pk, 1]), {"finding": "99"}).status_code == 400
    assert not Revision.objects.exists()


def test_a_remedy_that_leaves_nothing_ends_in_words(browser, seat):
    dataset = ready(seat)
    everything = Fix(key="drop_rows", title="Remove them", rows=list(range(40)))
    revision = make_version(versions.revise(member=seat, version=dataset.latest, fixes=[everything]))
    assert revision.status == Revision.Status.FAILED
    assert revision.error["message"] in browser.get(f"{dataset.get_absolute_url()}?tab=versions").content.decode()
    assert dataset.versions.count() == 1


def test_of_two_workers_one_makes_the_version(seat):
    revision = versions.revise(member=seat, version=ready(seat).latest, fixes=[DROP])
    assert lifecycle.claim(Revision, revision.pk) == revision
    assert lifecycle.claim(Revision, revision.pk) is None


def test_waiting_revisions_are_called_again(seat, monkeypatch):
    called = []
    monkeypatch.setattr(jobs.make_version, "delay", called.append)
    revision = versions.revise(member=seat, version=ready(seat).latest, fixes=[DROP])
    jobs.tend_imports()
    assert called == [revision.pk]


def test_a_finding_shows_its_rows(browser, seat):
    dataset = ready(seat, REPEATS)
    findings = dataset.latest.describe().quality
    place = next(at for at, finding in enumerate(findings, start=1) if finding.key == "duplicates")
    page = browser.get(f"{dataset.get_absolute_url()}?tab=preview&finding={place}")
    assert [row.number for row in page.context["page"].rows] == sorted(findings[place - 1].rows)
    assert findings[place - 1].title in page.content.decode()
    assert f"finding={place}" in browser.get(f"{dataset.get_absolute_url()}?tab=quality").content.decode()


def test_comparing_tells_what_went_what_changed_and_the_classes(browser, seat):
    dataset = ready(seat)
    revise(seat, dataset, DROP, CORRECT)
    page = browser.get(reverse("dataset-compare", args=[dataset.pk, 2]))
    facts = page.context["comparison"].facts
    assert (facts["removed"], facts["changed"], facts["added"]) == (3, 1, 0)
    assert facts["columns_changed"] == {"kind": 1}
    assert {entry["label"]: (entry["before"], entry["after"]) for entry in facts["classes"]} == {
        "rose": (20, 19),
        "tulip": (20, 18),
    }
    assert '<th class="num">width</th>' in page.content.decode()
    assert "<del>tulip</del> <ins>rose</ins>" in page.content.decode().replace("\n", "")


def test_a_removed_column_is_told(browser, seat):
    dataset = ready(seat)
    revise(seat, dataset, Fix(key="drop_column", title="Remove it", column="width"))
    facts = browser.get(reverse("dataset-compare", args=[dataset.pk, 2])).context["comparison"].facts
    assert (facts["columns_removed"], facts["removed"], facts["changed"]) == (["width"], 0, 0)


def test_versions_can_be_compared_the_other_way_round(browser, seat):
    dataset = ready(seat)
    revise(seat, dataset, DROP)
    page = browser.get(reverse("dataset-compare", args=[dataset.pk, 1]), {"with": "2"})
    assert page.context["comparison"].facts["added"] == 3


def test_an_older_version_says_so_and_offers_the_newest(browser, seat):
    dataset = ready(seat)
    revise(seat, dataset, DROP)
    page = browser.get(f"{dataset.get_absolute_url()}?version=1").content.decode()
    assert "The newest is version 2" in page
    assert "New run" not in page


def test_a_version_that_a_run_used_is_not_deleted(browser, seat):
    dataset = ready(seat)
    first = dataset.latest
    queue_run(member=seat, version=first, spec=propose_spec(first), name="First try")
    second = revise(seat, dataset, DROP)
    refused = browser.post(reverse("dataset-version-delete", args=[dataset.pk, 1]))
    assert refused.status_code == 409
    assert "“First try”" in refused.content.decode()
    browser.post(reverse("dataset-version-delete", args=[dataset.pk, 2]))
    assert [version.number for version in dataset.versions.all()] == [1]
    with pytest.raises(FileNotFoundError):
        storage.local_folder(second.folder)


def test_the_only_version_is_not_deleted(browser, seat):
    assert browser.post(reverse("dataset-version-delete", args=[ready(seat).pk, 1])).status_code == 409


def test_a_version_that_another_is_being_made_of_is_not_deleted(seat):
    dataset = ready(seat)
    second = revise(seat, dataset, DROP)
    versions.revise(member=seat, version=second, fixes=[DROP])
    with pytest.raises(UserError):
        versions.delete_version(second)


def test_deleting_the_dataset_takes_all_versions_along(browser, seat):
    dataset = ready(seat, FLOWERS)
    second = revise(seat, dataset, DROP)
    browser.post(reverse("dataset-delete", args=[dataset.pk]))
    with pytest.raises(FileNotFoundError):
        storage.local_folder(second.folder)


@pytest.mark.parametrize("name", ["dataset-revise", "dataset-sheet", "dataset-version-delete"])
def test_only_editors_change_versions(browser, stranger, seat, name):
    address = reverse(name, args=[ready(seat).pk, 1])
    assert stranger.post(address, {"finding": "1"}).status_code == 404
    seat.role = Role.VIEWER
    seat.save()
    assert browser.post(address, {"finding": "1"}).status_code == 403


BOOK = workbook(Flowers=FLOWERS, Birds=FLOWERS.replace(b"rose", b"wren").replace(b"tulip", b"kite"))


def test_another_sheet_of_a_workbook_becomes_the_next_version(browser, seat):
    dataset = ready(seat, BOOK, filename="book.xlsx")
    page = browser.get(dataset.get_absolute_url()).content.decode()
    assert "<option selected>Flowers</option><option>Birds</option>" in page
    browser.post(reverse("dataset-sheet", args=[dataset.pk, 1]), {"sheet": "Birds"})
    revision = make_version(Revision.objects.get())
    assert revision.done == ["Read the sheet “Birds”."], revision.error
    page = browser.get(dataset.get_absolute_url()).content.decode()
    assert "<option selected>Birds</option>" in page
    assert "wren" in page
    assert browser.get(f"{dataset.get_absolute_url()}?tab=versions").status_code == 200


def test_a_corrected_version_still_knows_the_other_sheets(seat):
    dataset = ready(seat, BOOK, filename="book.xlsx")
    known = revise(seat, dataset, DROP).describe()
    assert (known.sheets, known.sheet) == (["Flowers", "Birds"], "Flowers")


def test_a_program_reads_another_sheet(api, seat):
    dataset = ready(seat, BOOK, filename="book.xlsx")
    address = f"/api/v1/datasets/{dataset.pk}/"
    assert api.get(address).json()["sheets"] == ["Flowers", "Birds"]
    asked = api.post(f"{address}versions/", {"sheet": "Birds"}, content_type="application/json")
    assert asked.status_code == 202
    make_version(Revision.objects.get())
    assert api.get(address).json()["sheet"] == "Birds"


def test_a_sheet_that_is_not_there_is_refused_with_the_choice(api, seat):
    dataset = ready(seat, BOOK, filename="book.xlsx")
    refused = api.post(f"/api/v1/datasets/{dataset.pk}/versions/", {"sheet": "Fish"}, content_type="application/json")
    assert refused.status_code == 400
    assert "Flowers, Birds" in refused.json()["error"]["hint"]
