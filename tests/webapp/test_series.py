"""Curves: nothing is lost, nothing is drawn twice, every spike is seen."""

import math

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_kit import make_version, points, queue

from training.events import Points
from webapp.runs.curves import packed as curves
from webapp.runs.curves import series, series_writer
from webapp.runs.models import SeriesChunk

floats = st.floats(allow_nan=True, allow_infinity=True)


@given(st.dictionaries(st.integers(0, 2**50), st.tuples(st.floats(0, 1e6, width=32), floats), max_size=300))
@pytest.mark.parametrize("level", [0, 1])
def test_what_is_packed_comes_out_the_same(level, cells):
    steps = sorted(cells)
    curve = curves.Curve(
        np.array(steps, np.int64),
        np.array([cells[step][0] for step in steps], np.float32),
        np.array([cells[step][1] for step in steps], np.float64),
    )
    again = curves.unpack(curves.pack(curve, level))
    assert np.array_equal(again.steps, curve.steps)
    assert np.array_equal(again.seconds, curve.seconds)
    assert np.array_equal(again.values, curve.values, equal_nan=True)


@pytest.fixture
def run(seat, redis, tmp_path):
    return queue(seat, make_version(seat, tmp_path))


def written(run, name="train/loss"):
    """Every point of a curve, as the chunks have it."""
    rows = SeriesChunk.objects.filter(run=run, name=name, count__gt=0).order_by("number")
    return curves.concat([curves.unpack(bytes(row.data)) for row in rows])


@given(st.lists(st.integers(1, 900), min_size=1, max_size=25))
def test_blocks_of_any_size_add_up_to_the_curve(blocks):
    rows, writer = {}, fake_writer()
    end = 0
    for block in blocks:
        for row in writer._grow("loss", curves.curve_of(points(range(end, end + block)))):
            rows[row.number] = row
        end += block
    found = curves.concat([curves.unpack(rows[number].data) for number in sorted(rows)])
    assert found.steps.tolist() == list(range(end))
    assert found.values.tolist() == list(range(end))
    assert sum(row.count for row in rows.values()) == end


def fake_writer():
    """A writer that has found an empty database."""
    writer = series_writer.Writer.__new__(series_writer.Writer)
    writer._run_id, writer._ends = 1, {}
    return writer


def test_a_long_curve_lies_in_few_rows_and_few_bytes(run):
    writer = series_writer.Writer(run.pk)
    random = np.random.default_rng(0)
    values = random.normal(size=50_000).astype(np.float32).astype(float).tolist()
    for start in range(0, 50_000, 777):
        part = values[start : start + 777]
        steps = list(range(start, start + len(part)))
        writer.append({"train/loss": Points(steps=steps, seconds=[s * 1e-3 for s in steps], values=part)})
    chunks = SeriesChunk.objects.filter(run=run)
    assert chunks.count() <= 50_000 / series_writer.CHUNK + 3
    assert sum(len(chunk.data) + len(chunk.coarse) for chunk in chunks) / 50_000 <= 12
    assert np.array_equal(written(run).values, values)


def test_a_new_supervisor_goes_on_where_the_last_one_stopped(run):
    for start in range(0, 5_000, 130):
        series_writer.Writer(run.pk).append({"train/loss": points(range(start, start + 130))})
    assert written(run).steps.tolist() == list(range(5_070))


def test_steps_that_come_again_after_a_resume_replace_what_was_there(run):
    writer = series_writer.Writer(run.pk)
    writer.append({"train/loss": points(range(6_000))})
    series_writer.Writer(run.pk).append({"train/loss": points(range(3_000, 7_000), lambda step: -step)})
    curve = written(run)
    assert curve.steps.tolist() == list(range(7_000))
    assert curve.values[2_999] == 2_999
    assert curve.values[3_000] == -3_000
    assert curve.values[6_999] == -6_999


def test_steps_that_come_late_are_put_in_their_place(run):
    writer = series_writer.Writer(run.pk)
    writer.append({"val/loss": points([10, 20, 30])})
    writer.append({"val/loss": points([15, 25])})
    writer.append({"val/loss": points([40])})
    assert written(run, "val/loss").steps.tolist() == [10, 15, 20, 25, 30, 40]


def test_every_spike_of_a_long_noisy_curve_is_in_the_thin_view(run):
    random = np.random.default_rng(1)
    values = random.normal(0, 0.1, 300_000)
    spikes = random.choice(300_000, 20, replace=False)
    values[spikes] += random.choice([-5.0, 5.0], 20)
    steps = list(range(300_000))
    series_writer.Writer(run.pk).append(
        {"train/loss": Points(steps=steps, seconds=[0.0] * len(steps), values=values.tolist())}
    )
    view = series.read(run, ["train/loss"], points=2_000)["train/loss"]
    assert len(view["x"]) <= 2_000
    assert view["count"] == 300_000
    assert set(spikes.tolist()) <= set(view["x"])
    assert len(series.dumps(view)) <= 60_000


def test_few_points_come_back_whole_and_exact(run):
    value = 0.1 + 0.2
    series_writer.Writer(run.pk).append({"val/accuracy": points([5, 10], lambda step: value)})
    view = orjson.loads(series.dumps(series.read(run)))["val/accuracy"]
    assert view == {"x": [5, 10], "y": [value, value], "count": 2, "last_step": 10, "not_numbers": []}


def test_values_that_are_not_numbers_are_kept_and_marked(run):
    odd = {3: math.nan, 4: math.inf, 5: -math.inf}
    series_writer.Writer(run.pk).append({"train/loss": points(range(8), lambda step: odd.get(step, 1.0))})
    view = series.read(run, ["train/loss"])["train/loss"]
    assert view["x"] == [0, 1, 2, 6, 7]
    assert view["not_numbers"] == [[3, "nan"], [4, "inf"], [5, "-inf"]]
    assert np.isnan(written(run).values[3])


def test_values_that_are_not_numbers_show_in_long_curves_too(run):
    steps = range(200_000)
    series_writer.Writer(run.pk).append({"train/loss": points(steps, lambda step: math.nan if step == 77_777 else 0.0)})
    view = series.read(run, ["train/loss"], points=500)["train/loss"]
    assert view["not_numbers"] == [[77_777, "nan"]]


def test_the_axis_can_be_steps_epochs_or_seconds(run):
    run.step, run.epoch = 100, 2.0
    series_writer.Writer(run.pk).append({"train/loss": points([50, 100])})
    assert series.read(run, x="step")["train/loss"]["x"] == [50, 100]
    assert series.read(run, x="epoch")["train/loss"]["x"] == [1.0, 2.0]
    assert series.read(run, x="seconds")["train/loss"]["x"] == pytest.approx([0.5, 1.0])


def test_curves_of_many_runs_are_read_with_few_queries(run, seat, django_assert_max_num_queries):
    others = [queue(seat, run.version) for _ in range(5)]
    for other in (run, *others):
        series_writer.Writer(other.pk).append({"train/loss": points(range(100))})
    with django_assert_max_num_queries(3):
        views = series.read_many([run, *others], ["train/loss"])
    assert all(view["train/loss"]["count"] == 100 for view in views.values())


def test_a_frame_keeps_the_spike_of_its_block():
    frame = curves.thin(points(range(5_000), lambda step: 9.0 if step == 1_234 else 0.0), 32)
    assert len(frame["steps"]) <= 32
    assert 1_234 in frame["steps"]
