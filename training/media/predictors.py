"""What predictors of pictures and of sounds have in common: the network, and files as it was shown them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from training.device import Device
from training.media.audio import Hearing
from training.media.encoded import given_file
from training.media.images import Viewing, decode_picture
from training.model_folder import load_network, read_config


class SeesFiles:
    """A network for pictures out of a model folder; its inputs are {"image": path}."""

    def __init__(self, folder: Path, device: Device) -> None:
        config = cast(dict[str, dict[str, Any]], read_config(folder))
        prepared, shapes = config["preparation"], config["shapes"]
        self.size = {name: int(shapes[name]) for name in ("channels", "height", "width")}
        self.labels: list[str] = prepared["labels"]
        self.viewing = Viewing(**prepared["viewing"])
        self.model = load_network(folder).to(device.torch)
        self.device = device

    def look(self, inputs: list[dict[str, object]]) -> tuple[list[Path], Tensor]:
        """The files, and what is in them as bytes (N, C, H, W); raises TrainingError if one is no picture."""
        files = [given_file(one, "image", what="picture") for one in inputs]
        pictures = np.stack([decode_picture(file, **self.size) for file in files])
        return files, torch.from_numpy(pictures).to(self.device.torch)


class HearsFiles:
    """A network for sounds out of a model folder; its inputs are {"audio": path}."""

    def __init__(self, folder: Path, device: Device) -> None:
        self.prepared = cast(dict[str, Any], read_config(folder)["preparation"])
        self.hearing = Hearing(**self.prepared["hearing"])
        self.model = load_network(folder).to(device.torch)
        self.device = device

    def scores(self, inputs: list[dict[str, object]]) -> Tensor:
        """What the network says of the files; raises TrainingError if one is no sound."""
        files = [given_file(one, "audio", what="sound") for one in inputs]
        scores: Tensor = self.model(self.hearing.hear(files).to(self.device.torch))
        return scores
