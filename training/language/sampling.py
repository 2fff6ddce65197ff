"""How freely a model writes. Read by the website too, so without torch."""

from pydantic import Field

from training.recipes import Settings


class Sampling(Settings):
    """How freely the next token is chosen, and when to stop."""

    temperature: float = Field(
        0.7, ge=0, le=5, title="Temperature", description="0 always takes the likeliest token; higher is bolder."
    )
    top_p: float = Field(
        0.95, gt=0, le=1, title="Top-p", description="Choose among the likeliest tokens that together reach this share."
    )
    top_k: int = Field(0, ge=0, le=100_000, title="Top-k", description="Choose among so many tokens; 0 means all.")
    max_tokens: int = Field(
        256, ge=1, le=8192, title="Most tokens", description="Where the answer is cut if it has not ended by itself."
    )
    stop: tuple[str, ...] = Field(
        (), max_length=8, title="Stop at", description="The answer ends before any of these texts."
    )
    seed: int | None = Field(None, ge=0, le=2**63 - 1, title="Seed", description="The same seed, the same answer.")
