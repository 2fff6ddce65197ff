"""The files of tiny data sets for the starter experiments, small enough to see through."""

import random
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

Row = Sequence[object]

FOUR_POINTS = [(1, 2), (2, 4), (3, 6), (4, 8)]
POINTS, SIDE = 100, 2.5


def _csv(header: Row, rows: Iterable[Row]) -> str:
    return "\n".join(",".join(str(cell) for cell in row) for row in (header, *rows)) + "\n"


def _same_in_both_parts(path: Path, text: str) -> None:
    """The whole world in a few rows: trained on, and asked about."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.csv", text)
        archive.writestr("test.csv", text)


def write_line(path: Path) -> None:
    """Four points on y = 2x."""
    _same_in_both_parts(path, _csv(("x", "y"), FOUR_POINTS))


def write_and(path: Path) -> None:
    """The truth table of a logical and."""
    rows = [(a, b, "yes" if a and b else "no") for a in (0, 1) for b in (0, 1)]
    _same_in_both_parts(path, _csv(("a", "b", "both"), rows))


def write_xor(path: Path) -> None:
    """The truth table of an exclusive or."""
    rows = [(a, b, "yes" if a != b else "no") for a in (0, 1) for b in (0, 1)]
    _same_in_both_parts(path, _csv(("a", "b", "differ"), rows))


def write_points(path: Path) -> None:
    """A hundred points of a square to learn from, and four hundred to ask about; some lie in a triangle amid it."""
    draw = random.Random(3)
    with zipfile.ZipFile(path, "w") as archive:
        for part, points in (("train", POINTS), ("test", 4 * POINTS)):
            places = [(draw.uniform(-SIDE, SIDE), draw.uniform(-SIDE, SIDE)) for _ in range(points)]
            rows = [(f"{x:.3f}", f"{y:.3f}", "yes" if _is_inside(x, y) else "no") for x, y in places]
            archive.writestr(f"{part}.csv", _csv(("x1", "x2", "inside"), rows))


def _is_inside(x: float, y: float) -> bool:
    return y > -1.5 and y < 2.5 - 2 * abs(x)
