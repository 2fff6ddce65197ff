"""Two cross-validations on the same folds: which choice is better, and could the difference be chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from training.tasks import TASKS, Metric
from webapp.core import apart
from webapp.core.errors import UserError
from webapp.core.templatetags.touchstone import metric as spoken
from webapp.runs.comparing.paired import CLEAR, spoken_p
from webapp.runs.folds.services import runs_of
from webapp.runs.models import CrossValidation, Run
from webapp.runs.results import predictions_path, read_report

MOST_COMPARED = 5
KEEP_SECONDS = 86_400


@dataclass(frozen=True)
class FoldsCompared:
    """The verdict on `b` against `a`, by the folds that both have finished."""

    a: int
    b: int
    metric: str
    folds: int
    difference: float
    """Mean over the folds, b minus a."""
    low: float
    high: float
    p: float
    better: int | None
    """The one that is really better; None where it could be chance."""
    sentence: str
    examples: int = 0
    fixed: int = 0
    """Held-out examples that b has right, or nearer to the truth, and a has not; 0 where answers are not kept."""
    broken: int = 0

    def as_json(self) -> dict[str, Any]:
        """What REST tells of it."""
        return asdict(self)


@dataclass(frozen=True)
class Rival:
    """Another cross-validation of the same question; `found` is None until both have finished two of the same folds."""

    group: CrossValidation
    found: FoldsCompared | None


def rivals(group: CrossValidation) -> list[Rival]:
    """The newest cross-validations that can be compared with this one, each with the verdict on it."""
    runs = runs_of(group)
    if not runs:
        return []
    others = CrossValidation.objects.filter(project=group.project_id, folds=group.folds, runs__version=runs[0].version)
    found = []
    for other in others.exclude(pk=group.pk).distinct()[: 4 * MOST_COMPARED]:
        if _question(runs_of(other)[0]) == _question(runs[0]):
            found.append(Rival(other, _compare(group, other)))
    return found[:MOST_COMPARED]


def compare_folds(a: CrossValidation, b: CrossValidation) -> FoldsCompared:
    """The verdict on `b` against `a`; raises UserError where they cannot be compared, or not yet."""
    first, second = runs_of(a), runs_of(b)
    if a == b or not (first and second) or _question(first[0]) != _question(second[0]):
        raise UserError(
            _("“%(a)s” and “%(b)s” were not judged on the same folds.") % {"a": a.name, "b": b.name},
            _("Compare two cross-validations of the same data version, target and division."),
            code="other_folds",
        )
    found = _compare(a, b)
    if found is None:
        raise UserError(
            _("“%(a)s” and “%(b)s” have not finished two of the same folds yet.") % {"a": a.name, "b": b.name},
            _("Wait until more of their runs are finished."),
            code="not_finished",
            status=409,
        )
    return found


def _question(run: Run) -> tuple[object, ...]:
    """What must be the same for two runs to be judged on the same examples."""
    spec = run.train_spec()
    division = spec.split.model_dump(exclude={"fold", "test", "validation"})
    return run.version_id, spec.task, spec.roles.get("target"), tuple(division.values())


def _compare(a: CrossValidation, b: CrossValidation) -> FoldsCompared | None:
    """None before two folds are finished by both; what finished runs say never changes, so it is kept."""
    seconds = {run.spec["split"]["fold"]: run for run in _finished(b)}
    pairs = [(run, seconds[fold]) for run in _finished(a) if (fold := run.spec["split"]["fold"]) in seconds]
    if len(pairs) < 2:
        return None
    metric = _headline(pairs)
    asked = " ".join(str(run.pk) for pair in pairs for run in pair)
    figures = (
        cache.get_or_set(
            f"folds-{sha256(asked.encode()).hexdigest()}", lambda: _figures(pairs, metric.key), KEEP_SECONDS
        )
        or {}
    )
    return _judge(a, b, metric, len(pairs), figures)


def _finished(group: CrossValidation) -> list[Run]:
    return [run for run in runs_of(group) if run.status == Run.Status.FINISHED]


def _headline(pairs: Sequence[tuple[Run, Run]]) -> Metric:
    report = read_report(pairs[0][0])
    assert report
    return next(metric for metric in TASKS[pairs[0][0].task].metrics if metric.key == report.headline)


def _figures(pairs: Sequence[tuple[Run, Run]], metric: str) -> dict[str, Any]:
    reports = [report for pair in pairs for run in pair if (report := read_report(run))]
    values = [report.metrics[metric].value for report in reports]
    differences = [second - first for first, second in zip(values[::2], values[1::2], strict=True)]
    share = sum(report.rows["test"] for report in reports) / sum(report.rows["train"] for report in reports)
    paths = [(predictions_path(first), predictions_path(second)) for first, second in pairs]
    figures: dict[str, Any] = apart.run_long("webapp.runs.comparing.answers:compare_folds", differences, share, paths)
    return figures


def _judge(
    a: CrossValidation, b: CrossValidation, metric: Metric, folds: int, figures: dict[str, Any]
) -> FoldsCompared:
    test = {name: figures[name] for name in ("difference", "low", "high", "p")}
    answers = figures["answers"] or {}
    ahead = figures["difference"] > 0 if metric.higher_is_better else figures["difference"] < 0
    better = (b if ahead else a).pk if figures["p"] < CLEAR and figures["difference"] else None
    counts = {name: answers[name] for name in ("examples", "fixed", "broken") if name in answers}
    sentence = _sentence(b, metric, figures, ahead=ahead, clear=better is not None)
    return FoldsCompared(
        a=a.pk, b=b.pk, metric=metric.key, folds=folds, **test, better=better, sentence=sentence, **counts
    )


def _sentence(b: CrossValidation, metric: Metric, figures: dict[str, Any], *, ahead: bool, clear: bool) -> str:
    size = _size(metric, figures["difference"])
    words = {"name": b.name, "size": size, "measure": metric.title, "p": spoken_p(figures["p"])}
    if not figures["difference"]:
        return _("%(measure)s: “%(name)s” reaches exactly the same.") % words
    if clear and ahead:
        text = _("%(measure)s: “%(name)s” is better by %(size)s, which is more than chance would explain (p %(p)s).")
    elif clear:
        text = _("%(measure)s: “%(name)s” is worse by %(size)s, which is more than chance would explain (p %(p)s).")
    elif ahead:
        text = _("%(measure)s: “%(name)s” is ahead by %(size)s, which could be chance (p %(p)s).")
    else:
        text = _("%(measure)s: “%(name)s” is behind by %(size)s, which could be chance (p %(p)s).")
    return text % words


def _size(metric: Metric, difference: float) -> str:
    """How large a difference is: points of a percentage, or the measure's own unit."""
    if not metric.percent:
        return spoken(abs(difference), metric)
    return _("%(n)s points") % {"n": number_format(round(100 * abs(difference), 1), 1)}
