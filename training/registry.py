"""One dictionary per kind of thing that can be chosen; a file dropped into its package adds an entry."""

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from training.errors import TrainingError

T = TypeVar("T")


class Registry(Generic[T]):
    """The entries of one package by key, in the order of their attribute `order`; imported on first use."""

    def __init__(self, noun: str, package: str) -> None:
        self.noun = noun
        self.package = package
        self._entries: dict[str, T] = {}
        self._loaded = self._loading = False
        self._lock = threading.RLock()

    def register(self, key: str) -> Callable[[T], T]:
        """Decorate a class to make it available under `key`, which it keeps as its attribute `key`."""

        def keep(entry: T) -> T:
            if key in self._entries:
                raise ValueError(f"{self.noun} {key!r} is registered twice")
            entry.key = key  # type: ignore[attr-defined]
            self._entries[key] = entry
            return entry

        return keep

    def __getitem__(self, key: str) -> T:
        """Return the entry; raises TrainingError that names what there is."""
        entries = self._all()
        if key not in entries:
            raise TrainingError(
                f"There is no {self.noun} called “{key}”.", f"Choose one of: {', '.join(entries)}.", code="unknown"
            )
        return entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def items(self) -> list[tuple[str, T]]:
        """All entries, with their keys."""
        return list(self._all().items())

    def values(self) -> list[T]:
        """All entries."""
        return list(self._all().values())

    def _all(self) -> dict[str, T]:
        if not self._loaded:
            with self._lock:  # threads that come meanwhile wait for the whole, not for a part of it
                self._load()
        return self._entries

    def _load(self) -> None:
        if self._loaded or self._loading:  # the modules themselves may look at what there is
            return
        self._loading = True
        try:
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.package}.{module.name}")
        finally:
            self._loading = False
        self._entries = dict(sorted(self._entries.items(), key=lambda item: (getattr(item[1], "order", 100), item[0])))
        self._loaded = True
