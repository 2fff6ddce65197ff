"""Labels by hand: given one after the other, kept as they come, and made a new version."""

import pytest
from datasets_kit import ready
from django.urls import reverse

from webapp.core import apart
from webapp.core.storage import local_folder
from webapp.datasets import jobs
from webapp.datasets.models import Label, Revision
from webapp.projects.models import Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]
HTMX = {"HX-Request": "true"}
GAPS = b"text,kind\n" + b"".join(
    f"The letter number {n} says,{'' if n % 5 == 0 else ('ham', 'spam')[n % 2]}\n".encode() for n in range(30)
)
NOTHING = b"text,stars\n" + b"".join(f"The letter number {n} says this and that,{n}.5\n".encode() for n in range(30))


def page(browser, dataset, query="", **headers):
    return browser.get(f"{reverse('dataset-label', args=[dataset.pk])}?{query}", headers=headers)


def give(browser, dataset, row, value, column="kind"):
    fields = {"column": column, "row": row, "value": value}
    return browser.post(reverse("dataset-label-give", args=[dataset.pk]), fields, headers=HTMX)


def save(browser, dataset, column="kind"):
    browser.post(reverse("dataset-label-save", args=[dataset.pk]), {"column": column})
    jobs.make_version(Revision.objects.get().pk)
    return dataset.latest


def cells(version, column):
    rows = apart.run("training.data.preview:read_rows", local_folder(version.folder), 0, version.rows)
    return [row[column] for row in rows]


def test_the_first_example_without_a_label_comes_first_and_labels_are_offered(browser, seat):
    answer = page(browser, ready(seat, GAPS))
    assert (answer.context["column"], answer.context["example"].row) == ("kind", 0)
    assert sorted(answer.context["labels"]) == ["ham", "spam"]
    assert answer.context["missing"] == 6


def test_giving_a_label_leads_to_the_next_example_without_one(browser, seat):
    dataset = ready(seat, GAPS)
    answer = give(browser, dataset, 0, "ham")
    assert answer.context["example"].row == 5
    assert answer.context["given"] == 1
    assert page(browser, dataset, "row=0").context["example"].label == "ham"


def test_labels_become_a_new_version_in_which_nothing_else_changed(browser, seat):
    dataset = ready(seat, GAPS)
    first = dataset.latest
    for row in range(0, 30, 5):
        last = give(browser, dataset, row, "spam")
    assert last.context["example"] is None
    second = save(browser, dataset)
    assert cells(second, "kind") == [label or "spam" for label in cells(first, "kind")]
    assert cells(second, "_id") == cells(first, "_id")
    assert not Label.objects.exists()


def test_a_wrong_label_is_corrected(browser, seat):
    dataset = ready(seat, GAPS)
    answer = page(browser, dataset, "version=1&column=kind&row=7")
    assert (answer.context["example"].row, answer.context["example"].label) == (7, "spam")
    give(browser, dataset, 7, "ham")
    assert cells(save(browser, dataset), "kind")[7] == "ham"


def test_where_no_label_is_missing_correcting_goes_on_row_by_row(browser, seat):
    dataset = ready(seat)
    assert page(browser, dataset).context["example"] is None
    assert give(browser, dataset, 7, "rose").context["example"].row == 8


def test_data_without_labels_gets_a_column_of_them(browser, seat):
    dataset = ready(seat, NOTHING)
    assert page(browser, dataset).context["column"] == "label"
    for row in range(20):
        give(browser, dataset, row, ("good", "bad")[row % 2], column="label")
    second = save(browser, dataset, column="label")
    assert cells(second, "label")[:2] == ["good", "bad"]
    assert cells(second, "label")[25] is None


def test_a_label_can_be_taken_away(browser, seat):
    dataset = ready(seat, GAPS)
    give(browser, dataset, 1, "")
    assert cells(save(browser, dataset), "kind")[1] is None


def test_labels_can_be_thrown_away(browser, seat):
    dataset = ready(seat, GAPS)
    give(browser, dataset, 0, "ham")
    browser.post(reverse("dataset-label-save", args=[dataset.pk]), {"column": "kind", "discard": "1"})
    assert not Label.objects.exists()
    assert not Revision.objects.exists()


@pytest.mark.parametrize(("row", "value"), [(999, "ham"), ("x", "ham"), (0, "a" * 500)])
def test_nonsense_is_refused_in_words(browser, seat, row, value):
    assert give(browser, ready(seat, GAPS), row, value).status_code == 400
    assert not Label.objects.exists()


@pytest.mark.parametrize("column", ["_id", "text"])
def test_only_columns_of_labels_can_be_labelled(browser, seat, column):
    assert give(browser, ready(seat, GAPS), 0, "ham", column=column).status_code == 400


def test_saving_without_labels_is_refused(browser, seat):
    dataset = ready(seat, GAPS)
    assert browser.post(reverse("dataset-label-save", args=[dataset.pk]), {"column": "kind"}).status_code == 400


def test_only_editors_label(browser, stranger, seat):
    dataset = ready(seat, GAPS)
    assert give(stranger, dataset, 0, "ham").status_code == 404
    seat.role = Role.VIEWER
    seat.save()
    assert give(browser, dataset, 0, "ham").status_code == 403
    assert page(browser, dataset).status_code == 403


def rest(client, method, dataset, path="", **body):
    send = getattr(client, method)
    return send(f"/api/v1/datasets/{dataset.pk}/labels/{path}", body or None, content_type="application/json")


def test_programs_label_too(api, seat):
    dataset = ready(seat, GAPS)
    before = rest(api, "get", dataset).json()
    assert (before["column"], before["next"], before["given"]) == ("kind", 0, {})
    after = rest(api, "post", dataset, labels={"0": "spam", "5": "ham"}).json()
    assert (after["next"], after["given"]) == (10, {"0": "spam", "5": "ham"})
    saved = rest(api, "post", dataset, "save/")
    assert saved.status_code == 202
    jobs.make_version(saved.json()["id"])
    assert cells(dataset.latest, "kind")[:6:5] == ["spam", "ham"]


def test_of_several_labels_all_are_kept_or_none(api, seat):
    dataset = ready(seat, GAPS)
    assert rest(api, "post", dataset, labels={"0": "spam", "999": "ham"}).status_code == 400
    assert rest(api, "post", dataset, labels={"first": "spam"}).status_code == 400
    assert not Label.objects.exists()
    rest(api, "post", dataset, labels={"0": "spam"})
    assert rest(api, "delete", dataset).status_code == 204
    assert not Label.objects.exists()


def test_labels_of_strangers_do_not_exist_over_rest(stranger, seat):
    dataset = ready(seat, GAPS)
    assert stranger.get(f"/api/v1/datasets/{dataset.pk}/labels/").status_code == 404


def test_a_column_that_stands_alone_can_be_labelled(browser, seat):
    lines = b"what\n" + b"".join(f"thing {n}\n".encode() for n in range(30))
    page = browser.get(ready(seat, lines).get_absolute_url()).content.decode()
    assert "?column=label" in page
