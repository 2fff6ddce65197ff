"""What an engine tells while it works: one JSON line per event, appended to `events.jsonl`."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    time: float = 0.0
    """Unix time in seconds at which the line was written; the writer sets it."""


class Started(_Event):
    """The engine has the data and the network; training is about to begin."""

    type: Literal["started"] = "started"
    parameters: int
    trainable: int
    device: str
    steps: int
    epochs: float
    rows: dict[str, int]
    """Examples per part: train, val, test."""
    resumed_from: int = 0


class Phase(_Event):
    """A named stretch of work, in the words of the page: "Reading the data"."""

    type: Literal["phase"] = "phase"
    name: Literal["reading", "preparing", "building", "finding", "training", "evaluating", "baseline", "saving"]
    title: str
    done: float | None = None
    """Share done, 0 to 1, where it is known."""


class Points(BaseModel):
    """A stretch of one curve: three lists of equal length."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    steps: list[int]
    seconds: list[float]
    """Seconds of training at each step, pauses left out."""
    values: list[float]


class Progress(_Event):
    """New points of any number of curves; flushed about ten times a second, however short the steps are."""

    type: Literal["progress"] = "progress"
    step: int
    steps: int
    epoch: float
    seconds: float
    eta_seconds: float | None = None
    points: dict[str, Points]


class Sample(_Event):
    """What a model said at an evaluation: the prompt and its continuation."""

    type: Literal["sample"] = "sample"
    step: int
    prompt: str
    text: str


class Surface(_Event):
    """How a classifier of two columns and two classes divides the plane, at an evaluation."""

    type: Literal["surface"] = "surface"
    step: int
    columns: list[str]
    """The one to the right, and the one upwards."""
    classes: list[str]
    x: list[float]
    y: list[float]
    chances: list[list[float]]
    """Probability of the second class, a row for each place of `y`."""
    points: list[tuple[float, float, int]]
    """Examples that it learns from: x, y and the number of their class."""


class Checkpoint(_Event):
    """Weights, optimiser, data order and random state of this step are safe on disk in `checkpoint/`."""

    type: Literal["checkpoint"] = "checkpoint"
    step: int


class Warning(_Event):
    """Something the person should know; training goes on."""

    type: Literal["warning"] = "warning"
    message: str
    hint: str = ""


class Stopped(_Event):
    """The engine was asked to stop, wrote a checkpoint and ended."""

    type: Literal["stopped"] = "stopped"
    step: int


class Finished(_Event):
    """The model folder, `report.json` and `predictions.parquet` are complete."""

    type: Literal["finished"] = "finished"
    metrics: dict[str, float]


class Failed(_Event):
    """Training ended without a model: what happened and what to do next."""

    type: Literal["failed"] = "failed"
    code: str
    message: str
    hint: str = ""
    step: int = 0
    remedy: dict[str, JsonValue] = {}
    """Changes to the recipe that would mend it, for the button: {"lr": 0.0001}."""


Event: TypeAlias = Started | Phase | Progress | Sample | Surface | Checkpoint | Warning | Stopped | Finished | Failed
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def parse_event(line: bytes | str) -> Event:
    """Read one line of `events.jsonl`."""
    return _ADAPTER.validate_json(line)
