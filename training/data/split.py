"""Which examples train, choose and judge: fixed by each example's id, so that adding rows moves none."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.ids import mix, text_hash
from training.spec import Split

Parts = NDArray[np.str_]


def assign_parts(ids: NDArray[np.int64], given: Sequence[str | None] | NDArray[np.object_], split: Split) -> Parts:
    """The part, "train", "val" or "test", for every example.

    ids: int64 [rows], equal for equal examples, which so fall on the same side. given: the part that the files named,
    or None. Named parts stay; files that name a validation part but no test part are judged on the former.
    """
    named = np.array([part or "" for part in given], dtype="<U5")
    if not np.isin(named, ("test", "val")).any():
        return _drawn(ids, split, test=split.test)
    if not (named == "test").any():
        named[named == "val"] = "test"
    free = ~np.isin(named, ("test", "val"))
    carve = split.validation if not (named == "val").any() else 0.0
    drawn = _drawn(ids, split.model_copy(update={"validation": carve}), test=0.0)
    return np.where(free, drawn, named)


def _drawn(ids: NDArray[np.int64], split: Split, *, test: float) -> Parts:
    salt = text_hash(f"split {split.seed}".encode())
    uniform = (mix(mix(ids.view(np.uint64) ^ salt)) >> np.uint64(11)).astype(np.float64) / 2.0**53
    parts = np.full(len(ids), "train", dtype="<U5")
    parts[uniform < test + split.validation] = "val"
    parts[uniform < test] = "test"
    return parts
