"""Data sets of the Hugging Face Hub: their files are fetched and read here; code that lies beside them never runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from training.data.source import named_part
from training.errors import TrainingError

MAX_BYTES = 5 << 30
_SUFFIXES = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".arrow", ".txt", ".zip", ".csv.gz", ".jsonl.gz")
"""In the order of preference: the same rows often lie there in several formats."""
_PATIENCE = 10.0
"""Seconds until the Hub should have answered."""
_UPLOAD = "Download its files on a machine with a network, and upload them here."


@dataclass(frozen=True)
class HubFile:
    """A file of a repository that belongs to a subset and a split."""

    path: str
    bytes: int
    split: str
    """ "" where nothing says it."""


def fetch_dataset(
    repository: str,
    place: Path,
    *,
    subset: str = "",
    split: str = "",
    limit: int = MAX_BYTES,
    endpoint: str | None = None,
) -> list[tuple[str, Path]]:
    """Download the files of one subset into `place`; the names tell the split, as `import_dataset` understands them.

    repository: "owner/name". subset, split: "" for the only or default subset, and for all splits. limit: bytes.
    endpoint: another address of the Hub, such as a mirror. Raises TrainingError where the Hub cannot be reached, where
    there is no such data set, subset or split, and where it is too large.
    """
    from huggingface_hub import hf_hub_download

    with _told_in_words(repository):
        sizes = _list_files(repository, endpoint)
        configs = _read_configs(repository, place, endpoint) if "README.md" in sizes else []
    files = choose_files(repository, sizes, configs, subset=subset, split=split)
    if (total := sum(file.bytes for file in files)) > limit:
        raise TrainingError(
            f"The files of {repository} have {total / 1e9:,.1f} GB; {limit / 1e9:,.1f} GB can be taken.",
            "Name a subset or a split of it.",
            code="large",
        )
    fetched = []
    for number, file in enumerate(files):
        with _told_in_words(repository):
            path = hf_hub_download(repository, file.path, repo_type="dataset", local_dir=place, endpoint=endpoint)
        name = PurePosixPath(file.path).name
        known = named_part(name) == named_part(file.split) or not file.split
        fetched.append((name if known else f"{file.split}-{number}{_suffix(name)}", Path(path)))
    return fetched


def choose_files(
    repository: str, sizes: Mapping[str, int], configs: Sequence[Mapping[str, object]], *, subset: str, split: str
) -> list[HubFile]:
    """The files of a subset and a split: as the card of the data set says, else as folders and names say.

    sizes: bytes by path. configs: the card's list of subsets with their `data_files`.
    """
    subsets = _by_card(sizes, configs) if configs else _by_names(sizes)
    if not any(subsets.values()):
        raise TrainingError(
            f"{repository} has no files that can be read without running its code.",
            "Choose a data set with Parquet, CSV or JSON files.",
            code="unknown_format",
        )
    chosen = _chosen_subset(repository, subsets, configs, subset)
    splits = list(dict.fromkeys(file.split for file in chosen if file.split))
    if split and split not in splits:
        raise _no_such(repository, "split", split, splits)
    return [file for file in chosen if not split or file.split == split]


def _chosen_subset(
    repository: str, subsets: dict[str, list[HubFile]], configs: Sequence[Mapping[str, object]], subset: str
) -> list[HubFile]:
    default = next((str(config["config_name"]) for config in configs if config.get("default")), "default")
    name = subset or (default if default in subsets else next(iter(subsets)) if len(subsets) == 1 else "")
    if name not in subsets:
        raise _no_such(repository, "subset", subset, list(subsets))
    return subsets[name]


def _no_such(repository: str, what: str, name: str, names: list[str]) -> TrainingError:
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    said = f"{repository} has no {what} “{name}”." if name else f"{repository} has several {what}s."
    return TrainingError(said, f"Choose one of: {shown}." if names else f"Leave the {what} open.", code=f"no_{what}")


def _by_card(sizes: Mapping[str, int], configs: Sequence[Mapping[str, object]]) -> dict[str, list[HubFile]]:
    return {
        str(config["config_name"]): [
            HubFile(path, sizes[path], split)
            for split, pattern in _patterns(config.get("data_files"))
            for path in sorted(sizes)
            if fnmatchcase(path, pattern) and _suffix(path)
        ]
        for config in configs
        if "config_name" in config
    }


def _patterns(data_files: object) -> Iterator[tuple[str, str]]:
    """Split and pattern of paths, in all forms that cards have."""
    for entry in data_files if isinstance(data_files, list) else [data_files]:
        split, paths = (str(entry.get("split", "")), entry.get("path")) if isinstance(entry, dict) else ("train", entry)
        for path in paths if isinstance(paths, list) else [paths]:
            if path:
                yield split, str(path)


def _by_names(sizes: Mapping[str, int]) -> dict[str, list[HubFile]]:
    """A folder is a subset, unless it is called data or like a split; only the preferred format counts."""
    paths = [path for path in sizes if _suffix(path) and not path.startswith(".")]
    best = min((_SUFFIXES.index(_suffix(path)) for path in paths), default=0)
    subsets: dict[str, list[HubFile]] = {}
    for path in sorted(paths):
        if _suffix(path) == _SUFFIXES[best]:
            words = [part for part in PurePosixPath(path).parts if named_part(part)]
            split = named_part(words[-1]) or "" if words else ""
            folders = [name for name in PurePosixPath(path).parts[:-1] if name != "data" and not named_part(name)]
            subsets.setdefault(folders[0] if folders else "default", []).append(HubFile(path, sizes[path], split))
    return subsets


def _suffix(path: str) -> str:
    return next((suffix for suffix in _SUFFIXES if path.lower().endswith(suffix)), "")


def _list_files(repository: str, endpoint: str | None) -> dict[str, int]:
    """Bytes by path; asked once, because one who has no network should not wait for five attempts."""
    from huggingface_hub import HfApi

    found = HfApi(endpoint=endpoint).dataset_info(repository, files_metadata=True, timeout=_PATIENCE)
    files = {file.rfilename: file.size or 0 for file in found.siblings or []}
    return {path: size for path, size in files.items() if ".." not in PurePosixPath(path).parts}


def _read_configs(repository: str, place: Path, endpoint: str | None) -> list[Mapping[str, object]]:
    """The subsets as the card lists them; none where it says nothing."""
    from huggingface_hub import hf_hub_download, metadata_load

    card = hf_hub_download(repository, "README.md", repo_type="dataset", local_dir=place, endpoint=endpoint)
    configs = (metadata_load(card) or {}).get("configs")
    return [config for config in configs if isinstance(config, dict)] if isinstance(configs, list) else []


@contextmanager
def _told_in_words(repository: str) -> Iterator[None]:
    """Errors of the network and of the Hub as sentences."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise TrainingError(f"{repository} is given only to those who asked for it.", _UPLOAD, code="gated") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise TrainingError(
            f"There is no public data set “{repository}” on Hugging Face.",
            "Write its name as its page does: owner/name.",
            code="no_dataset",
        ) from error
    except (HTTPError, HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise TrainingError("Hugging Face cannot be reached from here.", _UPLOAD, code="no_network") from error
