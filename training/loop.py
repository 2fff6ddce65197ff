"""The training loop: one for every task, yielding what happens as it happens. Read this page first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn

from training import model_folder
from training.architectures import Round, Rounds
from training.beginning import begin, build, get_ready
from training.device import choose_device
from training.events import Event, Finished, Phase, Stopped
from training.examples import read_examples
from training.lesson import Lesson, Taught, Teaching, whole_network
from training.objectives import OBJECTIVES, Warns
from training.order import epoch_order, moments
from training.spec import TrainSpec
from training.state import Training, compare, pause, save, settle_weights, tell
from training.techniques.blending import JoinsKinds, teach_kinds
from training.techniques.crew import join_crew
from training.techniques.ensemble import teach_members
from training.techniques.optimizers import lr_factor
from training.techniques.shards import put_together


def train(spec: TrainSpec, folder: Path, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Train what the spec describes and leave model, report and predictions in `folder`.

    Goes on from the checkpoint in `folder` if there is one, with the very curve it would have drawn without the
    pause. When `should_stop` turns true it writes a checkpoint after the step at hand and ends with `Stopped`.
    Raises TrainingError for whatever a person can mend.
    """
    yield Phase(name="reading", title="Reading the data")
    examples = read_examples(spec, folder)
    device = choose_device(spec.recipe)

    yield Phase(name="preparing", title="Preparing the examples")
    objective = OBJECTIVES[spec.task](spec, examples, device, folder / model_folder.NAME)
    if isinstance(objective, Warns):
        yield from objective.warnings()

    lesson = Lesson(spec, objective, device, join_crew(), folder, examples.counts(), should_stop)
    taught = yield from teach_whole(lesson)
    if taught is None or not lesson.crew.leads:
        return
    yield from judge(lesson, taught)


def teach_whole(lesson: Lesson) -> Teaching:
    """All that the spec asks for: one network, an ensemble of its kind, or a blend of several kinds."""
    if isinstance(lesson.spec.network(), JoinsKinds):
        return teach_kinds(lesson, teach)
    return teach(lesson) if lesson.spec.recipe.ensemble == 1 else teach_members(lesson, teach)


def teach(lesson: Lesson) -> Teaching:
    """Build one network and train it from where its checkpoint stands; the taught network, or None if stopped."""
    built = yield from build(lesson)
    training = yield from begin(lesson, built)
    if built.rounds is None:
        yield from get_ready(training)
        taking = take_steps(training, lesson.folder, lesson.should_stop)
    else:
        taking = take_rounds(training, built.rounds, lesson.folder, lesson.should_stop)
    yield Phase(name="training", title="Training")
    for event in taking:
        yield event
        if isinstance(event, Stopped):
            return None
    return Taught(whole_network(lesson, training.model), training.device, training.position.seconds)


def take_steps(training: Training, folder: Path, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Every step from where the training stands to the last: correct, tell, now and then look at held-out data."""
    recipe, clock = training.recipe, training.clock
    looks = evaluation_steps(training)
    saved_at = clock.session()
    training.model.train()
    for group in batches(training):
        correct(training, group)
        is_asked, training.seconds = training.crew.follow([should_stop(), clock.seconds()])
        if training.curves.due():
            yield tell(training)
        if looks and training.moment >= looks[-1]:
            yield from look(training)
            looks = evaluation_steps(training)
        if is_asked:
            yield from pause(training, folder)
            return
        if clock.session() - saved_at >= recipe.checkpoint_seconds:
            yield save(training, folder)
            saved_at = clock.session()
    settle_weights(training)


def take_rounds(training: Training, rounds: Rounds, folder: Path, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Every round of a model that is found without gradients; those taken before a pause are taken again untold."""
    position, clock = training.position, training.clock
    told, saved_at = position.step, clock.session()
    with closing(rounds):
        for points in islice(enumerate(rounds, start=1), told, None):
            note(training, *points)
            training.seconds = clock.seconds()
            if training.curves.due():
                yield tell(training)
            if should_stop():
                yield from pause(training, folder)
                return
            if clock.session() - saved_at >= training.recipe.checkpoint_seconds:
                yield save(training, folder)
                saved_at = clock.session()
            if training.ends_early:
                break
    yield tell(training)
    settle_weights(training)


def note(training: Training, step: int, points: Round) -> None:
    """Write down what one round brought."""
    position = training.position
    position.step = position.epoch = step
    for name, value in points.items():
        training.curves.add(name, step, value)
    if "val/loss" in points:
        compare(position, points["val/loss"], training.model, keep=training.recipe.patience > 0)


def evaluation_steps(training: Training) -> list[int]:
    """The steps at which held-out data is still to be looked at, the next one last."""
    return [step for step in reversed(moments(training.steps, training.recipe.evaluations)) if step > training.moment]


def batches(training: Training) -> Iterator[list[Tensor]]:
    """The batches of one correction after the other, through as many epochs as it takes."""
    recipe, position = training.recipe, training.position
    while True:
        epoch = training.objective.epoch(epoch_order(recipe.seed, position.epoch), recipe.batch_size)
        epoch = training.bag.redraw(epoch) if training.bag else epoch
        while position.batch < len(epoch):
            if training.is_done:
                return
            group = epoch[position.batch : position.batch + recipe.accumulate]
            position.batch += len(group)
            position.share = position.batch / len(epoch)
            yield group
        position.epoch, position.batch, position.share = position.epoch + 1, 0, 0.0


def correct(training: Training, group: list[Tensor]) -> None:
    """One step: the gradient of the mean loss over the group's examples, then one correction of the weights."""
    recipe, position, model = training.recipe, training.position, training.model
    position.step += 1
    factor = lr_factor(recipe, training.moment, training.steps)
    training.optimizers.scale_lr(factor)
    losses, examples = [], sum(len(indices) for indices in group)
    for indices in group:
        mine, weight = training.crew.share(indices)
        with training.device.autocast():
            loss = weight * len(indices) / examples * training.objective.loss(model, mine, position.epoch)
        training.optimizers.backward(loss)
        losses.append(loss.detach())
        training.seen += len(indices)
    loss = training.crew.average(model, losses[0] if len(losses) == 1 else torch.stack(losses).sum())
    training.optimizers.unscale()
    if recipe.l1:
        training.optimizers.shrink(recipe.l1)
    if recipe.clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
    training.optimizers.step()
    if training.averaging:
        training.averaging.take(training.moment)
    training.curves.add_loss(position.step, loss)
    training.curves.add("train/lr", position.step, recipe.lr * factor)


def look(training: Training) -> Iterator[Event]:
    """Evaluate on the val part with dropout off, note whether it is the best so far, and let the model speak."""
    position, model = training.position, training.model
    model.eval()
    with training.averaging.shown() if training.averaging else nullcontext():
        with put_together(model):
            with torch.no_grad():
                values = training.objective.evaluate(model, "val") if training.crew.leads else {"loss": math.inf}
            for name, value in values.items():
                training.curves.add(f"val/{name}", position.step, value)
            yield tell(training)
            if training.crew.leads:
                yield from training.objective.samples(model, position.step)
        (loss,) = training.crew.follow([values["loss"]])
        compare(position, loss, model, keep=training.recipe.patience > 0)
    model.train()


def judge(lesson: Lesson, taught: Taught) -> Iterator[Event]:
    """Judge the taught network beside the baselines, and leave model, report and predictions in the folder."""
    yield Phase(name="baseline", title="Asking the baselines")
    guesses = lesson.objective.baselines()
    yield Phase(name="evaluating", title="Judging on held-out data")
    report, predictions = lesson.objective.judge(taught.model.eval(), guesses)
    report = report.model_copy(
        update={
            "seconds": taught.seconds,
            "device": taught.device.title,
            "facts": report.facts | taught.facts,
            "rows": lesson.rows,
            "parameters": sum(weight.numel() for weight in taught.model.parameters()),
        }
    )
    yield Phase(name="saving", title="Saving the model")
    model_folder.save(lesson.folder, spec=lesson.spec, objective=lesson.objective, model=taught.model)
    predictions.write_parquet(lesson.folder / "predictions.parquet")
    (lesson.folder / "report.json").write_text(report.model_dump_json())
    yield Finished(metrics={name: estimate.value for name, estimate in report.metrics.items()})
