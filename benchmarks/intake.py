"""Reading files in: what an import costs, beside a bare polars scan of the same file, and whether cost grows in line.

`python benchmarks/intake.py [table | sizes | pictures | all] [--mb 1000]` makes the files, measures each side in a
process of its own with two threads, alternating, and prints processor time, time on the clock and peak memory:

- table: a CSV of a gigabyte imported (read, profiled, checked, written as Parquet, divided), and the seconds to its
  first rows; the profile of it alone; the control is one `polars.scan_csv` with the same figures of every column;
- sizes: the same import at four sizes;
- pictures: a ZIP of 60,000 pictures of 32 × 32.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
ROWS_PER_MB = 7_400
SIZES_MB = (64, 128, 256, 512)
PICTURES = 60_000
ROUNDS = 3
THREADS = "2"


def main() -> None:
    """Make what is asked for, measure it, print it."""
    parser = argparse.ArgumentParser(description="Measure imports.")
    parser.add_argument("what", nargs="?", default="all", choices=["table", "sizes", "pictures", "all"])
    parser.add_argument("--mb", type=int, default=1000, help="size of the large table")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="touchstone-intake-") as place:
        if options.what in ("table", "all"):
            measure_table(Path(place), options.mb, options.rounds)
        if options.what in ("sizes", "all"):
            measure_sizes(Path(place), options.rounds)
        if options.what in ("pictures", "all"):
            measure_pictures(Path(place), options.rounds)


def measure_table(place: Path, megabytes: int, rounds: int) -> None:
    """One large table: the import, its profile, and the control, alternating."""
    path = make_table(place / "table.csv", megabytes * ROWS_PER_MB)
    print(f"{path.stat().st_size / 1e6:,.0f} MB, {megabytes * ROWS_PER_MB:,} rows, n = {rounds}")
    imports, profiles, controls = [], [], []
    for number in range(rounds):
        folder = place / f"version-{number}"
        imports.append(measured("import", path, folder))
        profiles.append(measured("profile", folder))
        controls.append(measured("control", path))
    show("import", imports)
    show("profile alone", profiles)
    show("polars control", controls)
    ratio = statistics.median(p["cpu"] / c["cpu"] for p, c in zip(profiles, controls, strict=True))
    whole = statistics.median(i["cpu"] / c["cpu"] for i, c in zip(imports, controls, strict=True))
    print(f"profile : control {ratio:.2f}, whole import : control {whole:.2f}")
    print(f"first rows after {1000 * statistics.median(i['first'] for i in imports):.0f} ms")
    path.unlink()


def measure_sizes(place: Path, rounds: int) -> None:
    """Does twice the file cost twice the time?"""
    for megabytes in SIZES_MB:
        path = make_table(place / f"{megabytes}.csv", megabytes * ROWS_PER_MB)
        found = [measured("import", path, place / f"{megabytes}-{number}") for number in range(rounds)]
        per_mb = 1000 * statistics.median(each["cpu"] for each in found) / (path.stat().st_size / 1e6)
        show(f"{megabytes} MB ({per_mb:.1f} ms CPU per MB)", found)
        path.unlink()


def measure_pictures(place: Path, rounds: int) -> None:
    """Many small pictures in class folders."""
    path = make_pictures(place / "pictures.zip")
    show(f"{PICTURES:,} pictures", [measured("import", path, place / f"p-{number}") for number in range(rounds)])


def show(what: str, found: list[dict[str, float]]) -> None:
    cpu, wall, peak = (statistics.median(each[key] for each in found) for key in ("cpu", "wall", "peak"))
    print(f"{what}: {cpu:.1f} CPU s, {wall:.1f} s, {peak:.0f} MB", flush=True)


def measured(work: str, *arguments: Path) -> dict[str, float]:
    """What a fresh process needs for the work, its start taken off."""
    environment = os.environ | {"POLARS_MAX_THREADS": THREADS, "OMP_NUM_THREADS": THREADS}
    command = [sys.executable, __file__, "--worker", work, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def make_table(path: Path, rows: int) -> Path:
    """Numbers, codes, classes, days and words: about 135 bytes a row."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, rows, 500_000):
            count = min(500_000, rows - start)
            value = random.normal(size=count)
            frame = pl.DataFrame(
                {
                    "order": np.arange(start, start + count),
                    "price": np.exp(value + 3).round(2),
                    "weight": random.gamma(2.0, size=count),
                    "distance": random.normal(100, 15, count),
                    "temperature": random.normal(20, 5, count).round(1),
                    "items": random.poisson(3, count),
                    "age": random.integers(18, 90, count),
                    "city": random.choice([f"City {number}" for number in range(400)], count),
                    "channel": random.choice(["web", "shop", "phone", "partner"], count),
                    "day": np.datetime64("2020-01-01") + random.integers(0, 1500, count),
                    "note": random.choice([f"a short remark, number {number}" for number in range(20_000)], count),
                    "returned": np.where(value + random.normal(size=count) > 1, "yes", "no"),
                }
            )
            frame.write_csv(file, include_header=start == 0)
    return path


def make_pictures(path: Path) -> Path:
    """Noise as JPEG in ten folders."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(PICTURES):
            file = io.BytesIO()
            Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(file, "JPEG")
            archive.writestr(f"{number % 10}/{number}.jpg", file.getvalue())
    return path


# In a process of its own


def work(name: str, arguments: list[Path]) -> None:
    """Do one thing and print what it cost."""
    import polars  # noqa: F401  # its start is not counted

    from training.data.importing import import_dataset  # noqa: F401

    cpu, wall = time.process_time(), time.perf_counter()
    works: dict[str, Callable[..., float | None]] = {
        "import": run_import,
        "profile": run_profile,
        "control": run_control,
    }
    first = works[name](*arguments)
    print(
        json.dumps(
            {
                "cpu": time.process_time() - cpu,
                "wall": time.perf_counter() - wall,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "first": (first or wall) - wall,
            }
        )
    )


def run_import(path: Path, folder: Path) -> float:
    """The whole import and the split; returns when the first rows could be shown."""
    from training.data.glance import first_rows
    from training.data.importing import import_dataset
    from training.data.split import count_parts
    from training.spec import Split

    first_rows(path, path.name)
    first = time.perf_counter()
    for _phase in import_dataset([path], folder):
        pass
    count_parts(folder, Split())
    return first


def run_profile(folder: Path) -> None:
    """The columns of a version anew."""
    from training.data.profile import profile_columns

    profile_columns(folder / "data.parquet")


def run_control(path: Path) -> None:
    """Missing, different, least, largest, mean, deviation and quantiles of each column by polars alone."""
    import polars as pl

    lazy = pl.scan_csv(path, try_parse_dates=True)
    figures = []
    for name, kind in lazy.collect_schema().items():
        column = pl.col(name)
        figures += [column.null_count().alias(f"{name} missing"), column.n_unique().alias(f"{name} different")]
        figures += [column.min().alias(f"{name} least"), column.max().alias(f"{name} largest")]
        if kind.is_numeric():
            figures += [column.mean().alias(f"{name} mean"), column.std().alias(f"{name} deviation")]
            figures += [column.quantile(share).alias(f"{name} {share}") for share in (0.05, 0.25, 0.5, 0.75, 0.95)]
        if kind == pl.String:
            figures += [column.str.len_chars().mean().alias(f"{name} length")]
    lazy.select(figures).collect(engine="streaming")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], [Path(argument) for argument in sys.argv[3:]])
    else:
        main()
