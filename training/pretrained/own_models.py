"""Pretrained models that people bring as a ZIP of a Hugging Face folder: checked, unpacked, never run. No torch."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path, PurePosixPath

import orjson
from pydantic import JsonValue

from training.data.archives import DAMAGES, MAX_UNPACKED, Member, is_zip, list_members
from training.data.source import Source, look_at
from training.errors import TrainingError
from training.pretrained.packaged import Kind, measure

KEPT = (".json", ".safetensors", ".txt", ".model", ".jinja")
PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack")
"""Weights in forms that can run code when they are read, or that are not read here."""
BLOCK = 1 << 20
_KINDS: tuple[tuple[str, Kind], ...] = (
    ("ForObjectDetection", "detection"),
    ("ForImageClassification", "vision"),
    ("ForCausalLM", "causal"),
    ("LMHeadModel", "causal"),
    ("ForCTC", "audio"),
    ("ForAudioClassification", "audio"),
)
_SENSES: tuple[tuple[str, Kind], ...] = (("conv_dim", "audio"), ("num_mel_bins", "audio"), ("num_channels", "vision"))
"""Entries of a config that only models which hear or see have."""


def unpack_model(path: Path, name: str, folder: Path) -> Kind:
    """Unpack the model of a ZIP into `folder`, which appears whole or not at all; says what kind it is.

    Only safetensors, JSON and tokenizer files are taken. Raises TrainingError where the archive is hostile, holds no
    model, or one that needs pickle or code of its own.
    """
    source = look_at(path, name)
    if not is_zip(source.head):
        raise TrainingError(f"{name} is no ZIP.", "Pack the folder of the model as a ZIP.", code="no_zip")
    _refuse_pickle(source)
    chosen = _of_one_folder(source, list_members(source, largest=MAX_UNPACKED))
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        _extract(source, chosen, fresh)
        kind = check_model(fresh, name)
    except BaseException:
        shutil.rmtree(fresh)
        raise
    fresh.rename(folder)
    return kind


def check_model(folder: Path, name: str) -> Kind:
    """What kind of model the folder holds; raises TrainingError if it cannot be used here."""
    config = _read_json(folder / "config.json", name)
    for file in folder.glob("*.json"):
        if "auto_map" in _read_json(file, name):
            raise TrainingError(
                f"{name} needs code of its own ({file.name} has an auto_map), which is never run here.",
                "Choose a model of an architecture that transformers knows.",
                code="remote_code",
            )
    if not isinstance(config.get("model_type"), str):
        raise TrainingError(f"{name} does not say what model it is.", "Its config.json lacks “model_type”.")
    try:
        size = measure(str(folder))
    except (ValueError, KeyError, TypeError, OSError, OverflowError, MemoryError) as error:
        raise _damaged(name) from error
    if size is None or not size.parameters:
        raise _damaged(name)
    return kind_of(config)


def kind_of(config: dict[str, JsonValue]) -> Kind:
    """What a model can do, from its config.json: the name of its class, else what it is made of."""
    classes = config.get("architectures")
    named = str(classes[0]) if isinstance(classes, list) and classes else ""
    if config.get("is_encoder_decoder"):
        return "seq2seq"
    likely = [kind for ending, kind in _KINDS if named.endswith(ending)]
    likely += [kind for entry, kind in _SENSES if entry in config]
    return likely[0] if likely else "encoder"


def _refuse_pickle(source: Source) -> None:
    try:
        with zipfile.ZipFile(source.path) as archive:
            names = [PurePosixPath(entry.filename) for entry in archive.infolist()]
    except zipfile.BadZipFile as error:
        raise _damaged(source.name) from error
    if not any(name.suffix == ".safetensors" for name in names):
        pickled = next((name.name for name in names if name.suffix.lower() in PICKLED), "")
        what = f"holds its weights as {pickled}" if pickled else "holds no weights"
        raise TrainingError(
            f"{source.name} {what}; only safetensors are read here, for other formats can run code.",
            "Save it anew: model.save_pretrained(folder) writes safetensors.",
            code="unsafe_model",
        )
    if pickled := next((name.name for name in names if name.suffix.lower() in PICKLED), ""):
        raise TrainingError(
            f"{source.name} contains {pickled}, a format that can run code.",
            "Leave it out: the safetensors are enough.",
            code="unsafe_model",
        )


def _of_one_folder(source: Source, members: list[Member]) -> list[Member]:
    """The files beside the one config.json that is not further down than others."""
    configs = sorted((m.path for m in members if m.path.name == "config.json"), key=lambda path: len(path.parts))
    if not configs or (len(configs) > 1 and len(configs[0].parts) == len(configs[1].parts)):
        raise TrainingError(
            f"{source.name} has {'no' if not configs else 'more than one'} config.json.",
            "Pack the folder of one model, as save_pretrained writes it.",
            code="no_model",
        )
    return [m for m in members if m.path.parent == configs[0].parent and m.suffix in KEPT]


def _extract(source: Source, members: list[Member], folder: Path) -> None:
    """Each file by its bare name; no more bytes than the archive announced."""
    try:
        with zipfile.ZipFile(source.path) as archive:
            for member in members:
                with archive.open(member.key) as packed, (folder / member.path.name).open("wb") as file:
                    shutil.copyfileobj(packed, file, BLOCK)
    except DAMAGES as error:
        raise _damaged(source.name) from error


def _read_json(path: Path, name: str) -> dict[str, JsonValue]:
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise _damaged(name) from error
    return found if isinstance(found, dict) else {}


def _damaged(name: str) -> TrainingError:
    return TrainingError(f"{name} is damaged: its weights or settings cannot be read.", "Pack the model anew.")
