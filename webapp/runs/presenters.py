"""What the pages of runs show, worked out from rows, reports and curves; nothing here changes anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from pydantic import JsonValue

from training.data.schema import Column, Description
from training.recipes import Recipe, Settings
from training.spec import Split, TrainSpec
from training.tasks import TASKS, Metric, Task
from training.tasks.measures import LOSS
from webapp.core.settings_form import CHOICE_WORDS
from webapp.runs.curves import series
from webapp.runs.models import Note, Run

PALETTE = 10
"""Colours of the series palette in colours.css; static/js/plotly.js counts the same."""
SPARK_POINTS = 48
SPARK_WIDTH, SPARK_HEIGHT = 96, 24


def palette_number(run_id: int) -> int:
    """The run's colour, 1 to 10, the same on every page."""
    return (run_id - 1) % PALETTE + 1


@dataclass(frozen=True)
class Interval:
    """An estimate drawn as a bar: positions from 0 (left) to 100 (right)."""

    value: float
    low: float
    high: float
    baseline: float | None

    @property
    def width(self) -> float:
        return max(1.5, self.high - self.low)


@dataclass(frozen=True)
class Score:
    """A measure with its interval, and what it must beat."""

    metric: Metric
    value: float
    low: float
    high: float
    baseline: float | None
    grade: str = ""

    @property
    def beats(self) -> bool | None:
        """Whether the result is better than its baseline; None if there is none."""
        if self.baseline is None:
            return None
        return self.value > self.baseline if self.metric.higher_is_better else self.value < self.baseline

    def interval(self, span: tuple[float, float]) -> Interval:
        """Where it lies between two values."""
        ends = [self.value, self.low, self.high, self.baseline]
        value, low, high, baseline = (None if end is None else _position(end, span) for end in ends)
        assert value is not None and low is not None and high is not None
        return Interval(value, low, high, baseline)


def headline(run: Run) -> Score | None:
    """The result in one measure; None before the run is finished."""
    found = run.headline
    if not found:
        return None
    metric = metric_of(TASKS[run.task], found["key"])
    value = found["value"]
    low, high = found.get("low", value), found.get("high", value)
    return Score(metric, value, low, high, found.get("baseline"), found.get("grade", ""))


def common_span(scores: Iterable[Score]) -> tuple[float, float]:
    """An axis on which all these results and their baselines can be drawn."""
    scores = list(scores)
    if scores and all(score.metric.percent for score in scores):
        return 0.0, 1.0
    ends = [end for score in scores for end in (score.low, score.high, score.value, score.baseline) if end is not None]
    if not ends:
        return 0.0, 1.0
    margin = (max(ends) - min(ends)) * 0.1 or 1.0
    return min(ends) - margin, max(ends) + margin


def _position(value: float, span: tuple[float, float]) -> float:
    low, high = span
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)


def metric_of(task: type[Task], key: str) -> Metric:
    """A task's measure by its key; measures of other origin get a title of their key."""
    return task.metric(key) or (LOSS if key == "loss" else Metric(key, key.replace("_", " ").capitalize(), ""))


@dataclass(frozen=True)
class Spark:
    """A curve as small as a word."""

    points: str
    last: float


def sparks(runs: Sequence[Run]) -> dict[int, Spark]:
    """The held-out loss of each run, or the training loss where nothing was held out yet, as points of a polyline."""
    curves = series.read_many(runs, ["val/loss", "train/loss"], SPARK_POINTS)
    drawn = {run.pk: _spark(curves[run.pk]) for run in runs}
    return {pk: spark for pk, spark in drawn.items() if spark}


def _spark(curves: Mapping[str, Mapping[str, Any]]) -> Spark | None:
    for name in ("val/loss", "train/loss"):
        points = _numbers(curves.get(name, {}))
        if len(points) >= 2:
            return Spark(polyline(points), points[-1][1])
    return None


def _numbers(curve: Mapping[str, Any]) -> list[tuple[float, float]]:
    pairs = zip(curve.get("x", ()), curve.get("y", ()), strict=True)
    return [(float(x), float(y)) for x, y in pairs if y is not None and math.isfinite(y)]


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """Points stretched over the sparkline's box, as SVG writes them."""
    xs, ys = zip(*points, strict=True)
    left, top = min(xs), max(ys)
    width, height = (max(xs) - left) or 1.0, (top - min(ys)) or 1.0
    return " ".join(
        f"{(x - left) / width * SPARK_WIDTH:.1f},{1 + (top - y) / height * (SPARK_HEIGHT - 2):.1f}" for x, y in points
    )


@dataclass(frozen=True)
class Row:
    """One run in a list."""

    run: Run
    score: Score | None
    interval: Interval | None
    spark: Spark | None

    @property
    def palette(self) -> int:
        return palette_number(self.run.pk)

    @property
    def named_by_itself(self) -> bool:
        """Whether the name, as nobody changed it, says data and architecture already."""
        return self.run.name.startswith(f"{self.run.version.dataset.name[:70]} · ")

    @property
    def share(self) -> float:
        """Part of the steps that is done, in percent."""
        return done_percent(self.run)


def rows(runs: Sequence[Run]) -> list[Row]:
    """Runs as a list shows them; results of one measure are drawn on one axis."""
    scores = {run.pk: headline(run) for run in runs}
    spans = {
        key: common_span(score for score in scores.values() if score and score.metric.key == key)
        for key in {score.metric.key for score in scores.values() if score}
    }
    lines = sparks(runs)
    return [_row(run, scores[run.pk], spans, lines.get(run.pk)) for run in runs]


def _row(run: Run, score: Score | None, spans: Mapping[str, tuple[float, float]], spark: Spark | None) -> Row:
    interval = score.interval(spans[score.metric.key]) if score else None
    return Row(run, score, interval, spark)


def done_percent(run: Run) -> float:
    """Part of the steps that is done, in percent."""
    return round(100 * run.step / run.steps, 1) if run.steps else 0.0


@dataclass(frozen=True)
class ToBeat:
    """What comes out without any cleverness: a result below it is a bubble."""

    metric: Metric
    value: float
    text: str


def to_beat(description: Description, spec: TrainSpec) -> ToBeat | None:
    """The simplest guess for this target, read off the profile; None where only a training can tell."""
    if "target" not in spec.roles:
        return None
    target = next((column for column in description.columns if column.name == spec.column("target")), None)
    if target is None:
        return None
    keys = _keys(spec.kind())
    if "r2" in keys:
        return _mean_guess(target, spec.kind())
    return _majority_guess(target, description.rows) if "accuracy" in keys else None


def _keys(task: type[Task]) -> set[str]:
    return {metric.key for metric in task.metrics}


def _majority_guess(target: Column, total: int) -> ToBeat | None:
    top: Any = target.stats.get("top")
    counted = total - target.missing
    if not top or not counted:
        return None
    text = _("always answering “%(label)s”") % {"label": top[0]["value"]}
    return ToBeat(metric_of(TASKS["tabular-classification"], "accuracy"), top[0]["count"] / counted, text)


def _mean_guess(target: Column, task: type[Task]) -> ToBeat | None:
    mean, spread = target.stats.get("mean"), target.stats.get("std")
    if not isinstance(mean, int | float) or not isinstance(spread, int | float):
        return None
    text = _("always answering the mean, %(mean)s") % {"mean": f"{mean:,.4g}" if abs(mean) < 1000 else f"{mean:,.0f}"}
    return ToBeat(metric_of(task, "rmse"), float(spread), text)


@dataclass(frozen=True)
class Setting:
    """One choice as it was stored."""

    title: str
    value: str
    about: str
    is_default: bool


@dataclass(frozen=True)
class SettingGroup:
    """Stored choices under one heading."""

    title: str
    settings: list[Setting]


def stored_settings(spec: TrainSpec) -> list[SettingGroup]:
    """Everything that decided the training, by what it is about."""
    network = spec.network()
    return [
        SettingGroup(network.title, _stored(network, type(network)())),
        SettingGroup(_("Training"), _stored(spec.recipe, Recipe())),
        SettingGroup(_("Held-out data"), _stored(spec.split, Split())),
    ]


def _stored(chosen: Settings, usual: Settings) -> list[Setting]:
    values, defaults = chosen.model_dump(mode="json"), usual.model_dump(mode="json")
    return [
        Setting(field.title or name, spoken(values[name]), field.description or "", values[name] == defaults[name])
        for name, field in type(chosen).model_fields.items()
    ]


def spoken(value: JsonValue) -> str:
    """A setting's value as people read it."""
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(spoken(item) for item in value) or "–"
    return "–" if value is None else str(CHOICE_WORDS.get(str(value), value))


def clone_url(run: Run, changes: Mapping[str, JsonValue] | None = None) -> str:
    """The new run page filled in like this run, with some recipe fields changed."""
    spec = run.train_spec()
    choices: list[tuple[str, str]] = [("dataset", str(run.version.dataset_id)), ("task", spec.task)]
    choices += [(f"role.{role}", column) for role, columns in spec.roles.items() for column in columns]
    choices += [("architecture", spec.architecture), ("start_from", str(_start_of(run) or ""))]
    recipe = spec.recipe.model_dump(mode="json") | dict(changes or {})
    for prefix, values in ((spec.architecture, spec.settings), ("recipe", recipe), ("split", spec.split.model_dump())):
        choices += [(f"{prefix}-{name}", _form_value(value)) for name, value in values.items()]
    return f"{reverse('run-new')}?{urlencode(choices)}"


def _form_value(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_form_value(item) for item in value)
    return "" if value is None else str(value)


def changed_choices(run: Run, changes: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The run's choices with some recipe fields changed, as `services.propose_spec` takes them."""
    spec = run.train_spec().model_dump(mode="json", exclude={"data", "start_from"})
    return spec | {"recipe": spec["recipe"] | dict(changes), "start_from": _start_of(run)}


def _start_of(run: Run) -> int | None:
    """The number of the run that it starts from."""
    named = run.train_spec().start_from.removeprefix("run:")
    return int(named) if named else None


def change_words(changes: Mapping[str, JsonValue]) -> str:
    """Changed recipe fields for a button: “Learning rate 0.0001, Batch size 16”."""
    titles = {name: field.title or name for name, field in Recipe.model_fields.items()}
    return ", ".join(f"{titles.get(name, name)} {spoken(value)}" for name, value in changes.items())


@dataclass(frozen=True)
class PhaseMark:
    """One stretch of work on the way to a result."""

    title: str
    state: str
    """done, now or ahead."""


def phase_marks(notes: Iterable[Note]) -> list[PhaseMark]:
    """The stretches that were begun, the last of them under way."""
    begun: dict[str, str] = {}
    for note in notes:
        if note.kind == "phase":
            begun[str(note.data.get("name"))] = str(note.data.get("title"))
    last = next(reversed(begun), None)
    return [PhaseMark(title, "now" if name == last else "done") for name, title in begun.items()]
