"""Tables of every form come in as they were meant."""

import bz2
import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from training.data.glance import first_rows
from training.data.importing import import_dataset, read_description
from training.data.schema import Description
from training.errors import TrainingError

BIRDS = """species,island,bill_mm,mass_g,sex
Adelie,Torgersen,39.1,3750,MALE
Adelie,Torgersen,39.5,3800,FEMALE
Gentoo,Biscoe,46.1,4500,FEMALE
Gentoo,Biscoe,50.0,5700,MALE
Chinstrap,Dream,46.5,3500,FEMALE
Chinstrap,Dream,50.0,3900,?
"""


def bring(tmp_path: Path, content: str | bytes, name: str = "birds.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def imported(*sources: Path) -> tuple[pl.DataFrame, Description]:
    folder = sources[0].parent / "version"
    list(import_dataset(sources, folder))
    return pl.read_parquet(folder / "data.parquet"), read_description(folder)


def types(description: Description) -> dict[str, str]:
    return {column.name: column.type for column in description.columns}


def refusal(*sources: Path) -> TrainingError:
    with pytest.raises(TrainingError) as caught:
        imported(*sources)
    assert not (sources[0].parent / "version").exists()
    assert [path for path in sources[0].parent.iterdir() if path.name.startswith(".version")] == []
    assert caught.value.hint
    return caught.value


def test_a_csv_file_becomes_typed_columns_with_ids(tmp_path):
    frame, description = imported(bring(tmp_path, BIRDS))
    assert description.format == "CSV, comma, UTF-8"
    assert description.rows == len(frame) == 6
    expected = {"species": "category", "island": "category", "bill_mm": "number", "mass_g": "number", "sex": "category"}
    assert types(description) == expected
    assert frame["mass_g"].to_list()[:2] == [3750, 3800]
    assert frame["_id"].n_unique() == 6
    assert frame["_part"].null_count() == 6


def test_a_question_mark_counts_as_missing(tmp_path):
    frame, description = imported(bring(tmp_path, BIRDS))
    assert frame["sex"].null_count() == 1
    assert description.columns[-1].missing == 1
    assert any(finding.key == "missing" and finding.rows == [5] for finding in description.quality)


def test_the_phases_are_told_in_order(tmp_path):
    names = [phase.name for phase in import_dataset([bring(tmp_path, BIRDS)], tmp_path / "version")]
    assert names == ["checking", "reading", "profiling", "writing"]


@pytest.mark.parametrize(
    ("encoding", "bom", "words"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8", b"\xef\xbb\xbf", "UTF-8"),
        ("utf-16-le", b"\xff\xfe", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("utf-16-le", b"", "UTF-16"),
        ("utf-32-le", b"\xff\xfe\0\0", "UTF-32"),
        ("gb18030", b"", "GB18030"),
    ],
)
def test_chinese_is_read_in_every_encoding(tmp_path, encoding, bom, words):
    text = "标签,评论\n" + "好,酒店很好，下次还会再来\n坏,房间太小了，服务也不好\n" * 20
    frame, description = imported(bring(tmp_path, bom + text.encode(encoding)))
    assert frame.columns[:2] == ["标签", "评论"]
    assert frame["评论"][1] == "房间太小了，服务也不好"
    assert description.format.endswith(words)


def test_western_letters_of_old_files_are_read(tmp_path):
    text = "stadt,wert\n" + "Zürich,1\nKöln,2\nMünchen,3\nGenève,4\n" * 5
    frame, description = imported(bring(tmp_path, text.encode("cp1252")))
    assert frame["stadt"].to_list()[:4] == ["Zürich", "Köln", "München", "Genève"]
    assert description.format.endswith("Latin-1")


@pytest.mark.parametrize(("delimiter", "word"), [("\t", "tab"), (";", "semicolon"), ("|", "pipe"), (",", "comma")])
def test_the_delimiter_is_found_whatever_the_file_is_called(tmp_path, delimiter, word):
    _, description = imported(bring(tmp_path, BIRDS.replace(",", delimiter), "birds.dat"))
    assert word in description.format
    assert len(description.columns) == 5


def test_decimal_commas_are_numbers(tmp_path):
    frame, description = imported(bring(tmp_path, "name;preis\na;1,50\nb;1.234,25\nc;-3,0\n"))
    assert types(description)["preis"] == "number"
    assert frame["preis"].to_list() == [1.5, 1234.25, -3.0]


def test_thousands_currency_and_percent_are_numbers(tmp_path):
    frame, _ = imported(bring(tmp_path, 'a,b,c\n"1,200",$5.50,45%\n"12,345",$6.25,50%\n'))
    assert frame.select("a", "b", "c").rows() == [(1200, 5.5, 45), (12345, 6.25, 50)]


def test_codes_with_leading_zeros_stay_text(tmp_path):
    frame, _ = imported(bring(tmp_path, "zip,n\n01234,1\n00501,2\n90210,3\n"))
    assert frame["zip"].to_list() == ["01234", "00501", "90210"]


def test_long_fractions_are_numbers_and_long_codes_are_not(tmp_path):
    rows = "a,b,c\n" + "".join(f"{n}.9770155164705854,{n:016}9,3f2a{n:028x}\n" for n in range(40))
    frame, description = imported(bring(tmp_path, rows))
    assert frame.dtypes[:3] == [pl.Float64, pl.String, pl.String]
    assert any((finding.key, finding.column) == ("identifier", "c") for finding in description.quality)


def test_dates_are_times(tmp_path):
    frame, description = imported(bring(tmp_path, "day,n\n2024-01-31,1\n2024-02-01,2\n,3\n"))
    assert types(description)["day"] == "date"
    assert str(frame["day"][0]) == "2024-01-31 00:00:00"


def test_the_profile_of_dates_has_their_spread(tmp_path):
    days = [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    _, description = imported(bring(tmp_path, "day,n\n" + "".join(f"{day},{n % 7}\n" for n, day in enumerate(days))))
    stats = description.columns[0].stats
    assert (stats["min"], stats["max"]) == ("2024-01-01 00:00:00", "2024-12-28 00:00:00")
    assert stats["quantiles"]["0.5"] == "2024-06-29 12:00:00"  # half-way from the 28th of June to the 1st of July
    assert stats["histogram"]["edges"][::30] == [stats["min"], stats["max"]]
    assert sum(stats["histogram"]["counts"]) == len(days)


def test_true_and_false_are_booleans(tmp_path):
    frame, description = imported(bring(tmp_path, "a,b\nTRUE,1\nfalse,2\n,3\n"))
    assert types(description)["a"] == "boolean"
    assert frame["a"].to_list() == [True, False, None]


def test_a_file_without_header_loses_no_row(tmp_path):
    rows = "ham\tI'm home, where are you\nspam\tWIN a prize now, call 0800\nham\tok see you at 5\n" * 4
    frame, description = imported(bring(tmp_path, rows, "sms.tsv"))
    assert len(frame) == 12
    assert frame.columns[:2] == ["column_1", "column_2"]
    assert "no header" in description.format


def test_stray_quotes_do_not_swallow_lines(tmp_path):
    rows = 'ham\t"hello\nham\tsay "cheese" now\nspam\twin "big\nham\t"ok" he said\n' * 3
    frame, description = imported(bring(tmp_path, rows, "sms.tsv"))
    assert len(frame) == 12
    assert "no quotes" in description.format


def test_quoted_cells_keep_commas_quotes_and_lines(tmp_path):
    frame, _ = imported(bring(tmp_path, 'label,text\na,"one, ""two""\nthree"\nb,plain\n'))
    assert frame["text"].to_list() == ['one, "two"\nthree', "plain"]


def test_ragged_rows_are_set_aside_with_their_lines(tmp_path):
    source = bring(tmp_path, 'a,b\n1,2\n3\n\n"x\ny",4\n5,6,7\n8,9\n')
    frame, description = imported(source)
    aside = pl.read_parquet(tmp_path / "version" / "set_aside.parquet")
    assert len(frame) == 3
    assert description.set_aside == 2
    assert aside["line"].to_list() == [3, 7]
    assert aside["reason"][0] == "too few cells: 1 instead of 2"
    assert any(finding.key == "set-aside" and "line 3" in finding.text for finding in description.quality)


def test_a_few_words_among_numbers_become_missing_and_are_reported(tmp_path):
    cells = [str(number) for number in range(500)]
    cells[123] = "unknown"
    frame, description = imported(bring(tmp_path, "n,m\n" + "".join(f"{cell},{i}.5\n" for i, cell in enumerate(cells))))
    assert frame["n"].null_count() == 1
    finding = next(finding for finding in description.quality if finding.key == "misfits")
    assert (finding.column, finding.rows) == ("n", [123])


def test_a_column_that_changes_its_mind_late_is_read_again(tmp_path):
    count = 30_000
    rows = [f"{i},{i},\n" for i in range(count)] + ["3.5,word,late\n"] * 2000
    frame, _ = imported(bring(tmp_path, "a,b,c\n" + "".join(rows)))
    assert frame["a"].dtype == pl.Float64
    assert frame["b"][count] == "word" and frame["b"][0] == "0"
    assert frame["c"][count] == "late"
    assert frame["a"].null_count() == 0


def test_a_packed_table_is_unpacked(tmp_path):
    _, description = imported(bring(tmp_path, gzip.compress(BIRDS.encode()), "birds.csv.gz"))
    assert description.rows == 6


def test_two_files_tell_their_parts_by_their_names(tmp_path):
    train, test = bring(tmp_path, BIRDS, "birds_train.csv"), bring(tmp_path, BIRDS, "birds_test.csv")
    frame, description = imported(train, test)
    assert description.parts == {"train": 6, "test": 6}
    assert frame["_part"].to_list() == ["train"] * 6 + ["test"] * 6
    assert any(finding.key == "leak" and finding.count == 6 for finding in description.quality)


def test_columns_of_a_second_file_may_stand_in_another_order(tmp_path):
    first = bring(tmp_path, "a,b\n1,x\n2,y\n", "one.csv")
    second = bring(tmp_path, "b,a\nz,3.5\nz,4\n", "two.csv")
    frame, _ = imported(first, second)
    assert frame.select("a", "b").rows() == [(1.0, "x"), (2.0, "y"), (3.5, "z"), (4.0, "z")]


def test_files_with_other_columns_do_not_go_together(tmp_path):
    error = refusal(bring(tmp_path, BIRDS, "one.csv"), bring(tmp_path, "species,mass\na,1\nb,2\n", "two.csv"))
    assert "two.csv" in error.message and "“island”" in error.message


def test_names_of_columns_are_made_present_unique_and_harmless(tmp_path):
    frame, _ = imported(bring(tmp_path, "a,a,,_id,_part,*,^.*$\n1,2,3,4,5,6,7\n8,9,10,11,12,13,14\n"))
    assert frame.columns == ["a", "a_2", "column_3", "id", "part", "column_6", ".", "_id", "_part"]


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("", "a.csv", "is empty"),
        (" \n\n", "a.csv", "is empty"),
        ("a,b,c\n", "a.csv", "no rows"),
        ("a,b\n1,2\n\x003,4\n", "a.csv", "line 3"),
        ('a,b\n1,2\n3,"x\n4,5\n6,7,8\n9\n', "a.csv", "line 3"),
        ('a,b\n1,2\n3,"x\n4,5\n', "a.csv", "line 3"),
        ("a,b\n" + '1,"x"\n' * 50 + '3,"x\n' + '1,"y"\n' * 50, "a.csv", "line 52"),
        ('[{"a": 1}, {"a": 2}, {"a" 3}, {"a": 4}]', "a.json", "after object 2, near"),
        ('{"data": [{"a" 3}]}', "a.json", "near “"),
        ("<!DOCTYPE html><html><body>Not found</body></html>", "a.csv", "web page"),
        ("<svg onload=alert(1)></svg>", "a.csv", "SVG"),
        (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.", "a.csv", "pickle"),
        *((pickle.dumps({"a": [1, "b"]}, protocol), "a.csv", "pickle") for protocol in range(6)),
        (gzip.compress(pickle.dumps(print, 0)), "a.csv.gz", "pickle"),
        (pickle.dumps([f"word {number}" for number in range(40_000)], 0), "a.csv", "pickle"),
        (gzip.compress(gzip.compress(BIRDS.encode())), "a.csv.gz", "packed twice"),
        (bz2.compress(BIRDS.encode()), "a.csv", "bzip2"),
        (b"%PDF-1.7 ...", "a.csv", "PDF"),
        ('<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE svg>\n<svg onload=alert(1)></svg>', "a.txt", "SVG"),
        ("<!-- saved from (0032) -->\n<HTML><script>alert(1)</script>", "a.md", "web page"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "a.csv", "single sound"),
        (b"II*\0" + bytes(40), "a.csv", "single picture"),
        (b"\xef\xbb\xbf", "a.csv", "is empty"),
        (b"\x00\x01\x02\x03" * 50, "a.bin", "not known"),
        (bytes(range(1, 32)) * 20, "a.bin", "not known"),
        (b"\x1f\x8b\x08\x00broken", "a.csv.gz", "damaged"),
        (b"PAR1 and then nothing", "a.parquet", "damaged"),
        ('[{"a": 1},\n {"a": 2}\n', "a.json", "line 2"),
        ('[{"a": 1},\n {"a" 2}]', "a.json", "line 2"),
        ("[" * 100_000, "a.json", "nested"),
        ('{"name": 1, "deep": {"x": [1]}}', "a.json", "no list"),
        (",".join(f"c{i}" for i in range(10_000)) + "\n" + ",".join("1" * 10_000) + "\n", "a.csv", "10,000 columns"),
    ],
)
def test_what_cannot_be_read_ends_in_a_sentence(tmp_path, content, name, words):
    assert words in refusal(bring(tmp_path, content, name)).message


def test_words_that_look_like_steps_of_a_pickle_are_words(tmp_path):
    frame, _ = imported(bring(tmp_path, "cat\ncar\ncow\n(and\nso on.\n" * 500, "words.txt"))
    assert len(frame) > 0


def test_a_long_row_with_lines_inside_is_read_and_the_rows_after_it_keep_their_lines(tmp_path):
    long = "a line of a long text\n" * 300_000
    frame, _ = imported(bring(tmp_path, f'id,text\n1,"{long}"\n2,short\n3\n4,"say ""so"""\n', "long.csv"))
    aside = pl.read_parquet(tmp_path / "version" / "set_aside.parquet")
    assert frame["text"].to_list() == [long, "short", 'say "so"']
    assert aside["line"].to_list() == [300_004]


def test_damaged_characters_cost_no_row_and_no_reason(tmp_path):
    good = "città,perché\n" * 20
    frame, _ = imported(bring(tmp_path, f"a,b\n{good}".encode() + b"caf\xc3,1\ncaf\xc3,1,2\n"))
    aside = pl.read_parquet(tmp_path / "version" / "set_aside.parquet")
    assert (len(frame), frame["a"][20], aside["line"].to_list()) == (21, "caf\ufffd", [23])


def test_figures_of_numbers_are_those_of_numpy(tmp_path):
    numbers = [7, 3, 3, 9, 1, 3, 7, 12]
    _, description = imported(bring(tmp_path, "n,m\n" + "".join(f"{n},{n / 7}\n" for n in numbers)))
    stats = description.columns[0].stats
    expected = {str(q): float(np.quantile(numbers, q)) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}
    assert stats["quantiles"] == pytest.approx(expected)
    assert (stats["mean"], stats["std"]) == (5.625, pytest.approx(np.std(numbers), rel=1e-5))
    assert stats["top"][:2] == [{"value": 3, "count": 3}, {"value": 7, "count": 2}]
    assert description.columns[0].unique == 5


def test_zero_bytes_that_json_can_write_are_left_out(tmp_path):
    frame, _ = imported(bring(tmp_path, '{"a": "x\\u0000y"}\n{"a": "z"}\n', "a.jsonl"))
    assert frame["a"].to_list() == ["xy", "z"]


def test_ten_thousand_columns_are_refused_in_every_format(tmp_path):
    pl.DataFrame({f"c{n}": [n] for n in range(10_000)}).write_parquet(tmp_path / "wide.parquet")
    assert "10,000 columns" in refusal(tmp_path / "wide.parquet").message


def test_a_workbook_that_grows_too_much_is_refused(tmp_path):
    packed = io.BytesIO(workbook("a,b"))
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", bytes(80 << 20))
    assert "more than a workbook" in refusal(bring(tmp_path, packed.getvalue(), "a.xlsx")).message


def test_formulas_give_the_values_they_had_and_macros_are_not_looked_at(tmp_path):
    packed = io.BytesIO(workbook("name,mass\na,=1+1:2\nb,=1+2:3\n"))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"Sub AutoOpen()")
    frame, description = imported(bring(tmp_path, packed.getvalue(), "a.xlsm"))
    assert frame["mass"].to_list() == [2, 3]
    assert description.format.endswith("without its macros")


def test_a_packed_bomb_is_refused(tmp_path):
    bomb = gzip.compress(b"0," * (100 << 20))
    assert "unpacks to more" in refusal(bring(tmp_path, bomb, "bomb.csv.gz")).message


def test_json_and_json_lines_give_the_same_table(tmp_path):
    rows = [{"label": "a", "n": 1, "in": {"x": 0.5}}, {"label": "b", "n": None, "in": {"x": 2}}, {"label": "a", "n": 3}]
    frame, description = imported(bring(tmp_path, json.dumps(rows, indent=1), "rows.json"))
    lines = tmp_path / "lines"
    lines.mkdir()
    other, _ = imported(bring(lines, "\n".join(map(json.dumps, rows)), "rows.jsonl"))
    assert frame.rows() == other.rows()
    assert frame.select("label", "n", "in.x").rows() == [("a", 1, 0.5), ("b", None, 2.0), ("a", 3, None)]
    assert types(description)["n"] == "number"


def test_broken_json_lines_are_set_aside(tmp_path):
    lines = ['{"a": 1, "b": "x"}', '{"a": 2, ', "[1]", '{"a": 3, "b": "\\ud800"}', '{"a": 4, "b": "y"}']
    frame, description = imported(bring(tmp_path, "\n".join(lines), "a.jsonl"))
    assert frame["a"].to_list() == [1, 4]
    assert pl.read_parquet(tmp_path / "version" / "set_aside.parquet")["line"].to_list() == [2, 3, 4]
    assert description.set_aside == 3


def test_json_lines_may_be_longer_than_what_is_looked_at_first(tmp_path):
    rows = [{"text": "a long story " * 40_000 + str(n), "label": "xy"[n % 2]} for n in range(4)]
    lines = "\n".join(map(json.dumps, rows))
    for name in ("stories.jsonl", "stories.json"):
        place = tmp_path / name.replace(".", "-")
        place.mkdir()
        frame, description = imported(bring(place, lines, name))
        assert (description.format, frame["label"].to_list()) == ("JSON Lines, UTF-8", ["x", "y", "x", "y"])


def test_parquet_arrow_and_excel_give_the_same_table(tmp_path):
    table = pl.read_csv(io.StringIO(BIRDS), null_values="?")
    table.write_parquet(tmp_path / "birds.parquet")
    table.write_ipc(tmp_path / "birds.arrow")
    (tmp_path / "birds.xlsx").write_bytes(workbook(BIRDS))
    frames = []
    for name in ("birds.parquet", "birds.arrow", "birds.xlsx"):
        place = tmp_path / name.replace(".", "_")
        place.mkdir()
        (tmp_path / name).rename(place / name)
        frame, description = imported(place / name)
        frames.append(frame)
        assert types(description)["species"] == "category"
    assert frames[0].rows() == frames[1].rows() == frames[2].rows()


def test_class_names_of_hugging_face_parquet_are_used(tmp_path):
    table = pl.DataFrame({"label": [0, 1, 1, 0] * 5, "text": ["some words"] * 20}).to_arrow()
    features = {"label": {"_type": "ClassLabel", "names": ["ham", "spam"]}}
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, tmp_path / "train.parquet")
    frame, description = imported(tmp_path / "train.parquet")
    assert frame["label"].to_list()[:3] == ["ham", "spam", "spam"]
    assert types(description)["label"] == "category"


def test_the_import_of_a_column_keeps_figures_to_draw(tmp_path):
    _, description = imported(bring(tmp_path, BIRDS))
    mass = next(column for column in description.columns if column.name == "mass_g").stats
    assert (mass["min"], mass["max"]) == (3500, 5700)
    assert sum(mass["histogram"]["counts"]) == 6
    assert len(mass["histogram"]["edges"]) == len(mass["histogram"]["counts"]) + 1
    species = description.columns[0].stats
    assert species["top"][0] == {"value": "Adelie", "count": 2}


def test_labels_that_differ_only_in_case_or_spaces_are_found(tmp_path):
    rows = "label,n\n" + "spam,1\nSpam,2\nham,3\nspam ,4\n" * 5
    _, description = imported(bring(tmp_path, rows))
    finding = next(finding for finding in description.quality if finding.key == "near-labels")
    assert "“spam”" in finding.text and "“Spam”" in finding.text


def test_repeated_constant_and_uneven_data_is_reported(tmp_path):
    rows = "a,b,label\n" + "1,x,no\n" * 95 + "2,x,yes\n" * 4 + "3,x,maybe\n"
    _, description = imported(bring(tmp_path, rows))
    keys = {finding.key for finding in description.quality}
    assert {"duplicates", "constant", "imbalance", "single-class", "small-class"} <= keys


def workbook_cell(text: str) -> str:
    formula, _, value = text.removeprefix("=").partition(":")
    return f"<c><f>{formula}</f><v>{value}</v></c>" if value else f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def workbook(text: str) -> bytes:
    """The least that Excel would open: a filled sheet after an empty one; "=1+1:2" is a formula with its value."""
    rows = "".join(f"<row>{''.join(map(workbook_cell, line.split(',')))}</row>" for line in text.splitlines())
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
    book = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    numbers = (1, 2)
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{book}"/>'
        + "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{sheet}"/>' for n in numbers)
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="rId{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
        )
        + "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData/></worksheet>',
        "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return packed.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_first_rows_of_a_long_file_are_there_at_once(tmp_path, pack):
    source = bring(
        tmp_path,
        pack((BIRDS + BIRDS.partition("\n")[2] * 20_000).encode()),
        "birds.csv.gz" if pack is gzip.compress else "birds.csv",
    )
    frame = first_rows(source, source.name)
    assert frame is not None
    assert (frame.shape, frame["species"][0]) == ((100, 5), "Adelie")


def test_a_long_list_shows_no_first_rows(tmp_path):
    assert first_rows(bring(tmp_path, "[" + '{"a": 1},' * 1_000_000 + "{}]", "a.json"), "a.json") is None
