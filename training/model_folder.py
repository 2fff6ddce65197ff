"""What a finished run leaves behind: safetensors, JSON and a tokenizer. Never pickle."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import orjson
from safetensors.torch import load_file, save_file
from torch import nn

from training.architectures import ARCHITECTURES, Architecture, Shapes
from training.checkpoint import trained_state, untrained_names
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.objectives import Objective
    from training.spec import TrainSpec

NAME = "model"


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
) -> None:
    """Write the weights that were trained and, in config.json, everything else that predicting needs."""
    target.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().contiguous().cpu().clone() for name, value in trained_state(model).items()}
    save_file(weights, target / "model.safetensors")
    if isinstance(model, KeepsFiles):
        model.save_files(target)
    config = {
        "task": task,
        "architecture": settings.key,
        "settings": settings.model_dump(mode="json"),
        "roles": roles,
        "shapes": asdict(shapes),
        "preparation": preparation,
    }
    (target / "config.json").write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2))


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
    shapes = dict(config["shapes"])  # type: ignore[call-overload]
    settings = ARCHITECTURES[str(config["architecture"])].model_validate(config["settings"])
    model = settings.build(Shapes(**{**shapes, "categories": tuple(shapes["categories"])}))
    weights = load_file(folder / "model.safetensors")
    frozen, tied = untrained_names(model)
    if weights.keys() | frozen | tied != model.state_dict().keys() | frozen | tied:
        raise TrainingError(f"The weights in {folder} do not fit its network.", "Train it again.", code="no_model")
    model.load_state_dict(weights, strict=False)
    if isinstance(model, KeepsFiles):
        model.load_files(folder)
    return model.eval()
