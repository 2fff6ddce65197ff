"""From a lesson to its first step: the network, where it stands, and all that its training holds."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from training.architectures import Rounds
from training.checkpoint import Position, read_checkpoint, restore
from training.curves import Clock, Curves
from training.device import Device
from training.events import Event, Phase, Progress, Started, Warning
from training.lesson import Lesson, build_network
from training.order import count_steps
from training.pretrained.transfer import take_over
from training.state import Training
from training.techniques.averaging import Averaging
from training.techniques.compiling import compile_where_it_pays
from training.techniques.finder import at_rate, try_rates
from training.techniques.optimizers import Optimizers, build_optimizers
from training.techniques.probe import settle_on_a_batch
from training.techniques.recompute import recompute_blocks
from training.techniques.shards import is_shared_out, share_out

AFRESH = "This kind of model always starts afresh: of the earlier run only what it knew of its columns is taken over."


@dataclass(frozen=True)
class Built:
    """A network that has not learnt in this run yet."""

    model: nn.Module
    rounds: Rounds | None
    """How it is found round by round; None if it learns by gradients."""
    device: Device
    """The device with the quickest way of working on it."""


def build(lesson: Lesson) -> Generator[Event, None, Built]:
    """The network with fresh weights, or with those of the run that this one starts from."""
    spec, objective, recipe, device = lesson.spec, lesson.objective, lesson.spec.recipe, lesson.device
    yield Phase(name="building", title="Building the network")
    model = build_network(spec, objective, device)
    if recipe.recompute and not recompute_blocks(model):
        yield Warning(message="This network is not made of blocks, so that nothing is computed twice.")
    rounds = spec.network().fit(model, lesson.bag.redrawn(objective) if lesson.bag else objective, recipe)
    if spec.start_from:
        yield take_over(model, spec, objective.preparation()) if rounds is None else Warning(message=AFRESH)
    if rounds is None and lesson.crew.is_alone:
        device = settle_on_a_batch(device, recipe, model, objective)
    return Built(model, rounds, device)


def begin(lesson: Lesson, built: Built) -> Generator[Event, None, Training]:
    """The training as it stands before its next step: the first, or the one after its checkpoint."""
    recipe, objective, crew, model = lesson.spec.recipe, lesson.objective, lesson.crew, built.model
    by_gradients = built.rounds is None
    crew.align(model)
    if recipe.share_out and by_gradients and (note := share_out(model, built.device, crew.size)):
        yield note
    half = built.device.dtype is torch.float16
    optimizers = build_optimizers(model, recipe, scaled=half) if by_gradients else Optimizers([])
    kept = crew.hear(read_checkpoint(lesson.folder, lesson.member))
    position = restore(kept, model, optimizers) if kept else Position(member=lesson.member)
    steps = count_steps(objective, recipe) if by_gradients else max(1, round(recipe.epochs))
    yield started(lesson, built, steps, position.step)
    clock = Clock(position.seconds)
    return Training(
        recipe,
        built.device,
        objective,
        model,
        optimizers,
        position,
        steps,
        clock,
        Curves(clock, position.step, steps, limit=60 * recipe.minutes or math.inf),
        crew,
        Averaging(model, recipe, position, steps) if by_gradients and recipe.average != "none" else None,
        lesson.bag,
    )


def started(lesson: Lesson, built: Built, steps: int, resumed_from: int) -> Started:
    """What is known of a training before its next step."""
    weights = list(built.model.parameters())
    return Started(
        parameters=sum(weight.numel() for weight in weights),
        trainable=sum(weight.numel() for weight in weights if weight.requires_grad),
        device=built.device.title,
        steps=steps,
        epochs=lesson.spec.recipe.epochs,
        rows=lesson.rows,
        resumed_from=resumed_from,
    )


def get_ready(training: Training) -> Iterator[Event]:
    """Find the learning rate, unless that was done before a pause, and compile: each where the recipe says so."""
    recipe, position = training.recipe, training.position
    if recipe.find_lr and not position.lr:
        yield Phase(name="finding", title="Looking for the learning rate")
        trial = try_rates(training.model, training.objective, recipe, training.device)
        (position.lr,) = training.crew.follow([trial.lr])
        yield Progress(step=0, steps=training.steps, epoch=0, seconds=0, points=trial.points())
        yield Warning(message=trial.sentence)
    if recipe.find_lr:
        training.optimizers.scale_peaks(position.lr / recipe.lr)
        training.recipe = at_rate(recipe, position.lr)
    if is_shared_out(training.model):
        return  # processes that time the steps alone would not agree
    note = compile_where_it_pays(training.model, training.objective, recipe, training.device, training.steps)
    if note is not None:
        yield note
