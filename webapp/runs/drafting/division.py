"""How the examples are divided, as the new run page asks for it: fitting columns, and only the fields that count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _

from training.data.schema import Description
from training.spec import Split
from webapp.core.settings_form import SettingsForm
from webapp.datasets.pages.dividing import NEEDS_COLUMN, fitting_columns

REDRAWN = ("how", "folds")
"""Fields that decide which others are there."""


class SplitForm(SettingsForm):
    """The held-out data; a column that does not fit the way to divide gives place to the first that does.

    target: the column to predict, by which nothing is divided. crossed: the number of folds where each is held out by a
    run of its own, else 0.
    """

    def __init__(
        self, defaults: Split, data: Mapping[str, Any], *, description: Description, target: str, crossed: int = 0
    ) -> None:
        self._crossed = crossed
        super().__init__(defaults.model_copy(update=self._together), data, prefix="split")
        cast(QueryDict, self.data).update({self.add_prefix(name): str(n) for name, n in self._together.items()})
        columns = fitting_columns(description, self._given("how"), target)
        cast(QueryDict, self.data)[self.add_prefix("column")] = _fitting(columns, self._given("column"))
        choices = [(name, name) for name in columns] or [("", _("No column fits"))]
        self.fields["column"].widget = forms.Select(self.fields["column"].widget.attrs, choices)
        for name in REDRAWN:
            self.fields[name].widget.attrs["data-box"] = True

    def counting(self) -> list[BoundField]:
        """The fields that mean something for the way that is chosen."""
        how, whole = self._given("how"), self._given("folds") in ("", "0")
        idle = {
            "test": not whole or how == "column",
            "column": how in ("random", "stratified"),
            "folds": bool(self._crossed) or (whole and how in ("time", "column")),
            "fold": bool(self._crossed) or whole,
        }
        return self.leave_out(name for name in idle if idle[name])

    @property
    def _together(self) -> dict[str, int]:
        """What is settled where a run for every fold is started."""
        return {"folds": self._crossed, "fold": 1} if self._crossed else {}

    def _given(self, name: str) -> str:
        return str(self.data.get(self.add_prefix(name), "")).strip()


def asked_division(usual: Split, data: Mapping[str, Any], *, description: Description, target: str) -> Split:
    """The way to divide that the person chose, with the column that fits it; at random where it needs none."""
    how = next((way for way in NEEDS_COLUMN if way == (data.get("split-how") or usual.how)), None)
    columns = fitting_columns(description, how, target) if how else []
    if how is None or not columns:
        return Split()
    return Split(how=how, column=_fitting(columns, str(data.get("split-column", "")).strip() or usual.column))


def _fitting(columns: list[str], given: str) -> str:
    return given if given in columns else next(iter(columns), "")


def division_words(split: Split, *, has_target: bool) -> str:
    """How the examples are divided; empty where nothing but chance decides."""
    if split.how == "stratified" and not has_target:
        return _("Nothing is predicted here that has classes, so the examples are divided at random instead.")
    sentences = {
        "stratified": _("Each class is held out in equal shares."),
        "group": _("Rows with the same “%(column)s” stay on one side."),
        "time": _("The latest by “%(column)s” are held out."),
    }
    return sentences.get(split.how, "") % {"column": split.column}
