"""docs/results.md from what was measured; a row that was never measured is not in it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers import PEERS
from public_data import DATA_SETS, ROOT, Data

from training.architectures import ARCHITECTURES
from training.tasks import TASKS

INTRODUCTION = """\
# What the default settings reach

Measured by `benchmarks/results.py`: files as a person would upload them, the proposed columns, the preset *balanced*
(or the one that is named), nothing tuned to the held-out part. Where n > 1 the value is the mean over n splits, with
the smallest and the largest; otherwise the 95 % bootstrap interval of the one run. *Peers*, in italics, install from
PyPI and learned from the same rows. Beside each result stands the best simple rule of its own report, that of the
first split where there are several. The architecture that *Simple* proposes is in bold.

*CPU s* are processor seconds from reading the data to the trained model, its curves included, *whole* those of the
process from its start to the report with its baselines; *MB* is the most memory it held.
"""
NUMBERS = {"rmse": ",.0f", "bleu": ".1f"}


def write_page(kept: Mapping[str, dict[str, Any]]) -> None:
    """Write every data set's table with the rows that there are."""
    lines = [INTRODUCTION, f"Machine: {machine()}, shared with other work, one thread for each run."]
    for data in DATA_SETS:
        found = {name.split("/")[1]: row for name, row in kept.items() if name.split("/")[0] == data.key}
        if found:
            lines += table(data, found)
    (ROOT / "docs" / "results.md").write_text("\n".join(lines) + "\n")


def table(data: Data, found: Mapping[str, dict[str, Any]]) -> list[str]:
    """One data set: what is known of it, the rows from the worst to the best, and what was left out."""
    metric = next(metric for metric in TASKS[data.task].metrics if metric.key == data.metric)
    ordered = sorted(found, key=lambda name: found[name]["value"], reverse=not data.higher)
    lines = ["", f"## {data.title}", "", f"Known of these files: {data.known}.", ""]
    lines += [f"| model | {metric.title} | n | goal | best simple rule | CPU s | whole | MB |"]
    lines += ["|---|---|---|---|---|---|---|---|", *(line(data, name, found[name]) for name in ordered)]
    if data.left_out:
        reasons = "; ".join(f"{ARCHITECTURES[key].title} ({why})" for key, why in data.left_out.items())
        lines += ["", f"Not measured: {reasons}."]
    return lines


def line(data: Data, name: str, found: Mapping[str, Any]) -> str:
    """One row as Markdown."""
    low, high = (found["low"], found["high"]) if found["n"] > 1 else found.get("interval", (None, None))
    between = f" ({number(data, low)} – {number(data, high)})" if low is not None else ""
    rule = f"{number(data, found['baseline'])} ({found['baseline_title']})" if "baseline" in found else ""
    return (
        f"| {title(data, name)} | {number(data, found['value'])}{between} | {found['n']} | {goal(data, name, found)} "
        f"| {rule} | {found['cpu']:.1f} | {found['cpu_whole']:.0f} | {found['memory']:,.0f} |"
    )


def title(data: Data, name: str) -> str:
    """What the row is called: peers in italics, what is proposed in bold, the preset where it is not balanced."""
    if name.startswith("peer:"):
        return f"*{PEERS[name.removeprefix('peer:')][0]}*"
    key, _, preset = name.partition("@")
    words = ARCHITECTURES[key].title + (f", {preset}" if preset else "")
    proposed = data.proposed or TASKS[data.task].recommended
    return f"**{words}**" if key == proposed and not preset else words


def goal(data: Data, name: str, found: Mapping[str, Any]) -> str:
    """The goal, the seconds in which it should be reached, and whether it was missed."""
    wanted, limit = data.goals.get(name), data.limits.get(name)
    if wanted is None:
        return ""
    met = found["value"] >= wanted if data.higher else found["value"] <= wanted
    words = f"{'≥' if data.higher else '≤'} {wanted:,g}" + ("" if met else " **missed**")
    if limit is None:
        return words
    return f"{words} in {limit:g} s" + ("" if found["cpu"] <= limit else " **missed**")


def number(data: Data, value: float) -> str:
    """A value as the measure is usually written."""
    return format(value, NUMBERS.get(data.metric, ".4f"))


def machine() -> str:
    """Processor, cores and versions."""
    import torch

    try:
        text = Path("/proc/cpuinfo").read_text()
        processor = next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor()
    return (
        f"{os.cpu_count()} cores of {processor} (AVX2), Python {platform.python_version()}, torch {torch.__version__}"
    )
