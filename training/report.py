"""What a finished run found out: the one shape of `report.json` for every task."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Part):
    """A measure with its 95 % bootstrap interval over the held-out examples."""

    value: float
    low: float
    high: float


class Baseline(_Part):
    """What comes out without the model's cleverness; a result that does not beat it is a bubble."""

    key: str
    title: str
    about: str
    metrics: dict[str, Estimate]


class ClassRow(_Part):
    """How one class came out."""

    label: str
    count: int
    precision: float
    recall: float
    f1: float


class Confusion(_Part):
    """How often each true class (row) was called each class (column)."""

    labels: list[str]
    counts: list[list[int]]


class Curve(_Part):
    """A line to draw: ROC, precision-recall, calibration, predicted against true."""

    key: str
    title: str
    x_title: str
    y_title: str
    x: list[float]
    y: list[float]
    label: str = ""


class HardExample(_Part):
    """A held-out example the model was most wrong about; `row` is its row in the data set version."""

    id: str
    row: int
    truth: str
    prediction: str
    confidence: float | None = None
    loss: float


class Written(_Part):
    """What a language model wrote at one evaluation."""

    step: int
    prompt: str
    text: str
    truth: str = ""
    """What stands in the data."""
    untouched: str = ""
    """What the pretrained model wrote before this training."""


class Verdict(_Part):
    """Gold or bubble, in words, and what to try next."""

    grade: Literal["gold", "promising", "bubble"]
    title: str
    text: str
    next_steps: list[str]


class Report(_Part):
    """One finished run, judged on held-out data."""

    task: str
    headline: str
    """Key of the measure in `metrics` that comes first."""
    rows: dict[str, int]
    """Examples per part: train, val, test."""
    metrics: dict[str, Estimate]
    baselines: list[Baseline]
    """The strongest first."""
    verdict: Verdict
    confusion: Confusion | None = None
    classes: list[ClassRow] = []
    curves: list[Curve] = []
    hardest: list[HardExample] = []
    samples: list[Written] = []
    seconds: float = 0.0
    """Training time, evaluation left out."""
    parameters: int = 0
    device: str = ""
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    """Further figures of the task, by title."""
