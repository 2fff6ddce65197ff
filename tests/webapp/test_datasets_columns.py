"""The tab Columns: what is told and drawn of each column."""

import io
import zipfile

import pytest
from datasets_kit import ready
from PIL import Image

pytestmark = pytest.mark.django_db


def pictures(sizes):
    """A ZIP of pictures of two classes, each with its width and height."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, size in enumerate(sizes):
            file = io.BytesIO()
            Image.new("RGB", size, (20 * number, 0, 0)).save(file, "PNG")
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", file.getvalue())
    return packed.getvalue()


def test_the_columns_say_in_which_languages_texts_are(browser, seat, redis):
    german = "Das ist ein Satz, und der ist nicht von mir."
    english = "This is a sentence that was not written by me, and it is for you."
    rows = "\n".join(f'"{text} Nummer {at}",{at % 2}' for at in range(40) for text in (german, english))
    dataset = ready(seat, f"text,label\n{rows}\n".encode())
    page = browser.get(f"/datasets/{dataset.pk}/?tab=columns").content.decode()
    assert "Languages" in page
    assert "German" in page
    assert "English" in page


def test_the_length_of_texts_is_told_in_words_and_tokens(browser, seat, redis):
    rows = "".join(f'"Number {at:02d} of the many short notes",{"ab"[at % 2]}\n' for at in range(40))
    dataset = ready(seat, f"text,label\n{rows}".encode())
    page = browser.get(f"/datasets/{dataset.pk}/?tab=columns").content.decode()
    assert "7 on average" in page
    assert "about 8.2 on average" in page  # 33 characters


def test_days_are_told_without_a_time_and_drawn(browser, seat, redis):
    rows = "".join(f"2024-0{1 + at // 28}-{1 + at % 28:02},{'ab'[at % 2]}\n" for at in range(84))
    dataset = ready(seat, f"day,label\n{rows}".encode())
    day = browser.get(f"/datasets/{dataset.pk}/?tab=columns").context["profiles"][0]
    assert day.facts[0] == ("From", "2024-01-01")
    assert day.facts[-1] == ("To", "2024-03-28")
    (drawing,) = day.drawings
    assert (drawing.low, drawing.high, sum(drawing.chart["counts"])) == ("2024-01-01", "2024-03-28", 84)
    assert [mark["name"] for mark in drawing.chart["marks"]] == ["5 %", "25 %", "50 %", "75 %", "95 %"]


def test_pictures_of_several_sizes_have_a_histogram_of_widths_and_one_of_heights(browser, seat):
    packed = pictures([(40 + 1000 * (n == 11), 20 + n) for n in range(12)])
    dataset = ready(seat, packed, filename="pictures.zip")
    answer = browser.get(f"/datasets/{dataset.pk}/?tab=columns")
    widths, heights = answer.context["profiles"][0].drawings
    assert (widths.low, widths.high, widths.caption) == ("40", "1,040", "width in pixels")
    assert (sum(widths.chart["counts"]), widths.chart["counts"][-1]) == (12, 1)
    assert heights.chart["counts"] == [1] * 12
    page = answer.content.decode()
    assert "40–1,040 px" in page
    assert page.count("data-histogram=") == 2


def test_pictures_of_one_size_are_told_by_a_bar(browser, seat):
    dataset = ready(seat, pictures([(8, 6)] * 4), filename="pictures.zip")
    image = browser.get(f"/datasets/{dataset.pk}/?tab=columns").context["profiles"][0]
    assert image.drawings == []
    assert ([(bar.label, bar.count) for bar in image.bars], image.others) == ([("8 × 6", 4)], 0)
