"""What the folders of an archive mean: a part such as train/ or test/, and below or above it the class."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from training.data.source import named_part

Place = tuple[str | None, str | None]
"""Part and class of a file, None where its folders do not say."""


def places(paths: Sequence[PurePosixPath]) -> list[Place]:
    """Part and class of each file, in order.

    A level of folders is the parts if all its names are words such as train, test and val. Of what is left, the first
    level with more than one name is the class; a single folder around everything is a wrapping, and says no class.
    """
    folders = [list(path.parts[:-1]) for path in paths]
    parts: list[str | None] = [None] * len(folders)
    level = _part_level(folders)
    if level is not None:
        for row, names in enumerate(folders):
            if len(names) > level:
                parts[row] = named_part(names.pop(level))
    while all(folders) and len({names[0] for names in folders}) == 1:
        folders = [names[1:] for names in folders]
    return [(part, names[0] if names else None) for part, names in zip(parts, folders, strict=True)]


def _part_level(folders: list[list[str]]) -> int | None:
    for level in range(min(max(map(len, folders), default=0), 3)):
        names = {names[level] for names in folders if len(names) > level}
        if "train" in {named_part(name) for name in names} and all(named_part(name) for name in names):
            return level
    return None
