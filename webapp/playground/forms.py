"""The form that fits what a model reads: columns of a table, texts, a picture or a sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _

from training.data.columns import is_long_text
from training.data.schema import Column
from training.verdict import plain_number
from webapp.core.errors import UserError
from webapp.playground import attachments
from webapp.playground.served import Served

TOLD = ("target", "answers")
"""Roles of columns that hold what the model is to say."""
FEW = 20
"""A column with no more names than this is a list to choose from."""


class TryForm(forms.Form):
    """One input, in the words of the data set that the run learnt from."""

    def __init__(self, model: Served, data: Mapping[str, Any] | None = None, files: Any = None) -> None:
        super().__init__(data, files)
        assert model.run is not None
        self.tryout = model.task.tryout
        spec = model.run.train_spec()
        columns = {column.name: column for column in model.run.version.describe().columns}
        makers = {
            "form": _table_field,
            "text": _text_field,
            "question": _text_field,
            "translation": _text_field,
            "words": _words_field,
            "image": _image_field,
            "audio": _sound_field,
        }
        read = [name for role, names in spec.roles.items() if role not in TOLD for name in names]
        self.columns = {f"in-{number}": name for number, name in enumerate(read)}
        for field, name in self.columns.items():
            self.fields[field] = makers[self.tryout](columns[name])
        self.shown: dict[str, str] = {}

    def cells(self) -> list[tuple[BoundField, str, str]]:
        """Every field; "image" or "audio" where it takes such a file, and the address of the held-out one in it."""
        return [
            (self[field], _taken(self.fields[field]), self.shown.get(name, "")) for field, name in self.columns.items()
        ]

    def inputs(self) -> dict[str, Any]:
        """What the model reads, by column; raises UserError naming what is missing."""
        if not self.is_valid():
            field, errors = next(iter(self.errors.items()))
            raise UserError(f"{self.columns[field]}: {errors[0]}", _("Correct it and try again."))
        given = {name: self.cleaned_data[field] for field, name in self.columns.items()}
        if all(value in (None, "") for value in given.values()):
            raise UserError(_("There is nothing to look at yet."), _("Fill something in, or take a held-out example."))
        if self.tryout in ("image", "audio"):
            return {self.tryout: attachments.keep(next(iter(given.values())))}
        return {name: _kept(value) for name, value in given.items()}

    def fill(self, inputs: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Show these values in the fields; `files` are the addresses of pictures and sounds in columns of a table."""
        self.shown = dict(files)
        for field, name in self.columns.items():
            value = inputs.get(name)
            if isinstance(self.fields[field], forms.FileField):
                continue
            if isinstance(value, list):  # words with their tags
                value = " ".join(word["token"] for word in value)
            self.initial[field] = str(value) if isinstance(value, bool | float | int) else value


def _kept(value: Any) -> Any:
    """What was typed, or the place of a file that was sent along."""
    return attachments.keep(value) if isinstance(value, UploadedFile) else value


def _taken(field: forms.Field) -> str:
    """The kind of file that a field takes: "image", "audio", or "" where it takes none."""
    return str(field.widget.attrs.get("accept", "")).removesuffix("/*")


def _table_field(column: Column) -> forms.Field:
    if column.type in ("image", "audio"):
        file = forms.FileInput(attrs={"accept": f"{column.type}/*", "data-cell": ""})
        return forms.FileField(label=column.name, required=False, widget=file)
    if is_long_text(column):
        box = forms.Textarea(attrs={"rows": 3})
        return forms.CharField(label=column.name, required=False, max_length=100_000, widget=box)
    top = column.stats.get("top")
    names = [str(entry["value"]) for entry in top] if isinstance(top, list) else []  # type: ignore[index, call-overload]
    if column.type != "number" and column.unique <= FEW and names:
        blank = ("", _("not known"))
        return forms.ChoiceField(label=column.name, choices=[blank, *[(name, name) for name in names]], required=False)
    if column.type == "number":
        middle = column.stats.get("quantiles", {}).get("0.5")  # type: ignore[union-attr]
        hint = _("usually about %(value)s") % {"value": plain_number(middle)} if isinstance(middle, int | float) else ""
        figure = forms.NumberInput(attrs={"step": "any", "placeholder": hint})
        return forms.FloatField(label=column.name, required=False, widget=figure)
    return forms.CharField(label=column.name, required=False, max_length=1000)


def _text_field(column: Column) -> forms.Field:
    box = forms.Textarea(attrs={"rows": 6, "placeholder": _("Write or paste a text")})
    label = _("Text") if column.type == "spans" else column.name
    return forms.CharField(label=label, required=False, max_length=100_000, widget=box)


def _words_field(column: Column) -> forms.Field:
    box = forms.TextInput(attrs={"placeholder": _("A word, or a sum such as king - man + woman")})
    return forms.CharField(label=_("Word"), required=False, max_length=1000, widget=box)


def _image_field(column: Column) -> forms.Field:
    return forms.FileField(label=_("Picture"), widget=forms.FileInput(attrs={"accept": "image/*", "data-file": ""}))


def _sound_field(column: Column) -> forms.Field:
    return forms.FileField(label=_("Sound"), widget=forms.FileInput(attrs={"accept": "audio/*", "data-file": ""}))
