"""`python -m training.data FILE... OUT/`: import files without the website."""

import argparse
import sys
from pathlib import Path

from training.data.importing import import_dataset, read_description
from training.data.schema import Description
from training.errors import TrainingError


def main(arguments: list[str] | None = None) -> int:
    """Import, tell the phases and what was understood; 1 where the files cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m training.data", description="Read files into a data set folder.")
    parser.add_argument("files", nargs="+", type=Path, help="one file, or several with the same columns")
    parser.add_argument("out", type=Path, help="the new folder")
    options = parser.parse_args(arguments)
    try:
        _import(options.files, options.out)
    except TrainingError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return 1
    _show(read_description(options.out))
    return 0


def _import(files: list[Path], out: Path) -> None:
    last = ""
    for phase in import_dataset(files, out):
        share = f" {phase.done:.0%}" if phase.done is not None else ""
        if phase.title + share != last:
            last = phase.title + share
            print(last, file=sys.stderr)


def _show(description: Description) -> None:
    print(f"{description.format}: {description.rows:,} rows, {description.bytes:,} bytes {description.parts or ''}")
    for column in description.columns:
        print(f"  {column.name}: {column.type}, {column.unique:,} different, {column.missing:,} missing")
    for finding in description.quality:
        print(f"{finding.severity}: {finding.title}. {finding.text}")
    for proposal in description.proposals:
        print(f"{proposal.task} {proposal.roles} ({proposal.state}): {proposal.reason}")


if __name__ == "__main__":
    sys.exit(main())
