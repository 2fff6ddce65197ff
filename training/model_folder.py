"""What a finished run leaves behind: safetensors, JSON and a tokenizer. Never pickle."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import orjson
from safetensors.torch import load_file, save_file
from torch import nn

from training.architectures import ARCHITECTURES, Architecture, Shapes
from training.checkpoint import trained_state, untrained_names
from training.errors import TrainingError
from training.tasks import TASKS

if TYPE_CHECKING:
    from training.objectives import Objective
    from training.spec import TrainSpec

NAME = "model"
WEIGHTS = "model.safetensors"


@runtime_checkable
class KeepsFiles(Protocol):
    """A network with something that is no tensor, kept in a format of its own beside the weights."""

    def save_files(self, folder: Path) -> None:
        """Write it."""

    def load_files(self, folder: Path) -> None:
        """Read what `save_files` wrote."""


def save(folder: Path, *, spec: TrainSpec, objective: Objective, model: nn.Module) -> None:
    """Write `model/` of a run that is done."""
    write(
        folder / NAME,
        task=spec.task,
        settings=spec.network(),
        roles=spec.roles,
        shapes=objective.shapes,
        preparation=objective.preparation(),
        model=model,
        members=spec.recipe.ensemble,
    )


def write(
    target: Path,
    *,
    task: str,
    settings: Architecture,
    roles: dict[str, list[str]],
    shapes: Shapes,
    preparation: dict[str, object],
    model: nn.Module,
    members: int = 1,
) -> None:
    """Write the weights that were trained and, in config.json, everything else that predicting needs.

    `members` says how many networks the model is an ensemble of.
    """
    target.mkdir(parents=True, exist_ok=True)
    write_weights(target, model)
    config = {
        "task": task,
        "architecture": settings.key,
        "settings": settings.model_dump(mode="json"),
        "members": members,
        "roles": roles,
        "shapes": asdict(shapes),
        "preparation": preparation,
    }
    (target / "config.json").write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2))


def write_weights(target: Path, model: nn.Module) -> None:
    """Write the weights that were trained, and what is no tensor."""
    weights = {name: value.detach().contiguous().cpu().clone() for name, value in trained_state(model).items()}
    save_file(weights, target / WEIGHTS)
    if isinstance(model, KeepsFiles):
        model.save_files(target)


def read_weights(folder: Path, model: nn.Module) -> None:
    """Fill in what `write_weights` wrote; raises TrainingError if it is of another network."""
    weights = load_file(folder / WEIGHTS)
    frozen, tied = untrained_names(model)
    if weights.keys() | frozen | tied != model.state_dict().keys() | frozen | tied:
        raise TrainingError(f"The weights in {folder} do not fit its network.", "Train it again.", code="no_model")
    model.load_state_dict(weights, strict=False)
    if isinstance(model, KeepsFiles):
        model.load_files(folder)


def read_config(folder: Path) -> dict[str, object]:
    """Read config.json of a model folder; raises TrainingError if this is none."""
    path = folder / "config.json"
    if not path.exists():
        raise TrainingError(f"There is no model in {folder}.", "Finish a run first.", code="no_model")
    config: dict[str, object] = orjson.loads(path.read_bytes())
    return config


def load_network(folder: Path) -> nn.Module:
    """Build the network again and fill in its weights; in eval mode, on the CPU."""
    config = read_config(folder)
    given = dict(config["shapes"])  # type: ignore[call-overload]
    shapes = Shapes(**{**given, "categories": tuple(given["categories"])})
    settings = ARCHITECTURES[str(config["architecture"])].model_validate(config["settings"])
    count = cast(int, config.get("members", 1))
    model = settings.build(shapes) if count == 1 else _build_members(settings, shapes, count, str(config["task"]))
    read_weights(folder, model)
    return model.eval()


def _build_members(settings: Architecture, shapes: Shapes, count: int, task: str) -> nn.Module:
    from training.models.ensemble import Ensemble

    return Ensemble([settings.build(shapes) for _ in range(count)], TASKS[task].mean_of)
