"""Whatever people bring: refused with a sentence and a next step, or read with what is wrong told.

One row per kind of trouble, through the website: brought, imported as a worker does, looked at as a person does.
"""

import gzip
import io
import json
import pickle
import stat
import tarfile
import warnings
import zipfile
from html import unescape

import polars as pl
import pytest
from datasets_kit import bring, import_here, workbook
from PIL import Image

from webapp.core import storage
from webapp.datasets.models import Dataset
from webapp.datasets.working import work_root

pytestmark = pytest.mark.django_db

WIDE = ",".join(f"c{n}" for n in range(10_000)) + "\n" + "1," * 9_999 + "1\n"
GAPPY = "text,label\n" + "".join(f"note {n} of many,{('x', 'y', '')[n % 3]}\n" for n in range(30))
ALONE = "text\n" + "".join(f"a note about {n} things\n" for n in range(30))
TABLE = "length,kind\n" + "".join(f"{n},{'xy'[n % 2]}\n" for n in range(30))


def packed(files, **facts):
    """A ZIP of files by name; `facts` are attributes of each entry."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for key, value in facts.items():
                setattr(entry, key, value)
            archive.writestr(entry, content)
    return file.getvalue()


def picture(width=8, height=8, mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, "PNG")
    return file.getvalue()


def locked(content):
    """The same ZIP with the mark that its first file is locked."""
    found = bytearray(content)
    found[found.find(b"PK\x01\x02") + 8] |= 1
    return bytes(found)


def tarred(**facts):
    """A tar.gz of two pictures, one of them with these facts."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for number in range(2):
            entry, content = tarfile.TarInfo(f"{'ab'[number]}/{number}.png"), picture(8, 8 + number)
            entry.size = len(content)
            for key, value in facts.items() if number else ():
                setattr(entry, key, value)
            archive.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
    return file.getvalue()


def repeated(content):
    """The same ZIP with its first file in it twice."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings(action="ignore"):
        archive.writestr(archive.namelist()[0], b"another")
    return file.getvalue()


def with_lying_length(rows):
    """An Arrow file of so many rows whose columns claim to be a million times as long."""
    file = io.BytesIO()
    pl.DataFrame({"a": range(rows), "b": ["x"] * rows}).write_ipc(file)
    return file.getvalue().replace(rows.to_bytes(8, "little"), (rows << 20).to_bytes(8, "little"))


CLASSES = {f"{'ab'[n % 2]}/{n}.png": picture(8, 8 + n) for n in range(8)}
REFUSED = {
    "ZIP bomb": (packed({"a/0.txt": bytes(80 << 20)}), "a.zip", "far more than real files"),
    "gzip bomb": (gzip.compress(b"a,b\n" + b"1,2\n" * (20 << 20)), "a.csv.gz", "no real text"),
    "path out of the archive": (packed({"../../evil.png": picture()}), "a.zip", "path out of itself"),
    "link": (packed({"a/0.png": "/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16), "a.zip", "a link"),
    "nested archive": (packed({"a/inner.zip": packed(CLASSES)}), "a.zip", "another archive"),
    "encrypted ZIP": (locked(packed(CLASSES)), "a.zip", "password"),
    "truncated ZIP": (packed(CLASSES)[:-300], "a.zip", "cut off or damaged"),
    "truncated Parquet": (b"PAR1" + bytes(400), "a.parquet", "damaged"),
    "truncated gzip": (gzip.compress(TABLE.encode())[:-20], "a.csv.gz", "cut off"),
    "picture with the extension of a table": (picture(), "a.csv", "single picture"),
    "pickle": (pickle.dumps({"a": [1, 2]}), "a.pkl", "pickle"),
    "pickle called a table": (pickle.dumps({"a": [1, 2]}, 0), "a.csv", "pickle"),
    "packed pickle": (gzip.compress(pickle.dumps(print)), "a.csv.gz", "pickle"),
    "pickle in a ZIP": (packed(CLASSES | {"model.pkl": pickle.dumps(1)}), "a.zip", "model.pkl"),
    "NUL bytes": (TABLE.encode() + b"3,\x00x\n", "a.csv", "line 32"),
    "empty file": (b"\n \n", "a.csv", "is empty"),
    "header only": (b"a,b,c\n", "a.csv", "no rows"),
    "10,000 columns": (WIDE.encode(), "a.csv", "10,000 columns"),
    "SVG with a script": (b"<svg><script>alert(1)</script></svg>", "a.png", "SVG"),
    "Windows path out of the archive": (packed({r"C:\\Windows\\evil.png": picture()}), "a.zip", "path out of itself"),
    "one name twice in a ZIP": (repeated(packed(CLASSES)), "a.zip", "2 times"),
    "device in a tar.gz": (tarred(type=tarfile.CHRTYPE), "a.tar.gz", "a device"),
    "hard link in a tar.gz": (tarred(type=tarfile.LNKTYPE, linkname="../../etc/passwd"), "a.tar.gz", "a link"),
    "JSON nested 100,000 deep": (b"[" * 100_000 + b"]" * 100_000, "a.json", "nested too deeply"),
    "Arrow that claims to be longer": (with_lying_length(100), "a.arrow", "damaged"),
    "one endless row": (b"a,b\n" + b"x" * (65 << 20), "a.csv", "more than 64 MB"),
    "rows without a cell": (b",,,\n" * 40, "a.csv", "Every cell of a.csv is empty"),
    "one endless object": (b'{"a": "x"}\n{"a": "' + b"x" * (65 << 20), "a.jsonl", "longer than 64 MB"),
    "mark of order alone": ("\ufeff".encode("utf-16"), "a.csv", "is empty"),
    "HTML as text": (b"<!doctype html><p>Not found</p>", "a.txt", "web page"),
}
"""Content, file name, and words of the sentence."""

MENDED = {
    "image decompression bomb": (packed(CLASSES | {"a/huge.png": picture(9000, 9000, "1")}), "a.zip", "50 million"),
    "wrong extension": (TABLE.encode(), "a.xlsx", "CSV, comma"),
    "ragged rows": ((TABLE + "1,x,extra\n5\n").encode(), "a.csv", "could not be read"),
    "duplicate and empty column names": (("size,size,,kind\n" + "1,2,3,x\n4,5,6,y\n" * 9).encode(), "a.csv", "size_2"),
    "one column": (ALONE.encode(), "a.csv", "alone"),
    "labels missing": (GAPPY.encode(), "a.csv", "missing"),
    "broken line in JSONL": (b'{"a": 1, "b": "x"}\n{"a": 2, "b"\n' * 9, "a.jsonl", "could not be read"),
    "invalid Unicode": (TABLE.encode() + b"7,\xff\xfe\xffx\n", "a.csv", "Latin-1"),
    "Excel formulas": (workbook(Sheet=b"length,kind\n=1+1,x\n2,y\n3,x\n4,y"), "a.xlsx", "=1+1"),
    "SVG in a ZIP": (packed(CLASSES | {"a/x.png": b"<svg onload=alert(1)></svg>"}), "a.zip", "could not be read"),
    "line nested 100,000 deep": (b'{"a": 1, "b": "x"}\n' * 9 + b"[" * 100_000, "a.jsonl", "could not be read"),
    "names that turn the page around": (TABLE.replace("kind", "ki\u202end\ufeff").encode(), "a.csv", ">kind<"),
    "numbers beyond all bounds": (TABLE.replace("0,x", "1e400,x", 1).encode(), "a.csv", "1e400"),
    "a number of 100,000 digits": (b'[{"a": ' + b"9" * 100_000 + b', "b": 1}, {"a": 1, "b": 2}]', "a.json", "999999"),
    "days that are not": (b"day,kind\n" + b"2024-02-30,x\n2024-01-01,y\n99999-01-01,x\n" * 9, "a.csv", "99999-01-01"),
    "endless name of a column": (("n" * 5000 + ",kind\n" + "1,x\n2,y\n" * 9).encode(), "a.csv", "n" * 190 + "<"),
    "one broken picture": (packed(CLASSES | {"a/x.png": picture()[:40]}), "a.zip", "could not be read"),
}  # fmt: skip


def page_of(client, dataset, query=""):
    answer = client.get(f"/datasets/{dataset.pk}/{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.mark.parametrize("trouble", REFUSED)
def test_it_is_refused_with_a_sentence_and_a_next_step_and_leaves_nothing(browser, seat, trouble):
    content, filename, words = REFUSED[trouble]
    dataset = import_here(bring(seat, content, filename=filename))
    assert dataset.status == Dataset.Status.FAILED
    page = page_of(browser, dataset)
    assert words in dataset.error["message"]
    assert dataset.error["message"] in page
    assert dataset.error["hint"]
    assert dataset.error["hint"] in page
    assert not storage.has_file(f"{dataset.folder}/v1/data.parquet")
    assert list(work_root().iterdir()) == []
    assert browser.get("/healthz").status_code == 200


@pytest.mark.parametrize("trouble", MENDED)
def test_it_is_read_and_what_is_wrong_is_told(browser, seat, trouble):
    content, filename, words = MENDED[trouble]
    dataset = import_here(bring(seat, content, filename=filename))
    assert dataset.status == Dataset.Status.READY, dataset.error
    assert words in page_of(browser, dataset) + page_of(browser, dataset, "?tab=quality")
    assert list(work_root().iterdir()) == []


def test_rows_that_could_not_be_read_are_shown_with_their_lines_and_reasons(browser, stranger, seat):
    dataset = import_here(bring(seat, f"{TABLE}1,x,extra\n2,y\n<b>5</b>\n".encode(), filename="a.csv"))
    address = f"/datasets/{dataset.pk}/v1/set-aside/"
    assert address in page_of(browser, dataset, "?tab=quality")
    answer = browser.get(address)
    assert [row["line"] for row in answer.context["rows"]] == [32, 34]
    page = answer.content.decode()
    assert "2 of 2" in page
    assert "1,x,extra" in page
    assert "&lt;b&gt;5&lt;/b&gt;" in page
    assert stranger.get(address).status_code == 404
    whole = import_here(bring(seat, TABLE.encode(), filename="b.csv"))
    assert "Every row could be read" in browser.get(f"/datasets/{whole.pk}/v1/set-aside/").content.decode()


EVIL = "<img src=x onerror=alert(1)>"


def test_names_of_files_classes_columns_and_data_are_never_markup(browser, seat):
    table = f'"{EVIL}",kind\n' + f'"{EVIL}","<b>rose</b>"\n1,"=cmd()"\n' * 20
    dataset = import_here(bring(seat, table.encode(), filename=f"{EVIL}.csv", name=f"Data {EVIL}"))
    assert dataset.status == Dataset.Status.READY, dataset.error
    for address in ["", "?tab=columns", "?tab=quality", "?tab=versions", "?tab=runs", "label/?column=kind"]:
        page = browser.get(f"/datasets/{dataset.pk}/{address}").content.decode()
        assert "<img src=x" not in page
        assert "<b>rose" not in page
    for address in ("/datasets/", f"/runs/new/?dataset={dataset.pk}"):
        assert "<img src=x" not in browser.get(address).content.decode()


def test_pictures_whose_names_and_classes_are_markup_stay_pictures(browser, seat):
    files = {f"<svg onload=alert({n % 2})>/{n}'\"<i>.png": content for n, content in enumerate(CLASSES.values())}
    dataset = import_here(bring(seat, packed(files), filename="a.zip"))
    assert dataset.status == Dataset.Status.READY, dataset.error
    for query in ("", "?tab=columns"):
        page = browser.get(f"/datasets/{dataset.pk}/{query}").content.decode()
        assert "<svg onload" not in page
        assert "<i>.png" not in page


def test_conversations_and_tags_that_are_markup_are_shown_as_words(browser, seat):
    turns = [{"role": "user", "content": EVIL}, {"role": "assistant", "content": f"{EVIL} too"}]
    dataset = import_here(bring(seat, "\n".join([json.dumps({"messages": turns})] * 5).encode(), filename="a.jsonl"))
    assert "<img src=x" not in browser.get(f"/datasets/{dataset.pk}/").content.decode()
    tagged = "".join(f"{EVIL.replace(' ', '_')}\tB-<b>x</b>\nword\tO\n\n" for _ in range(9))
    dataset = import_here(bring(seat, tagged.encode(), filename="a.conll"))
    assert dataset.status == Dataset.Status.READY, dataset.error
    for query in ("", "?tab=columns"):
        page = browser.get(f"/datasets/{dataset.pk}/{query}").content.decode()
        assert "<img_src" not in page
        assert "<b>x" not in page
