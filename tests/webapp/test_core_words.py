"""How numbers, times and states are written."""

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.utils.timezone import now

from training.tasks import Metric
from webapp.core.templatetags import touchstone


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.44, "0.4 s"),
        (12, "12 s"),
        (59.8, "1 min 0 s"),
        (125, "2 min 5 s"),
        (4320, "1 h 12 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds, words):
    assert touchstone.duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (60_000, "60,000"), (0.123456, "0.1235"), (1234.5, "1,234"), (0.00001, "1.0e-05"), (3.0, "3")],
)
def test_numbers_have_four_figures_that_count(value, words):
    assert touchstone.number(value) == words


@pytest.mark.parametrize(("value", "words"), [(None, "–"), (512, "512 B"), (15_200, "15.2 kB"), (1.4e9, "1.4 GB")])
def test_sizes_have_a_unit(value, words):
    assert touchstone.byte_size(value) == words


@pytest.mark.parametrize(("value", "words"), [(950, "950"), (12_345, "12.3 k"), (4_100_000, "4.1 M")])
def test_large_counts_are_short(value, words):
    assert touchstone.compact(value) == words


def test_a_share_is_a_percentage_and_a_loss_has_its_unit():
    accuracy = Metric("accuracy", "Accuracy", "", percent=True)
    nats = Metric("nats", "Loss", "", False, unit="nats")
    assert touchstone.metric(0.9711, accuracy) == "97.1 %"
    assert touchstone.metric(1.62, nats) == "1.62 nats"
    assert touchstone.metric(None, nats) == "–"


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=10), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=1, minutes=5), "1 hour ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_times_are_relative_and_exact_on_hover(before, words):
    text = touchstone.ago(now() - before)
    assert words in text
    assert 'title="' in text


def test_a_state_has_its_word_and_its_colour():
    assert touchstone.status_badge("failed") == ('<span class="status status-bad" data-status="failed">Failed</span>')


def test_a_term_explains_itself_and_escapes_what_it_is_given():
    page = Template("{% term word about %}").render(Context({"word": "<b>", "about": 'a "quote"'}))
    assert "&lt;b&gt;" in page
    assert 'data-bs-title="a &quot;quote&quot;"' in page


def test_a_catalog_key_that_is_gone_is_shown_as_it_is():
    assert touchstone.task_title("no-such-task") == "no-such-task"
    assert touchstone.architecture_title("mlp") == "Multilayer perceptron"
