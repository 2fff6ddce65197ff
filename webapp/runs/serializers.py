"""The shapes of the runs' REST API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from training.recipes import PRESETS
from webapp.runs.curves.series import AXES
from webapp.runs.folds.services import measure_folds, runs_of
from webapp.runs.models import CrossValidation, Run
from webapp.runs.news import progress_as_json
from webapp.runs.queue import position


class SpecRequest(serializers.Serializer[Any]):
    """What to train; whatever is left out is proposed."""

    project = serializers.IntegerField(required=False, help_text="The data set's project if left out.")
    dataset = serializers.IntegerField()
    version = serializers.IntegerField(required=False, help_text="The newest if left out.")
    name = serializers.CharField(required=False, max_length=120, allow_blank=True)
    task = serializers.CharField(required=False)
    roles = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        help_text='Column name or list of names by role: {"target": "y"}.',
    )
    architecture = serializers.CharField(required=False)
    settings = serializers.DictField(required=False, help_text="Of the architecture; see the catalog.")
    recipe = serializers.DictField(required=False, help_text="How to train; see the catalog.")
    split = serializers.DictField(required=False, help_text="Which examples are held out.")
    preset = serializers.ChoiceField(PRESETS, default="balanced")
    start_from = serializers.IntegerField(
        required=False, help_text="A finished run of the same architecture, whose weights are gone on from."
    )

    def validate_roles(self, roles: dict[str, Any]) -> dict[str, Any]:
        """Names or lists of names, nothing else."""
        for role, names in roles.items():
            listed = [names] if isinstance(names, str) else names
            if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
                raise serializers.ValidationError(f"“{role}” takes a column name or a list of column names.")
        return roles


class FoldsRequest(SpecRequest):
    """What to train on every fold."""

    folds = serializers.IntegerField(default=5, min_value=2, max_value=20)


class RunAnswer(serializers.Serializer[Run]):
    """One run."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    slug = serializers.CharField()
    status = serializers.ChoiceField(Run.Status.choices)
    project = serializers.IntegerField(source="project_id")
    dataset = serializers.IntegerField(source="version.dataset_id")
    version = serializers.IntegerField(source="version.number")
    owner = serializers.CharField(source="owner.username")
    task = serializers.CharField()
    architecture = serializers.CharField()
    cross_validation = serializers.IntegerField(
        source="cross_validation_id", allow_null=True, help_text="The cross-validation that it trains one fold of."
    )
    phase = serializers.CharField()
    progress = serializers.SerializerMethodField()
    metrics = serializers.DictField(help_text="{name: {last, best}}")
    headline = serializers.DictField(help_text="{key, value, low, high, baseline, grade} when finished")
    error = serializers.DictField(help_text="{code, message, hint, remedy} when failed")
    device = serializers.CharField()
    parameters = serializers.IntegerField()
    checkpoint_step = serializers.IntegerField(help_text="0 if there is no checkpoint to go on from.")
    queue_position = serializers.SerializerMethodField()
    created = serializers.DateTimeField()
    started = serializers.DateTimeField(allow_null=True)
    ended = serializers.DateTimeField(allow_null=True)

    def get_progress(self, run: Run) -> dict[str, Any]:
        """How far it is."""
        return progress_as_json(run)

    def get_queue_position(self, run: Run) -> int | None:
        """1 for the run that starts next; null if it is not waiting."""
        return position(run)


class RunDetail(RunAnswer):
    """One run with everything that decided it."""

    spec = serializers.DictField(help_text="`data` is filled in by the worker that trains.")


class CrossValidationAnswer(serializers.Serializer[CrossValidation]):
    """The runs of a cross-validation, and what they say together."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    project = serializers.IntegerField(source="project_id")
    owner = serializers.CharField(source="owner.username")
    folds = serializers.IntegerField()
    runs = serializers.SerializerMethodField()
    metrics = serializers.SerializerMethodField()
    created = serializers.DateTimeField()

    def get_runs(self, group: CrossValidation) -> list[dict[str, Any]]:
        """[{id, fold, status}] in the order of the folds."""
        return [{"id": run.pk, "fold": run.spec["split"]["fold"], "status": run.status} for run in runs_of(group)]

    def get_metrics(self, group: CrossValidation) -> dict[str, Any]:
        """{key: {mean, spread, values}} over the folds that are finished; the spread is a standard deviation."""
        return {measure.metric.key: measure.as_json() for measure in measure_folds(runs_of(group))}


class FoldsCompared(serializers.Serializer[Any]):
    """The verdict on cross-validation `b` against `a`, by a corrected resampled t-test over their folds."""

    a = serializers.IntegerField()
    b = serializers.IntegerField()
    metric = serializers.CharField()
    folds = serializers.IntegerField(help_text="Folds that both have finished.")
    difference = serializers.FloatField(help_text="Of the means, b minus a.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    p = serializers.FloatField()
    better = serializers.IntegerField(allow_null=True, help_text="The one that is better beyond chance, else null.")
    sentence = serializers.CharField()
    examples = serializers.IntegerField(help_text="Held-out examples whose answers are kept; 0 where they are not.")
    fixed = serializers.IntegerField(help_text="Of these, better answered by b.")
    broken = serializers.IntegerField(help_text="Of these, better answered by a.")


class EstimateAnswer(serializers.Serializer[Any]):
    """What a training will take."""

    verdict = serializers.ChoiceField(("fits", "tight", "too_big"))
    sentence = serializers.CharField()
    remedy = serializers.DictField(allow_null=True, help_text="{label, changes: {recipe field: value}}")
    seconds = serializers.FloatField()
    measured = serializers.BooleanField(help_text="Whether the time is calibrated on finished runs.")
    steps = serializers.IntegerField()
    rows = serializers.DictField(child=serializers.IntegerField())
    parameters = serializers.IntegerField()
    memory_bytes = serializers.IntegerField()
    memory_available = serializers.IntegerField()
    disk_bytes = serializers.IntegerField()
    disk_available = serializers.IntegerField()
    device = serializers.CharField()
    spec = serializers.DictField()


class StopRequest(serializers.Serializer[Any]):
    """What becomes of what was learnt so far."""

    keep = serializers.BooleanField(default=True, help_text="Save a checkpoint, so that it can go on later.")


class NameRequest(serializers.Serializer[Any]):
    """A name for a run."""

    name = serializers.CharField(max_length=120, required=False, allow_blank=True)


class SeriesRequest(serializers.Serializer[Any]):
    """Which curves, how many points, over what."""

    names = serializers.CharField(required=False, help_text="Separated by commas; all if left out.")
    points = serializers.IntegerField(default=1000, min_value=2, max_value=20_000)
    x = serializers.ChoiceField(AXES, default="step")


class CurveAnswer(serializers.Serializer[Any]):
    """One curve, thinned so that every spike stays."""

    x = serializers.ListField(child=serializers.FloatField())
    y = serializers.ListField(child=serializers.FloatField(allow_null=True))
    count = serializers.IntegerField(help_text="Points in all.")
    last_step = serializers.IntegerField()
    not_numbers = serializers.ListField(help_text='[[x, "nan" | "inf" | "-inf"]]')


class SeriesAnswer(serializers.Serializer[Any]):
    """Curves by name."""

    series = serializers.DictField(child=CurveAnswer())


class PredictionsRequest(serializers.Serializer[Any]):
    """Which of the held-out examples."""

    truth = serializers.CharField(required=False, default="")
    prediction = serializers.CharField(required=False, default="")
    wrong = serializers.BooleanField(required=False, default=False)
    offset = serializers.IntegerField(default=0, min_value=0)
    limit = serializers.IntegerField(default=50, min_value=1, max_value=1000)


class Prediction(serializers.Serializer[Any]):
    """One held-out example; `row` is its row in the data set version."""

    id = serializers.CharField()
    row = serializers.IntegerField()
    truth = serializers.JSONField()
    prediction = serializers.JSONField()
    confidence = serializers.FloatField(required=False)
    error = serializers.FloatField(required=False)
    loss = serializers.FloatField()
    correct = serializers.BooleanField(required=False)


class PredictionsAnswer(serializers.Serializer[Any]):
    """A page of held-out examples, hardest first."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    results = Prediction(many=True)


class FileAnswer(serializers.Serializer[Any]):
    """One of a run's files."""

    path = serializers.CharField()
    bytes = serializers.IntegerField()
    url = serializers.CharField()


class FilesAnswer(serializers.Serializer[Any]):
    """A run's files."""

    next = serializers.CharField(allow_null=True)
    results = FileAnswer(many=True)


class NoteAnswer(serializers.Serializer[Any]):
    """One line of a run's log."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    step = serializers.IntegerField()
    time = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]


class CompareRequest(SeriesRequest):
    """Which runs to lay side by side; the others are tested against the first."""

    names = None  # type: ignore[assignment]
    runs = serializers.CharField(help_text="Numbers separated by commas.")
    points = serializers.IntegerField(default=500, min_value=2, max_value=5_000)

    def validate_runs(self, text: str) -> list[int]:
        """Up to 50 different numbers."""
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts or not all(part.isdigit() for part in parts):
            raise serializers.ValidationError("Write the runs' numbers, separated by commas: 3,5.")
        ids = list(dict.fromkeys(map(int, parts)))
        if len(ids) > 50:
            raise serializers.ValidationError("At most 50 runs can be compared.")
        return ids
