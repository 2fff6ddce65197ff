"""A form made from a pydantic settings class: titles, help, limits and defaults come from its JSON schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from training.recipes import Settings

Schema: TypeAlias = dict[str, Any]
"""The part of a JSON schema that describes one field."""

SENTENCES: dict[str, Promise] = {
    "int_parsing": _("Enter a whole number."),
    "int_type": _("Enter a whole number."),
    "int_from_float": _("Enter a whole number."),
    "float_parsing": _("Enter a number."),
    "float_type": _("Enter a number."),
    "finite_number": _("Enter a finite number."),
    "greater_than": _("Choose more than %(gt)s."),
    "greater_than_equal": _("Choose at least %(ge)s."),
    "less_than": _("Choose less than %(lt)s."),
    "less_than_equal": _("Choose at most %(le)s."),
    "multiple_of": _("Choose a multiple of %(multiple_of)s."),
    "literal_error": _("Choose one of the list."),
    "too_short": _("Enter at least %(min_length)s."),
    "too_long": _("Enter at most %(max_length)s."),
    "string_too_short": _("Enter at least %(min_length)s characters."),
    "string_too_long": _("Enter at most %(max_length)s characters."),
}
"""pydantic's kinds of error in the words of the page; other kinds keep their own message."""


CHOICE_WORDS: dict[str, str | Promise] = {
    "adagrad": "Adagrad",
    "adam": "Adam",
    "adamw": "AdamW",
    "all": _("All of it"),
    "attention": _("Attention"),
    "auto": _("Automatic"),
    "bfloat16": "bfloat16",
    "byte-pairs": _("Byte pairs"),
    "catboost": "CatBoost",
    "characters": _("Characters"),
    "column": _("As a column says"),
    "constant": _("Constant"),
    "cosine": _("Cosine"),
    "coslog": _("Waves (coslog)"),
    "cutmix": "CutMix",
    "ema": _("Moving average (EMA)"),
    "flat-linear": _("Flat, then linear"),
    "float16": "float16",
    "float32": "float32",
    "gelu": "GELU",
    "group": _("Groups stay whole"),
    "gru": "GRU",
    "head": _("Only the head"),
    "inverse-sqrt": _("Inverse square root"),
    "last": _("The last"),
    "lightgbm": "LightGBM",
    "linear": _("Linear"),
    "lion": "Lion",
    "lora": "LoRA",
    "qlora": "QLoRA",
    "lstm": "LSTM",
    "max-mean": _("Maximum and mean"),
    "muon": "Muon",
    "random": _("At random"),
    "relu": "ReLU",
    "rmsprop": "RMSprop",
    "rnn": _("Plain RNN"),
    "sgd": "SGD",
    "sigmoid": _("Sigmoid"),
    "silu": "SiLU",
    "step": _("In steps"),
    "stratified": _("Each class in equal shares"),
    "swa": _("Mean of the last part (SWA)"),
    "tanh": "tanh",
    "time": _("The latest are held out"),
    "whole": _("The whole model"),
    "words": _("Words"),
}
"""Choices whose key is not how people write them; others are shown as a key with its hyphens opened."""


class Switch(forms.CheckboxInput):
    """A checkbox that also says no: an absent value stands for the default, not for off."""

    def __init__(self, attrs: dict[str, Any]) -> None:
        super().__init__(attrs | {"role": "switch"})

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        checkbox = super().render(name, value, attrs, renderer)
        return format_html('<input type="hidden" name="{}" value="false">{}', name, checkbox)

    def format_value(self, value: Any) -> str:
        return "true"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> bool:
        return bool(data.get(name) == "true")  # the last of several values: the checkbox stands behind the hidden input


class Suggesting(forms.TextInput):
    """A line of text with a list of values that are at hand."""

    def __init__(self, attrs: dict[str, Any], values: Sequence[tuple[str, str]]) -> None:
        super().__init__(attrs)
        self.values = values

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        offered = format_html_join("", '<option value="{}">{}</option>', self.values)
        line = super().render(name, value, {**(attrs or {}), "list": f"{name}-offered"}, renderer)
        return format_html('{}<datalist id="{}-offered">{}</datalist>', line, name, offered)


class SettingBoundField(BoundField):
    """A setting on the page, drawn as a switch where it is one."""

    def css_classes(self, extra_classes: str | Iterable[str] | None = None) -> str:
        classes = super().css_classes(extra_classes)
        return f"{classes} form-switch".strip() if isinstance(self.field.widget, Switch) else classes


class SettingField(forms.Field):
    """One setting; what it accepts is decided by its pydantic class, not here."""

    def __init__(self, name: str, schema: Schema, default: JsonValue) -> None:
        self.schema = _plain(schema)
        self.choices = {_text(choice): choice for choice in _choices(self.schema)}
        self.default = _text(default)
        super().__init__(
            required=False,
            label=_translated(schema.get("title", name)),
            help_text=escape(_translated(schema.get("description", ""))),
            widget=self._widget(),
        )

    def _widget(self) -> forms.Widget:
        attrs: dict[str, Any] = {"data-default": self.default}
        if self.choices:
            return forms.Select(attrs, [(key, choice_words(key)) for key in self.choices])
        if self.schema.get("type") == "boolean":
            return Switch(attrs)
        if self.schema.get("type") in ("integer", "number"):
            return forms.NumberInput(attrs | _limits(self.schema))
        return forms.TextInput(attrs | {"autocomplete": "off", "spellcheck": "false"})

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        return SettingBoundField(form, self, field_name)

    def to_python(self, value: Any) -> Any:
        """What pydantic is given: its own parsing of numbers stays in charge."""
        if not isinstance(value, str):
            return value
        value = value.strip()
        if self.choices:
            return self.choices.get(value, value)
        if self.schema.get("type") == "array":
            return [part for part in re.split(r"[\s,;]+|(?<=\d)-(?=\d)", value) if part]
        return None if not value and self.schema.get("nullable") else value


class SettingsForm(forms.Form):
    """A settings class to fill in; what `data` leaves out keeps its default."""

    settings: Settings
    """The validated choices, after `is_valid()` said yes."""

    def __init__(self, defaults: Settings, data: Mapping[str, Any], *, prefix: str) -> None:
        self.defaults = defaults
        self._values = defaults.model_dump(mode="json")
        schemas = type(defaults).model_json_schema()["properties"]
        fields = {name: SettingField(name, schema, self._values[name]) for name, schema in schemas.items()}
        super().__init__(_completed(data, fields, prefix), prefix=prefix)
        self.fields.update(fields)

    def clean(self) -> dict[str, Any]:
        try:
            self.settings = type(self.defaults).model_validate(self.cleaned_data)
        except ValidationError as error:
            for problem in error.errors():
                self._say(problem)
        return self.cleaned_data

    def _say(self, problem: ErrorDetails) -> None:
        name = str(problem["loc"][0]) if problem["loc"] else None
        if name is None or not self.has_error(name):
            self.add_error(name, sentence(problem))

    @property
    def changed(self) -> dict[str, JsonValue]:
        """The choices that differ from the defaults; of a valid form."""
        chosen = self.settings.model_dump(mode="json")
        return {name: value for name, value in chosen.items() if value != self._values[name]}

    def suggest(self, name: str, values: Sequence[tuple[str, str]]) -> None:
        """Offer values, each with its title, where a setting takes free text; nothing happens if it has no such one."""
        if name in self.fields and values:
            widget = cast(forms.TextInput, self.fields[name].widget)
            self.fields[name].widget = Suggesting(widget.attrs, values)

    def pick(self, names: Iterable[str]) -> list[BoundField]:
        """The fields of these names, in this order; names that this class has not are passed over."""
        return [self[name] for name in names if name in self.fields]

    def leave_out(self, names: Iterable[str]) -> list[BoundField]:
        """The other fields, in the order in which the class declares them."""
        left_out = set(names)
        return [self[name] for name in self.fields if name not in left_out]


def choice_words(key: str) -> str:
    """A choice as people write it."""
    return str(CHOICE_WORDS.get(key) or key.replace("-", " ").replace("_", " ").capitalize())


def sentence(problem: ErrorDetails) -> str:
    """One of pydantic's errors in the words of the page."""
    if words := SENTENCES.get(problem["type"]):
        limits = {
            key: f"{value:g}" if isinstance(value, float) else value for key, value in problem.get("ctx", {}).items()
        }
        return str(words) % limits
    message = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{message}."


def _completed(data: Mapping[str, Any], fields: Mapping[str, SettingField], prefix: str) -> QueryDict:
    """The data of these fields with the default wherever nothing was said."""
    filled = QueryDict(mutable=True)
    for name, field in fields.items():
        key = f"{prefix}-{name}"
        given = data.getlist(key) if isinstance(data, QueryDict) else [_text(data[key])] if key in data else []
        filled.setlist(key, given or [field.default])
    return filled


def _plain(schema: Schema) -> Schema:
    """The schema of an optional field without its null."""
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return schema | options[0] | {"nullable": True} if len(options) == 1 else schema


def _choices(schema: Schema) -> list[JsonValue]:
    return cast("list[JsonValue]", schema.get("enum") or ([schema["const"]] if "const" in schema else []))


def _limits(schema: Schema) -> dict[str, Any]:
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    step = schema.get("multipleOf", 1 if schema["type"] == "integer" else "any")
    limits = {"min": low, "max": high, "step": step}
    return {key: value for key, value in limits.items() if value is not None}


def _text(value: JsonValue) -> str:
    """A value as a form field holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _translated(text: str) -> str:
    return gettext(text) if text else ""
