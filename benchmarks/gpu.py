"""What a GPU reaches: `python benchmarks/gpu.py [ROW ...]` needs only training/ and what it is built on.

Each row is trained with the thorough preset in a fresh engine process and printed as a line of a table, below the name
of the chip. Without a GPU it ends with a sentence.
"""

from __future__ import annotations

import sys

import torch
from results import Row, measure, rows

CHOSEN = (
    "california/mlp",
    "cifar10-12k/speednet",
    "sms/pretrained-encoder",
    "squad/pretrained-encoder",
    "multi30k/seq2seq-transformer",
    "shakespeare/gpt",
)


def main(names: list[str]) -> None:
    """Train the rows of these names, or the usual ones."""
    if not torch.cuda.is_available():
        sys.exit("There is no GPU here. `python benchmarks/results.py` measures on the processor.")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print("| data | architecture | measure | value | best simple rule | wall s |\n|---|---|---|---|---|---|")
    for row in rows():
        if row.name in (names or CHOSEN):
            print(line(row), flush=True)


def line(row: Row) -> str:
    """One row of the table."""
    found = measure(row, "thorough")
    low, high = found["interval"]
    return (
        f"| {row.data.title} | {row.architecture} | {row.data.metric} | {found['value']:.3f} ({low:.3f} – {high:.3f}) "
        f"| {found['baseline']:.3f} ({found['baseline_title']}) | {found['wall']:.0f} |"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
