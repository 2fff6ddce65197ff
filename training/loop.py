"""The training loop: one for every task, yielding what happens as it happens. Read this page first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from training import model_folder
from training.checkpoint import Position, restore_checkpoint, save_checkpoint
from training.curves import Clock, Curves
from training.device import Device, choose_device, settle
from training.errors import TrainingError
from training.events import Checkpoint, Event, Finished, Phase, Started, Stopped
from training.examples import read_examples
from training.objectives import OBJECTIVES, Objective
from training.optimizers import Optimizers, build_optimizers, lr_factor
from training.recipes import Recipe
from training.spec import TrainSpec


def train(spec: TrainSpec, folder: Path, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Train what the spec describes and leave model, report and predictions in `folder`.

    Goes on from the checkpoint in `folder` if there is one, with the very curve it would have drawn without the
    pause. When `should_stop` turns true it writes a checkpoint after the step at hand and ends with `Stopped`.
    Raises TrainingError for whatever a person can mend.
    """
    yield Phase(name="reading", title="Reading the data")
    recipe = spec.recipe
    examples = read_examples(spec)
    device = choose_device(recipe)

    yield Phase(name="preparing", title="Preparing the examples")
    objective = OBJECTIVES[spec.task](spec, examples, device, folder / model_folder.NAME)

    yield Phase(name="building", title="Building the network")
    torch.manual_seed(recipe.seed)
    model = spec.network().build(objective.shapes).to(device.torch)
    objective.initialise(model)
    device = _settle(device, recipe, model, objective)
    optimizers = build_optimizers(model, recipe)
    position = restore_checkpoint(folder, model=model, optimizers=optimizers, device=device) or Position()

    steps = count_steps(objective, recipe)
    yield Started(
        parameters=sum(weight.numel() for weight in model.parameters()),
        trainable=sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
        device=device.title,
        steps=steps,
        epochs=recipe.epochs,
        rows=examples.counts(),
        resumed_from=position.step,
    )
    yield Phase(name="training", title="Training")
    for event in take_steps(model, objective, optimizers, recipe, device, position, folder, should_stop, steps):
        yield event
        if isinstance(event, Stopped):
            return

    yield Phase(name="baseline", title="Asking the baselines")
    guesses = objective.baselines()
    yield Phase(name="evaluating", title="Judging on held-out data")
    report, predictions = objective.judge(model.eval(), guesses)
    report = report.model_copy(
        update={
            "seconds": position.seconds,
            "device": device.title,
            "rows": examples.counts(),
            "parameters": sum(weight.numel() for weight in model.parameters()),
        }
    )
    yield Phase(name="saving", title="Saving the model")
    model_folder.save(folder, spec=spec, objective=objective, model=model)
    predictions.write_parquet(folder / "predictions.parquet")
    (folder / "report.json").write_text(report.model_dump_json())
    yield Finished(metrics={name: estimate.value for name, estimate in report.metrics.items()})


def take_steps(
    model: nn.Module,
    objective: Objective,
    optimizers: Optimizers,
    recipe: Recipe,
    device: Device,
    position: Position,
    folder: Path,
    should_stop: Callable[[], bool],
    steps: int,
) -> Iterator[Event]:
    """Every step from `position` to the last: forward, backward, correct; now and then look at held-out data."""
    clock = Clock(position.seconds)
    curves = Curves(clock, position.step, steps)
    evaluate_at = {round(steps * part / recipe.evaluations) for part in range(1, recipe.evaluations + 1)}
    saved_at, seen, flushed_at = clock.session(), 0, 0.0
    model.train()
    while position.step < steps:
        batches = objective.epoch(_order(recipe.seed, position.epoch), recipe.batch_size)
        while position.batch < len(batches) and position.step < steps:
            group = batches[position.batch : position.batch + recipe.accumulate]
            step = position.step + 1
            factor = lr_factor(recipe, step, steps)
            optimizers.scale_lr(factor)
            loss = torch.zeros((), device=device.torch)
            for indices in group:
                with device.autocast():
                    part = objective.loss(model, indices, position.epoch) / len(group)
                part.backward()  # type: ignore[no-untyped-call]
                loss = loss + part.detach()
                seen += len(indices)
            if recipe.clip_norm:
                nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
            optimizers.step()

            position.step = step
            position.batch += len(group)
            curves.add_loss(step, loss)
            curves.add("train/lr", step, recipe.lr * factor)
            if curves.due():
                now = clock.session()
                curves.add("system/examples_per_second", step, seen / max(1e-9, now - flushed_at))
                curves.add("system/memory_mb", step, device.memory_mb())
                seen, flushed_at = 0, now
                yield _checked(curves, position, len(batches))
            if step in evaluate_at:
                for name, value in evaluate(model, objective).items():
                    curves.add(f"val/{name}", step, value)
                    if name == "loss":
                        _compare(position, value, model, keep=recipe.patience > 0)
                yield _checked(curves, position, len(batches))
                yield from objective.samples(model, step)
                model.train()
                flushed_at, seen = clock.session(), 0
                if recipe.patience and position.worse >= recipe.patience:
                    break
            if should_stop():
                position.seconds = clock.seconds()
                yield _checked(curves, position, len(batches))
                save_checkpoint(folder, model=model, optimizers=optimizers, position=position, device=device)
                yield Checkpoint(step=step)
                yield Stopped(step=step)
                return
            if clock.session() - saved_at >= recipe.checkpoint_seconds:
                position.seconds = clock.seconds()
                save_checkpoint(folder, model=model, optimizers=optimizers, position=position, device=device)
                yield Checkpoint(step=step)
                saved_at = clock.session()
        if recipe.patience and position.worse >= recipe.patience:
            break
        if position.batch >= len(batches):
            position.epoch, position.batch = position.epoch + 1, 0
    position.seconds = clock.seconds()
    if position.best_weights:
        model.load_state_dict(position.best_weights, strict=False)


@torch.no_grad()
def evaluate(model: nn.Module, objective: Objective) -> dict[str, float]:
    """Loss and measures on the val part, with dropout off."""
    model.eval()
    return objective.evaluate(model, "val")


def count_steps(objective: Objective, recipe: Recipe) -> int:
    """Corrections in the whole training: batches of an epoch, over what is accumulated, times epochs; at least 1."""
    batches = len(objective.epoch(_order(recipe.seed, 0), recipe.batch_size))
    return max(1, round(math.ceil(batches / recipe.accumulate) * recipe.epochs))


def _order(seed: int, epoch: int) -> torch.Generator:
    """The random numbers that order one epoch: from seed and epoch alone, so that a resumed run draws the same."""
    return torch.Generator().manual_seed(seed * 1_000_003 + epoch)


def _checked(curves: Curves, position: Position, batches: int) -> Event:
    """The points since the last flush; raises Diverged if a loss among them is not a number."""
    progress = curves.flush(position.step, position.epoch + position.batch / max(1, batches))
    losses = progress.points.get("train/loss")
    for step, value in zip(losses.steps, losses.values, strict=True) if losses else ():
        if not math.isfinite(value):
            raise Diverged(step)
    return progress


def _compare(position: Position, loss: float, model: nn.Module, *, keep: bool) -> None:
    """Note whether this evaluation is the best so far, and keep its weights if early stopping will want them."""
    if loss < position.best_loss:
        position.best_loss, position.best_step, position.worse = loss, position.step, 0
        if keep:
            position.best_weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    else:
        position.worse += 1


def _settle(device: Device, recipe: Recipe, model: nn.Module, objective: Objective) -> Device:
    """Choose threads and precision on one real batch, leaving weights and random state as they were."""
    indices = objective.epoch(_order(recipe.seed, 0), recipe.batch_size)[0]
    before = {name: value.clone() for name, value in model.named_buffers()}

    def work(plan: Device) -> None:
        model.to(memory_format=torch.channels_last if plan.channels_last else torch.preserve_format)
        with plan.autocast():
            loss = objective.loss(model, indices, 0)
        loss.backward()  # type: ignore[no-untyped-call]

    model.train()
    with torch.random.fork_rng(devices=[]):
        chosen = settle(device, recipe, model, work)
    model.zero_grad(set_to_none=True)
    for name, buffer in model.named_buffers():
        buffer.copy_(before[name])
    model.to(memory_format=torch.channels_last if chosen.channels_last else torch.contiguous_format)
    return chosen


class Diverged(TrainingError):
    """The loss is no longer a number."""

    def __init__(self, step: int) -> None:
        super().__init__(
            f"The loss is not a number at step {step}.", "Try a learning rate ten times lower.", code="diverged"
        )
        self.step = step
