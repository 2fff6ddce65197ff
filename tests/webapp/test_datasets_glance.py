"""The first rows of a file, while its import goes on."""

import io
import json
import pickle
import zipfile

import pytest
from datasets_kit import FLOWERS, bring, import_here, ready
from django.urls import reverse

pytestmark = pytest.mark.django_db


def first_rows(client, dataset):
    answer = client.get(reverse("dataset-glance", args=[dataset.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_of_an_import_shows_the_first_rows_of_the_file(browser, seat):
    dataset = bring(seat, FLOWERS)
    page = browser.get(f"/datasets/{dataset.pk}/").content.decode()
    assert f'hx-get="{reverse("dataset-glance", args=[dataset.pk])}"' in page
    rows = first_rows(browser, dataset)
    assert "The first rows" in rows
    assert rows.count("<tr>") == 11
    assert "tulip" in rows


def test_conversations_and_long_cells_are_cut_to_a_glimpse(browser, seat):
    turns = [{"role": "user", "content": "word " * 200}, {"role": "assistant", "content": "yes"}]
    lines = "\n".join(json.dumps({"messages": turns, "n": n, "note": None}) for n in range(5))
    rows = first_rows(browser, bring(seat, lines.encode(), filename="chat.jsonl"))
    assert "word word" in rows
    assert len(rows) < 5000


def test_of_a_wide_table_some_columns_are_shown(browser, seat):
    names = ",".join(f"c{n}" for n in range(50))
    rows = first_rows(browser, bring(seat, f"{names}\n{','.join('1' * 50)}\n{','.join('2' * 50)}\n".encode()))
    assert "c19" in rows
    assert "c20" not in rows
    assert "30 more columns are not shown" in rows


def test_of_pictures_the_names_are_shown(browser, seat):
    from PIL import Image

    packed, file = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("cat/1.png", "dog/2.png"):
            archive.writestr(name, file.getvalue())
    assert "dog/2.png" in first_rows(browser, bring(seat, packed.getvalue(), filename="pictures.zip"))


def test_what_a_cell_contains_is_no_markup_in_a_glimpse_either(browser, seat):
    rows = first_rows(browser, bring(seat, b"a,<b>b</b>\n<script>alert(1)</script>,2\nx,3\n"))
    assert "&lt;script&gt;" in rows
    assert "<script" not in rows
    assert "<b>" not in rows


def test_a_file_that_is_refused_shows_nothing_and_the_import_says_why(browser, seat):
    dataset = bring(seat, pickle.dumps({"a": 1}))
    assert first_rows(browser, dataset).strip() == ""
    assert import_here(dataset).error["message"]


def test_a_ready_dataset_and_one_of_strangers_show_nothing(browser, stranger, seat):
    dataset = ready(seat)
    assert first_rows(browser, dataset).strip() == ""
    assert stranger.get(reverse("dataset-glance", args=[dataset.pk])).status_code == 404
