"""What a person should look at before training: each finding says what, why it matters, and where."""

from collections.abc import Mapping
from pathlib import Path

from training.data.readers import SetAside
from training.data.schema import Description, Finding


def check_quality(
    folder: Path, description: Description, aside: SetAside, misfits: Mapping[str, tuple[int, list[int]]]
) -> list[Finding]:
    """All findings, the gravest first."""
    return []
