"""The engine's command line: everything works without the website."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Before torch is imported: spinning threads starve their neighbours.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

from training.errors import TrainingError
from training.events import Checkpoint, Event, Failed, Phase, Progress, Stopped, Warning
from training.recipes import PRESETS


def main() -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments) or 0)
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1


def propose(arguments: argparse.Namespace) -> int:
    """Print a SPEC.json for the imported data in DATA/; what is left out is proposed."""
    from training.data.importing import read_description
    from training.data.layout import DESCRIPTION
    from training.proposing import propose as complete

    roles = _asked_roles(arguments.role)
    if not (arguments.data / DESCRIPTION).exists():
        hint = "Import a file into a folder first: python -m training.data FILE DATA/."
        raise TrainingError(f"There is no imported data in {arguments.data}.", hint)
    spec = complete(
        read_description(arguments.data),
        data=str(arguments.data.resolve()),
        task=arguments.task,
        roles=roles,
        architecture=arguments.architecture,
        preset=arguments.preset,
    )
    print(spec.model_dump_json(indent=2))
    return 0


def _asked_roles(pairs: list[str]) -> dict[str, list[str]]:
    """The columns of each role out of ROLE=COLUMN."""
    roles: dict[str, list[str]] = {}
    for pair in pairs:
        role, _, column = pair.partition("=")
        if not column:
            raise TrainingError(f"“{pair}” names no column.", "Write ROLE=COLUMN, such as target=species.")
        roles.setdefault(role, []).append(column)
    return roles


def fit(arguments: argparse.Namespace) -> int:
    """Train SPEC.json into OUT/ with a progress bar; Ctrl-C saves a checkpoint, the same command goes on from it.

    Under torchrun all processes train together; the first one speaks and writes.
    """
    from training.engine import run_engine
    from training.spec import read_spec

    if os.environ.get("RANK", "0") != "0":
        with tempfile.TemporaryDirectory() as scratch:
            (Path(scratch) / "spec.json").write_text(read_spec(arguments.spec).model_dump_json())
            return run_engine(Path(scratch))
    spec, out = read_spec(arguments.spec), Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "spec.json").write_text(spec.model_dump_json(indent=2))
    with _Bar() as bar:
        status = run_engine(out, on_event=bar.show)
    if status == 0:
        _print_report(out)
    return status


def find_lr(arguments: argparse.Namespace) -> int:
    """Try rising learning rates on SPEC.json, print the loss of each, and which one to take."""
    from training.spec import read_spec
    from training.techniques.finder import trial_of

    with tempfile.TemporaryDirectory() as scratch:
        trial = trial_of(read_spec(arguments.spec), Path(scratch))
    for rate, loss in zip(trial.rates, trial.losses, strict=True):
        print(f"{rate:>12.3g} {loss:>12.5g}")
    print(trial.sentence)
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    """Print the report of a finished run."""
    _print_report(Path(arguments.out))
    return 0


def predict(arguments: argparse.Namespace) -> int:
    """Answer the JSON lines of a file, or of stdin, with the model of a finished run."""
    from training.device import choose_device
    from training.predict import load_predictor
    from training.recipes import Recipe

    predictor = load_predictor(Path(arguments.out) / "model", choose_device(Recipe()))
    lines = arguments.inputs.read_text().splitlines() if arguments.inputs else sys.stdin
    inputs = [json.loads(line) for line in lines if line.strip()]
    for answer in predictor.answer(inputs, {}):
        print(json.dumps(answer, ensure_ascii=False))
    return 0


def describe(arguments: argparse.Namespace) -> int:
    """Print what can be learnt and with what, or the settings of one architecture."""
    from training.architectures import ARCHITECTURES, architectures_for
    from training.tasks import TASKS

    if arguments.architecture:
        print(json.dumps(ARCHITECTURES[arguments.architecture].model_json_schema(), indent=2, ensure_ascii=False))
        return 0
    for key, task in TASKS.items():
        print(f"{key}: {task.title}")
        for architecture in architectures_for(key):
            print(f"    {architecture.key}: {architecture.title}. {(architecture.__doc__ or '').splitlines()[0]}")
    return 0


def catalog(arguments: argparse.Namespace) -> int:
    """Print every task, architecture, setting and experiment as the page docs/catalog.md."""
    from training.reference import catalog_page

    print(catalog_page(), end="")
    return 0


def warm(arguments: argparse.Namespace) -> int:
    """Fork an engine per line of stdin; see training/warm.py."""
    from training.warm import serve

    serve()
    return 0


def serve(arguments: argparse.Namespace) -> int:
    """Answer the JSON lines of stdin from a pool of models; see training/serve.py."""
    from training.serve import serve as answer

    answer()
    return 0


def prepare_models(arguments: argparse.Namespace) -> int:
    """Convert the pretrained models that packages ship, once."""
    from training.pretrained.loading import prepare_models as convert

    convert()
    return 0


class _Bar:
    """A progress bar on the terminal, and a line for whatever else happens."""

    def __enter__(self) -> _Bar:
        from tqdm import tqdm

        self.bar = tqdm(unit="step", dynamic_ncols=True, disable=None)
        self.values: dict[str, float] = {}
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def show(self, event: Event) -> None:
        """Move the bar, or write a line above it."""
        match event:
            case Progress():
                self.bar.total = event.steps
                self.bar.update(event.step - self.bar.n)
                self.values.update({name: points.values[-1] for name, points in event.points.items()})
                shown = {name: value for name, value in self.values.items() if name in ("train/loss", "val/loss")}
                self.bar.set_postfix({name: f"{value:.4f}" for name, value in shown.items()})
            case Phase():
                self.bar.set_description(event.title)
            case Warning() | Failed():
                self.bar.write(f"{event.message} {event.hint}".strip(), file=sys.stderr)
            case Checkpoint() | Stopped():
                self.bar.write(f"{event.type} at step {event.step}")


def _print_report(out: Path) -> None:
    from training.report import Report

    path = out / "report.json"
    if not path.exists():
        raise TrainingError(f"There is no report in {out}.", "Train first: python -m training fit SPEC.json OUT/.")
    report = Report.model_validate_json(path.read_bytes())
    width = shutil.get_terminal_size().columns
    print("─" * min(width, 80))
    for name, estimate in report.metrics.items():
        print(f"{name:>20} {estimate.value:>12,.4f}   95 % between {estimate.low:,.4f} and {estimate.high:,.4f}")
    for baseline in report.baselines:
        print(f"{baseline.title}: {report.headline} {baseline.metrics[report.headline].value:,.4f}")
    print(f"{report.verdict.title}. {report.verdict.text}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("propose", help=propose.__doc__)
    command.add_argument("data", type=Path)
    command.add_argument("--task")
    command.add_argument(
        "--role", action="append", default=[], metavar="ROLE=COLUMN", help="may be given several times"
    )
    command.add_argument("--architecture")
    command.add_argument("--preset", choices=PRESETS, default="balanced")
    command.set_defaults(run=propose)
    command = commands.add_parser("fit", help=fit.__doc__)
    command.add_argument("spec", type=Path)
    command.add_argument("out", type=Path)
    command.set_defaults(run=fit)
    command = commands.add_parser("find-lr", help=find_lr.__doc__)
    command.add_argument("spec", type=Path)
    command.set_defaults(run=find_lr)
    command = commands.add_parser("evaluate", help=evaluate.__doc__)
    command.add_argument("out", type=Path)
    command.set_defaults(run=evaluate)
    command = commands.add_parser("predict", help=predict.__doc__)
    command.add_argument("out", type=Path)
    command.add_argument("inputs", type=Path, nargs="?")
    command.set_defaults(run=predict)
    command = commands.add_parser("describe", help=describe.__doc__)
    command.add_argument("architecture", nargs="?")
    command.set_defaults(run=describe)
    for name, run in (("catalog", catalog), ("warm", warm), ("serve", serve), ("prepare-models", prepare_models)):
        command = commands.add_parser(name, help=run.__doc__)
        command.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
