"""How to train: the recipe, and the presets quick, balanced and thorough that *Simple* offers."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Preset: TypeAlias = Literal["quick", "balanced", "thorough"]
PRESETS: tuple[Preset, ...] = ("quick", "balanced", "thorough")
ABOUT_SOME = ("label_smoothing", "class_weights", "focal", "huber", "augment", "mix")
"""Fields that only some tasks read: each names those as its `heeds`."""


class Settings(BaseModel):
    """Choices with limits, help and defaults: the form, the API schema and the docs are made from them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Recipe(Settings):
    """How the weights are found: optimiser, learning rate over time, batches and length."""

    epochs: float = Field(
        10, gt=0, le=10_000, title="Epochs", description="How many times the training goes through all examples."
    )
    minutes: float = Field(
        0,
        ge=0,
        le=10_080,
        title="Time limit",
        description="Minutes after which it ends at the latest, with the learning rate brought down by then; 0: none.",
    )
    batch_size: int = Field(
        32, ge=1, le=65_536, title="Batch size", description="Examples looked at before each small correction."
    )
    accumulate: int = Field(
        1, ge=1, le=1024, title="Accumulate", description="Batches added up to one correction; saves memory."
    )
    optimizer: Literal["sgd", "adagrad", "rmsprop", "adam", "adamw", "lion", "muon"] = Field(
        "adamw", title="Optimiser", description="The rule that turns an error into a correction of the weights."
    )
    lr: float = Field(
        1e-3, gt=0, le=100, title="Learning rate", description="How large each correction is. Too high diverges."
    )
    find_lr: bool = Field(
        False,
        title="Find the learning rate first",
        description="Tries rising rates for up to 100 steps, and takes the one at which the loss falls fastest.",
    )
    side_lr: float = Field(
        3e-3,
        gt=0,
        le=100,
        title="Learning rate of the rest",
        description="With Muon: for embeddings, the output layer and biases, which AdamW corrects.",
    )
    momentum: float = Field(
        0.9,
        ge=0,
        lt=1,
        title="Momentum",
        description="How much of the last corrections is kept (SGD, RMSprop and Muon).",
    )
    nesterov: bool = Field(
        False, title="Nesterov", description="Look ahead along the momentum before correcting (SGD)."
    )
    weight_decay: float = Field(
        0.0, ge=0, le=10, title="Weight decay", description="Pulls weights towards zero, which keeps the model simple."
    )
    l1: float = Field(
        0.0, ge=0, le=10, title="L1 penalty", description="Pulls weights to exactly zero, so that few of them matter."
    )
    schedule: Literal["constant", "step", "linear", "flat-linear", "cosine", "coslog", "one-cycle", "inverse-sqrt"] = (
        Field("cosine", title="Schedule", description="How the learning rate moves over the training.")
    )
    warmup: float = Field(
        0.0, ge=0, le=0.9, title="Warm-up", description="Share of the training over which the learning rate rises."
    )
    clip_norm: float = Field(
        0.0, ge=0, le=1000, title="Gradient clipping", description="Longest correction allowed; 0 switches it off."
    )
    average: Literal["none", "ema", "swa"] = Field(
        "none",
        title="Average the weights",
        description="Keeps a moving average of the weights (EMA), or the plain mean of the last part of the training "
        "(SWA, best with a constant learning rate): steadier than the last weights alone.",
    )
    ema_decay: float = Field(
        0.999,
        ge=0,
        lt=1,
        title="Memory of the average",
        description="EMA: how much of it is kept at each correction; 0.999 looks back about a thousand.",
    )
    swa_share: float = Field(
        0.25,
        gt=0,
        le=1,
        title="Averaged part",
        description="SWA: the share of the training, at its end, whose weights are averaged.",
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, title="Label smoothing", description="Makes the model less sure of itself."
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none",
        title="Class weights",
        description="Balanced counts every class the same in the loss, however rare, and names more than other words "
        "(tables and texts).",
    )
    focal: float = Field(
        0.0,
        ge=0,
        le=5,
        title="Focal loss",
        description="Above 0, examples that are easy count less; 2 is usual (tables and texts).",
    )
    huber: float = Field(
        0.0,
        ge=0,
        le=100,
        title="Huber loss",
        description="Errors beyond so many standard deviations count in proportion, not squared; 0 squares all.",
    )
    augment: bool = Field(
        True, title="Vary the examples", description="Shows pictures shifted and mirrored, so that more is learnt."
    )
    mix: Literal["none", "mixup", "cutmix"] = Field(
        "none",
        title="Mix pictures",
        description="Blends two pictures, or pastes a piece of one into the other; helps in long trainings.",
    )
    ensemble: int = Field(
        1,
        ge=1,
        le=50,
        title="Ensemble",
        description="Networks that are trained one after another, each from a start of its own, and answer together by "
        "the mean of what they say: steadier, mostly better, and so many times the work.",
    )
    bagging: bool = Field(
        False,
        title="Bagging",
        description="Each network of the ensemble learns from its own draw of the examples, some of them repeated.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", title="Precision", description="Half precision is faster where the device has it."
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto",
        title="Compile",
        description="Turns the network into faster code, which takes about a minute first. Automatic: on a GPU, when "
        "the training is long.",
    )
    recompute: bool = Field(
        False,
        title="Compute twice to save memory",
        description="Transformers keep little in between and compute it again on the way back (gradient "
        "checkpointing): the same result from much less memory, a third slower.",
    )
    share_out: bool = Field(
        False,
        title="Share out the model",
        description="Where several processes train together (torchrun), each keeps only its part of the weights and of "
        "the optimiser's memory (FSDP), so that larger models fit; for networks made of blocks, such as Transformers.",
    )
    evaluations: int = Field(
        20, ge=1, le=1000, title="Evaluations", description="How often held-out data is looked at during the training."
    )
    patience: int = Field(
        0,
        ge=0,
        le=1000,
        title="Early stopping",
        description="Stop after so many evaluations without progress and keep the best; 0 switches it off.",
    )
    checkpoint_seconds: float = Field(
        60, ge=1, le=86_400, title="Seconds between checkpoints", description="What at most is lost in a power cut."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, title="Seed", description="The same seed gives the same curve.")
    deterministic: bool = Field(
        False,
        title="Deterministic",
        description="Only ways of computing that give the very same numbers each time, on a GPU too; slower.",
    )
