"""What a training will take, before it is started: time, memory and disk, with a verdict and a way out."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from statistics import median
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from training.architectures import Cost, Facts
from training.data.columns import CHARACTERS_PER_TOKEN
from training.facts import count_rows, facts_of
from training.recipes import Recipe
from training.spec import TrainSpec
from webapp.core import devices
from webapp.datasets.models import DatasetVersion
from webapp.runs.models import Run

START_SECONDS = 1.5
"""Reading, building and the two phases after the last step."""
STEP_SECONDS = {"cpu": 6e-4, "gpu": 2e-3}
"""What a step costs beside its arithmetic."""
FLOPS = {"cpu": 8e9, "gpu": 2e13}
"""Floating-point operations per second that small networks reach: per core, per GPU. Finished runs correct it."""
PROCESS_BYTES = 400 * 2**20
"""An engine with torch imported and nothing to do."""
STATES = {"sgd": 1, "adagrad": 1, "rmsprop": 2, "lion": 1, "muon": 1, "adam": 2, "adamw": 2}
"""Numbers per weight that the optimiser keeps."""
PREDICTION_BYTES = 60
TIGHT = 0.7
"""Share of what is there from which it is called tight."""


@dataclass(frozen=True)
class Work:
    """The amounts that time and memory follow from."""

    cost: Cost
    examples: int
    """Per epoch; tokens for language modelling."""
    per_example: int
    """What one example of a batch counts for: the tokens of a window, else 1."""
    held_out: int
    steps: int


def estimate(spec: TrainSpec, version: DatasetVersion) -> dict[str, Any]:
    """What the training will take, before it is started.

    {"seconds", "measured": whether calibrated on finished runs here, "steps", "rows": {"train", "val", "test"},
    "parameters", "memory_bytes", "memory_available", "disk_bytes", "disk_available", "device",
    "verdict": "fits" | "tight" | "too_big", "sentence": the verdict in words,
    "remedy": None or {"label", "changes": {recipe field: value}}}
    """
    description = version.describe()
    facts = facts_of(description, task=spec.task, roles=spec.roles, split=spec.split)
    rows = count_rows(description, spec.split)
    work = _work(spec, facts, rows["test"])
    slot = devices.slots()[0]
    correction = _correction(spec)
    memory, disk = memory_bytes(spec.recipe, work, version.bytes), _disk_bytes(spec.recipe, work)
    free = shutil.disk_usage(settings.DATA_DIR).free
    return {
        "seconds": round(START_SECONDS + (correction or 1.0) * raw_seconds(spec.recipe, work), 1),
        "measured": correction is not None,
        "steps": spec.recipe.ensemble * work.steps,
        "rows": rows,
        "parameters": spec.recipe.ensemble * work.cost.parameters,
        "memory_bytes": memory,
        "memory_available": slot.memory,
        "disk_bytes": disk,
        "disk_available": free,
        "device": slot.title,
        **_verdict(spec, work, version.bytes, memory=memory, room=slot.memory, disk=disk, free=free),
    }


def raw_seconds(recipe: Recipe, work: Work) -> float:
    """Training time as the constants above have it."""
    kind = "gpu" if devices.slots()[0].key.startswith("gpu") else "cpu"
    pace = FLOPS[kind] * (devices.cores() if kind == "cpu" else 1)
    forward = work.cost.flops * work.examples
    looks = min(recipe.evaluations, work.steps) * work.cost.flops * work.held_out
    seconds = work.steps * STEP_SECONDS[kind] + (3 * forward * recipe.epochs + looks) / pace
    return min(recipe.ensemble * seconds, 60 * recipe.minutes or math.inf)


def memory_bytes(recipe: Recipe, work: Work, data_bytes: int) -> int:
    """Weights, gradients and the optimiser's state, what a batch keeps for the backward pass, and the data."""
    weights = 4 * _trained(work) * (1 + _kept(recipe)) + work.cost.frozen_bytes
    batch = 4 * work.cost.activations * recipe.batch_size * work.per_example
    return int(PROCESS_BYTES + weights + 2 * batch + 3 * data_bytes)


def _disk_bytes(recipe: Recipe, work: Work) -> int:
    """The model, two checkpoints while one replaces the other, and the predictions."""
    checkpoint = 4 * _trained(work) * _kept(recipe)
    return 4 * recipe.ensemble * _trained(work) + 2 * checkpoint + PREDICTION_BYTES * work.held_out + 2**20


def _trained(work: Work) -> int:
    """Weights that are corrected, and so are all that a model folder and a checkpoint hold."""
    return work.cost.parameters - work.cost.frozen


def _kept(recipe: Recipe) -> int:
    """Numbers per weight of one network: itself, the optimiser's, the average, and the networks that are finished."""
    return recipe.ensemble + STATES[recipe.optimizer] + (recipe.average != "none")


def _work(spec: TrainSpec, facts: Facts, held_out: int) -> Work:
    network, recipe = spec.network(), spec.recipe
    examples, per_example = facts.rows, 1
    if spec.task == "language-modeling":
        per_example = int(getattr(network, "length", 1))
        per_token = 1.0 if getattr(network, "vocabulary", "") == "characters" else CHARACTERS_PER_TOKEN
        examples = max(1, round(facts.characters / per_token))
        held_out = round(examples * held_out / facts.rows)
    if spec.task == "word-embeddings":
        examples = max(1, round(facts.characters / CHARACTERS_PER_TOKEN))
    drawn = examples / per_example
    if facts.conversations:
        drawn, per_example = facts.rows, min(per_example, math.ceil(examples / facts.rows))
    batches = math.ceil(drawn / recipe.batch_size)
    steps = max(1, round(math.ceil(batches / recipe.accumulate) * recipe.epochs))
    return Work(network.cost(facts.shapes), examples, per_example, held_out, steps)


def _correction(spec: TrainSpec) -> float | None:
    """How much longer the last runs of this architecture took than the constants say; None before the first."""
    finished = Run.objects.filter(architecture=spec.architecture, task=spec.task, status=Run.Status.FINISHED)
    ratios = [_ratio(pk, ended) for pk, ended in finished.order_by("-ended").values_list("pk", "ended")[:5]]
    return min(50.0, max(0.02, median(ratios))) if ratios else None


@lru_cache(1024)
def _ratio(run_id: int, ended: datetime) -> float:
    """A finished run's time over its estimate. Finished runs never change."""
    run = Run.objects.select_related("version").get(pk=run_id)
    spec = run.train_spec()
    description = run.version.describe()
    facts = facts_of(description, task=spec.task, roles=spec.roles, split=spec.split)
    work = _work(spec, facts, count_rows(description, spec.split)["test"])
    return run.seconds / max(1e-3, raw_seconds(spec.recipe, work))


def _verdict(
    spec: TrainSpec, work: Work, data_bytes: int, *, memory: int, room: int, disk: int, free: int
) -> dict[str, Any]:
    if disk > free:
        sentence = _("The disk has no room for the model. Delete runs or data sets that nobody needs.")
        return {"verdict": "too_big", "sentence": sentence, "remedy": None}
    if memory > room:
        return _too_big(spec, work, data_bytes, room)
    if memory > TIGHT * room or disk > TIGHT * free:
        return {"verdict": "tight", "sentence": _("It fits, but only just."), "remedy": None}
    return {"verdict": "fits", "sentence": _("It fits."), "remedy": None}


def _too_big(spec: TrainSpec, work: Work, data_bytes: int, room: int) -> dict[str, Any]:
    """Halve the batch and add up twice as many until it fits, which changes no result; or say that none does."""
    recipe = spec.recipe
    batch, accumulate = recipe.batch_size, recipe.accumulate
    while batch > 1:
        batch, accumulate = batch // 2, min(1024, accumulate * 2)
        smaller = recipe.model_copy(update={"batch_size": batch, "accumulate": accumulate})
        if memory_bytes(smaller, work, data_bytes) <= TIGHT * room:
            label = ngettext("Use batches of %(n)d example", "Use batches of %(n)d examples", batch) % {"n": batch}
            remedy = {"label": label, "changes": {"batch_size": batch, "accumulate": accumulate}}
            sentence = _("It will not fit into the memory, but with smaller batches it would.")
            return {"verdict": "too_big", "sentence": sentence, "remedy": remedy}
    sentence = _("It will not fit into the memory. Choose a smaller network.")
    return {"verdict": "too_big", "sentence": sentence, "remedy": None}
