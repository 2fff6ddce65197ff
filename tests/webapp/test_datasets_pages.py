"""Pages of data sets, and who may see and do what."""

import asyncio
import csv
import io
import json
import wave
import zipfile
from html.parser import HTMLParser

import pytest
from datasets_kit import FLOWERS, bring, import_here, ready
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from webapp.core import storage
from webapp.datasets.models import Dataset
from webapp.projects.models import Role
from webapp.runs.services import propose_spec, queue_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]
HTMX = {"HX-Request": "true"}


class Selects(HTMLParser):
    """The chosen value of every select by its name, and what could be chosen."""

    def __init__(self, html):
        super().__init__()
        self.chosen, self.offered, self._name = {}, {}, ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "select":
            self._name = attributes["name"]
            self.offered[self._name] = []
        if tag == "option":
            self.offered[self._name].append(attributes["value"])
            if "selected" in attributes:
                self.chosen[self._name] = attributes["value"]


def selects(answer):
    return Selects(answer.content.decode())


def page_of(browser, dataset, query=""):
    answer = browser.get(f"{dataset.get_absolute_url()}?{query}")
    assert answer.status_code == 200
    return answer


def change(browser, dataset, name, fields):
    """What the browser sends when somebody changes one select."""
    return browser.get(dataset.get_absolute_url(), fields, headers={**HTMX, "HX-Trigger-Name": name})


def body_of(answer):
    async def collect():
        return b"".join([chunk async for chunk in answer.streaming_content])

    return asyncio.run(collect())


def test_the_preview_shows_rows_and_proposes_task_and_roles(browser, seat):
    answer = page_of(browser, ready(seat))
    assert selects(answer).chosen == {
        "task": "tabular-classification",
        "use.0": "features",
        "use.1": "features",
        "use.2": "target",
        "split-how": "random",
    }
    assert "Looks good" in answer.content.decode() or "please check" in answer.content.decode()
    assert "tulip" in answer.content.decode()


def test_another_target_takes_the_place_of_the_first(browser, seat):
    dataset = ready(seat)
    fields = selects(page_of(browser, dataset)).chosen | {"use.0": "target"}
    answer = change(browser, dataset, "use.0", fields)
    assert selects(answer).chosen["use.0"] == "target"
    assert selects(answer).chosen["use.2"] == "features"
    address = answer["HX-Replace-Url"]
    assert selects(browser.get(address)).chosen == selects(answer).chosen


def test_the_preview_says_how_many_rows_are_held_out(browser, seat):
    dataset = ready(seat)
    counts = page_of(browser, dataset).context["division"].counts
    assert counts["train"] + counts["test"] == 40
    stratified = page_of(browser, dataset, "split-how=stratified").context["division"]
    assert stratified.counts["test"] > 0
    assert page_of(browser, dataset, "split-how=time").context["division"].columns == ["length", "width"]


def test_a_division_that_cannot_be_made_says_why(browser, seat):
    division = page_of(browser, ready(seat), "split-how=column&split-column=kind").context["division"]
    assert division.problem


def test_questions_about_one_text_are_kept_together_unless_the_person_says_otherwise(browser, seat):
    entries = [
        {
            "context": f"Ada was born in {year}.",
            "qas": [
                {
                    "id": f"{year}{n}",
                    "question": f"{n}: when was Ada born?",
                    "answers": [{"text": str(year), "answer_start": 16}],
                }
                for n in range(2)
            ],
        }
        for year in range(1900, 1930)
    ]
    squad = {"version": "1.1", "data": [{"title": "Ada", "paragraphs": entries}]}
    dataset = ready(seat, json.dumps(squad).encode(), filename="squad.json")
    division = page_of(browser, dataset).context["division"]
    assert (division.how, division.column) == ("group", "context")
    assert division.counts["test"] % 2 == 0
    use = reverse("dataset-use", args=[dataset.pk])
    assert "split-" not in browser.get(use, {"split-how": "group", "split-column": "context"}).url
    assert browser.get(use, {"split-how": "random"}).url.endswith("&split-how=random")


def test_new_run_keeps_the_division(browser, seat):
    dataset = ready(seat)
    answer = browser.get(reverse("dataset-use", args=[dataset.pk]), {"split-how": "time", "split-column": "length"})
    assert answer.url.endswith("&split-how=time&split-column=length")
    assert browser.get(answer.url).status_code == 200


def test_without_a_target_the_button_names_the_missing_step(browser, seat):
    dataset = ready(seat)
    fields = selects(page_of(browser, dataset)).chosen | {"use.2": ""}
    answer = change(browser, dataset, "use.2", fields).content.decode()
    assert answer.count("Choose a column to predict") == 2


def test_another_task_begins_with_its_own_proposal(browser, seat):
    dataset = ready(seat)
    fields = selects(page_of(browser, dataset)).chosen | {"task": "tabular-regression"}
    chosen = selects(change(browser, dataset, "task", fields)).chosen
    assert chosen["task"] == "tabular-regression"
    assert list(chosen.values()).count("target") == 1


def test_a_column_can_only_have_roles_that_fit_its_type(browser, seat):
    dataset = ready(seat)
    offered = selects(page_of(browser, dataset, "task=tabular-regression")).offered
    assert offered["use.0"] == ["target", "features", ""]
    assert offered["use.2"] == ["features", ""]


def test_new_run_carries_the_choice_on(browser, seat):
    dataset = ready(seat)
    answer = browser.get(reverse("dataset-use", args=[dataset.pk]), {"use.0": ""})
    assert answer.url == (
        f"{reverse('run-new')}?dataset={dataset.pk}&task=tabular-classification&role.target=kind&role.features=width"
    )
    assert browser.get(answer.url).status_code == 200


def test_new_run_refuses_a_choice_that_makes_no_sense(browser, seat):
    dataset = ready(seat)
    answer = browser.get(reverse("dataset-use", args=[dataset.pk]), {"use.2": ""})
    assert answer.status_code == 400
    assert "No column is chosen" in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["use.99=target", "use.x=target", "use.=1", "task=nonsense", "row=99999", "column=-1"]
)
def test_nonsense_in_the_address_does_no_harm(browser, seat, query):
    page_of(browser, ready(seat), query)


def test_a_wide_table_shows_some_columns_and_keeps_the_choice_of_the_others(browser, seat):
    names = [f"c{number}" for number in range(120)]
    rows = [[str((number * 7 + row) % 9) for number in range(120)] for row in range(30)]
    table = "\n".join(
        ",".join(row) for row in [[*names, "label"], *[[*row, "ab"[i % 2]] for i, row in enumerate(rows)]]
    )
    dataset = ready(seat, table.encode())
    first = change(browser, dataset, "use.3", {"use.3": ""})
    assert len(selects(first).chosen) == 42
    later = browser.get(f"{first['HX-Replace-Url']}&column=40").content.decode()
    assert '<input type="hidden" name="use.3" value="">' in later
    assert len(first["HX-Replace-Url"]) < 200
    page_of(browser, dataset, "tab=columns")


@pytest.mark.parametrize("tab", ["columns", "quality", "versions", "runs"])
def test_every_tab_opens(browser, seat, tab):
    page_of(browser, ready(seat), f"tab={tab}")


def test_there_is_no_other_tab(browser, seat):
    assert browser.get(f"{ready(seat).get_absolute_url()}?tab=secrets").status_code == 404


def test_used_by_lists_the_runs(browser, seat):
    dataset = ready(seat)
    run = queue_run(member=seat, version=dataset.latest, spec=propose_spec(dataset.latest), name="First try")
    answer = page_of(browser, dataset, "tab=runs").content.decode()
    assert "First try" in answer
    assert run.get_absolute_url() in answer


def test_what_a_cell_contains_never_becomes_markup(browser, seat):
    evil = "<script>alert(1)</script>"
    data = f"text,{evil}\n".encode() + b"\n".join(f"{evil} {n},{'ab'[n % 2]}".encode() for n in range(30))
    dataset = ready(seat, data)
    for tab in ("preview", "columns", "quality"):
        assert evil not in page_of(browser, dataset, f"tab={tab}").content.decode()


def test_a_long_text_is_cut_and_can_be_shown_whole(browser, seat):
    words = "gold and stone " * 40
    dataset = ready(seat, b"text,label\n" + b"".join(f"{n} {words},{'ab'[n % 2]}\n".encode() for n in range(20)))
    assert words.strip() not in page_of(browser, dataset).content.decode()
    whole = browser.get(reverse("dataset-cell", args=[dataset.pk, 3, 0])).content.decode()
    assert f"3 {words}".strip() in whole


def pictures():
    """A ZIP of pictures in two class folders."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(12):
            picture = io.BytesIO()
            Image.new("RGB", (8, 8), (20 * number, 0, 0)).save(picture, "PNG")
            archive.writestr(f"{('cat', 'dog')[number % 2]}/{number}.png", picture.getvalue())
    return buffer.getvalue()


def test_pictures_are_sent_as_pictures_and_nothing_else(browser, seat):
    dataset = ready(seat, pictures(), filename="pets.zip")
    address = reverse("dataset-cell", args=[dataset.pk, 0, 0])
    assert address in page_of(browser, dataset).content.decode()
    answer = browser.get(address)
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer["Cache-Control"]
    assert Image.open(io.BytesIO(answer.content)).size == (8, 8)


def tone(seconds):
    """A sound as WAV."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(int(8000 * seconds) * 2))
    return buffer.getvalue()


def sounds():
    """A ZIP of sounds in two class folders."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(12):
            archive.writestr(f"{('high', 'low')[number % 2]}/{number}.wav", tone(0.1 + 0.01 * number))
    return buffer.getvalue()


def test_sounds_have_players_that_get_the_range_they_ask_for(browser, seat):
    dataset = ready(seat, sounds(), filename="tones.zip")
    page = page_of(browser, dataset).content.decode()
    address = reverse("dataset-cell", args=[dataset.pk, 0, 0])
    assert f'<audio controls preload="none" src="{address}' in page
    whole = browser.get(address)
    assert (whole["Content-Type"], whole["Accept-Ranges"], whole.content[:4]) == ("audio/wav", "bytes", b"RIFF")
    part = browser.get(address, headers={"Range": "bytes=8-11"})
    assert (part.status_code, part.content) == (206, b"WAVE")
    assert part["Content-Range"] == f"bytes 8-11/{len(whole.content)}"
    assert browser.get(address, headers={"Range": "bytes=-4"}).content == whole.content[-4:]
    assert browser.get(address, headers={"Range": "bytes=999999-"}).status_code == 416
    assert browser.get(address, headers={"Range": "lines=1-2"}).content == whole.content


def test_answers_are_marked_where_they_stand(browser, seat):
    context = "The stone was found in 1834 near the harbour. " + "It was grey and heavy, they say. " * 12
    entry = {
        "context": context,
        "qas": [{"id": "1", "question": "When?", "answers": [{"text": "1834", "answer_start": context.index("1834")}]}],
    }
    squad = {"version": "1.1", "data": [{"title": "Stone", "paragraphs": [entry] * 8}]}
    dataset = ready(seat, json.dumps(squad).encode(), filename="squad.json")
    assert '<mark data-series="1" title="answer">1834</mark>' in page_of(browser, dataset).content.decode()
    whole = browser.get(reverse("dataset-cell", args=[dataset.pk, 0, 0])).content.decode()
    assert '<mark data-series="1" title="answer">1834</mark>' in whole
    assert whole.count("grey and heavy") == 12


def test_names_in_tagged_words_are_marked_as_one(browser, seat):
    lines = ["Ada\tB-person", "Lovelace\tI-person", "wrote\tO", ""] * 12
    page = page_of(browser, ready(seat, "\n".join(lines).encode(), filename="names.conll")).content.decode()
    assert ">Ada Lovelace<small>person</small></mark>" in page


@pytest.mark.parametrize(("row", "column"), [(999, 0), (0, 9)])
def test_a_cell_that_is_not_there_is_not_found(browser, seat, row, column):
    assert browser.get(reverse("dataset-cell", args=[ready(seat).pk, row, column])).status_code == 404


def test_a_failed_import_says_why_and_lets_one_try_again(browser, seat):
    dataset = import_here(bring(seat, b"a,b\n"))
    answer = page_of(browser, dataset).content.decode()
    assert dataset.error["message"].replace("“", "“") in answer
    assert "data-upload" in answer


def test_an_import_under_way_shows_its_phase(browser, seat):
    dataset = bring(seat, FLOWERS)
    Dataset.objects.update(phase="Reading the rows", progress=0.4)
    answer = page_of(browser, dataset).content.decode()
    assert "Reading the rows" in answer
    assert "data-begun" in answer
    assert f"/datasets/{dataset.pk}/events/" in answer


def test_the_list_searches_filters_and_sorts(browser, seat):
    ready(seat, name="Roses")
    bring(seat, FLOWERS, name="Tulips")

    def names(query):
        return [dataset.name for dataset in browser.get(f"/datasets/?{query}").context["page"]]

    assert names("") == ["Tulips", "Roses"]
    assert names("sort=name") == ["Roses", "Tulips"]
    assert names("sort=-rows") == ["Roses", "Tulips"]
    assert names("status=importing") == ["Tulips"]
    assert names("q=rose") == ["Roses"]
    assert names("sort=owner__password") == ["Tulips", "Roses"]
    assert "No dataset fits" in browser.get("/datasets/?q=nothing").content.decode()


def test_the_list_costs_the_same_however_many_datasets_there_are(browser, seat):
    ready(seat)
    browser.get("/datasets/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get("/datasets/")
    for _ in range(5):
        bring(seat, FLOWERS)
    with CaptureQueriesContext(connection) as many:
        browser.get("/datasets/")
    assert len(many) == len(few)


def test_an_empty_list_offers_ways_in(browser):
    answer = browser.get("/datasets/").content.decode()
    assert "data-upload" in answer
    assert "Penguins" in answer


def test_a_starter_is_one_click(browser):
    answer = browser.post(reverse("dataset-starter", args=["penguins"]))
    assert answer.url == Dataset.objects.get(name="Penguins").get_absolute_url()


def test_a_dataset_is_renamed_in_place(browser, seat):
    dataset = ready(seat)
    answer = browser.post(reverse("dataset-rename", args=[dataset.pk]), {"name": "  My   flowers "}, headers=HTMX)
    assert "My flowers" in answer.content.decode()
    assert browser.post(reverse("dataset-rename", args=[dataset.pk]), {"name": " "}, headers=HTMX).status_code == 400
    dataset.refresh_from_db()
    assert dataset.name == "My flowers"


def test_a_dataset_is_described(browser, seat):
    dataset = ready(seat)
    browser.post(reverse("dataset-about", args=[dataset.pk]), {"about": "From the garden"}, headers=HTMX)
    assert "From the garden" in page_of(browser, dataset).content.decode()


def test_deleting_takes_the_files_along(browser, seat):
    dataset = ready(seat)
    browser.post(reverse("dataset-delete", args=[dataset.pk]))
    assert not Dataset.objects.exists()
    assert not storage.has_file(f"{dataset.source}/flowers.csv")
    with pytest.raises(FileNotFoundError):
        storage.local_folder(f"{dataset.folder}/v1")


def test_data_that_a_run_used_is_not_deleted(browser, seat):
    dataset = ready(seat)
    queue_run(member=seat, version=dataset.latest, spec=propose_spec(dataset.latest), name="First try")
    answer = browser.post(reverse("dataset-delete", args=[dataset.pk]))
    assert answer.status_code == 409
    assert "“First try”" in answer.content.decode()
    assert storage.local_folder(dataset.latest.folder).exists()


def test_the_original_comes_back_byte_for_byte(browser, seat):
    dataset = ready(seat)
    answer = browser.get(reverse("dataset-original", args=[dataset.pk]))
    assert answer["Content-Disposition"] == 'attachment; filename="flowers.csv"'
    assert body_of(answer) == FLOWERS


def test_parquet_is_what_the_version_holds(browser, seat):
    dataset = ready(seat)
    answer = browser.get(reverse("dataset-parquet", args=[dataset.pk, 1]))
    assert body_of(answer) == storage.open_file(f"{dataset.latest.folder}/data.parquet").read()


def test_a_csv_for_spreadsheets_runs_no_formula(browser, seat):
    data = b"name,kind\n=HYPERLINK(0),a\n+1+2,b\n@SUM(1),a\n-cmd,b\nplain,a\n" + b"more,b\n" * 20
    answer = browser.get(reverse("dataset-csv", args=[ready(seat, data).pk, 1]))
    rows = list(csv.reader(io.StringIO(body_of(answer).decode("utf-8-sig"))))
    assert rows[:6] == [
        ["name", "kind"],
        ["'=HYPERLINK(0)", "a"],
        ["'+1+2", "b"],
        ["'@SUM(1)", "a"],
        ["'-cmd", "b"],
        ["plain", "a"],
    ]


def test_a_csv_of_pictures_names_them(browser, seat):
    answer = browser.get(reverse("dataset-csv", args=[ready(seat, pictures(), filename="pets.zip").pk, 1]))
    rows = list(csv.DictReader(io.StringIO(body_of(answer).decode("utf-8-sig"))))
    assert len(rows) == 12
    assert rows[0]["image"].endswith(".png")


PAGES = ["dataset", "dataset-use", "dataset-original", "dataset-events"]
EDITS = ["dataset-rename", "dataset-about", "dataset-tags", "dataset-archive", "dataset-delete"]


@pytest.mark.parametrize("name", PAGES)
def test_what_belongs_to_another_project_is_not_found(stranger, seat, name):
    assert stranger.get(reverse(name, args=[ready(seat).pk])).status_code == 404


@pytest.mark.parametrize("name", ["dataset-parquet", "dataset-csv"])
def test_another_projects_versions_are_not_found(stranger, seat, name):
    assert stranger.get(reverse(name, args=[ready(seat).pk, 1])).status_code == 404


def test_another_projects_pictures_are_not_found(stranger, seat):
    assert stranger.get(reverse("dataset-cell", args=[ready(seat).pk, 0, 0])).status_code == 404


@pytest.mark.parametrize("name", EDITS)
def test_another_projects_data_cannot_be_changed(stranger, seat, name):
    dataset = ready(seat)
    assert stranger.post(reverse(name, args=[dataset.pk]), {"name": "mine"}).status_code == 404
    assert Dataset.objects.filter(pk=dataset.pk, name=dataset.name).exists()


@pytest.mark.parametrize("name", EDITS)
def test_viewers_change_nothing(browser, seat, name):
    dataset = ready(seat)
    seat.role = Role.VIEWER
    seat.save()
    assert browser.post(reverse(name, args=[dataset.pk]), {"name": "mine"}).status_code == 403
    assert Dataset.objects.filter(pk=dataset.pk, name=dataset.name).exists()


def test_viewers_look_but_find_no_buttons_that_they_may_not_press(browser, seat):
    dataset = ready(seat)
    seat.role = Role.VIEWER
    seat.save()
    answer = page_of(browser, dataset).content.decode()
    assert "tulip" in answer
    assert "New run" not in answer
    assert "data-edit" not in answer
    assert browser.post(reverse("dataset-starter", args=["penguins"])).status_code == 403
    assert "data-upload" not in browser.get("/datasets/new/").content.decode()


@pytest.mark.parametrize("address", ["/datasets/", "/datasets/new/", "/datasets/1/", "/datasets/1/original/"])
def test_nobody_looks_without_logging_in(client, db, address):
    answer = client.get(address)
    assert answer.status_code == 302
    assert "/account/login/" in answer.url


async def _first_event(address, user):
    client = AsyncClient()
    await client.aforce_login(user)
    answer = await client.get(address)
    return await anext(chunk async for chunk in answer.streaming_content if b"event:" in chunk)


@pytest.mark.django_db(transaction=True)
def test_the_page_hears_of_its_import(seat):
    dataset = import_here(bring(seat, FLOWERS))
    address = reverse("dataset-events", args=[dataset.pk]) + "?after=0-0"
    chunk = asyncio.run(asyncio.wait_for(_first_event(address, seat.user), 10))
    assert b"event: phase" in chunk
    assert b"event: settled" in chunk


def test_tags_are_words_by_which_a_dataset_is_found(browser, seat):
    dataset = ready(seat, name="Roses")
    bring(seat, FLOWERS, name="Tulips")
    browser.post(reverse("dataset-tags", args=[dataset.pk]), {"tags": "Garden,  spring 2026,garden, "}, headers=HTMX)
    assert [tag.word for tag in dataset.tags.all()] == ["garden", "spring 2026"]

    def names(query):
        return [dataset.name for dataset in browser.get(f"/datasets/?{query}").context["page"]]

    assert names("tag=garden") == ["Roses"]
    assert names("q=spring") == ["Roses"]
    assert names("kind=table") == ["Roses"]
    browser.post(reverse("dataset-tags", args=[dataset.pk]), {"tags": "garden"}, headers=HTMX)
    assert names("tag=spring 2026") == []


def test_too_many_tags_are_refused_in_words(browser, seat):
    words = ",".join(str(number) for number in range(30))
    answer = browser.post(reverse("dataset-tags", args=[ready(seat).pk]), {"tags": words}, headers=HTMX)
    assert answer.status_code == 400
    assert "at most 20 tags" in answer.content.decode()


def test_an_archived_dataset_is_out_of_the_way_until_it_is_restored(browser, seat):
    dataset = ready(seat, name="Roses")
    bring(seat, FLOWERS, name="Tulips")
    address = reverse("dataset-archive", args=[dataset.pk])

    def names(query):
        return [dataset.name for dataset in browser.get(f"/datasets/?{query}").context["page"]]

    browser.post(address)
    assert names("") == ["Tulips"]
    assert "1 archived dataset" in browser.get("/datasets/").content.decode()
    assert names("archived=1") == ["Roses"]
    assert "archived" in page_of(browser, dataset).content.decode()
    browser.post(address, {"restore": "1"})
    assert names("") == ["Tulips", "Roses"]
