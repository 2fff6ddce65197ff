"""Forms that are made from settings classes."""

from typing import Literal

import pytest
from django.http import QueryDict
from pydantic import Field

from training.architectures import ARCHITECTURES
from training.recipes import Recipe, Settings
from training.spec import Split
from webapp.core.settings_form import SettingsForm

KINDS = [*ARCHITECTURES.values(), Recipe, Split]


class Oven(Settings):
    """A class that no part of the product knows."""

    heat: int = Field(180, ge=50, le=250, title="Heat", description="In degrees, <b>not</b> more.")
    hours: float = Field(1.5, gt=0, title="Hours")
    fan: bool = Field(True, title="Fan")
    shelf: Literal["very-low", "middle", "high"] = Field("middle", title="Shelf")
    power: Literal[1, 2] = Field(1, title="Power")
    timer: int | None = Field(None, title="Timer")
    pauses: list[int] = Field([1, 2], title="Pauses", max_length=3)


def form(query="", kind=Oven):
    return SettingsForm(kind(), QueryDict(query), prefix="oven")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_architecture_has_a_form_of_titles_help_and_defaults(kind):
    made = SettingsForm(kind(), QueryDict(), prefix="x")
    assert made.is_valid(), made.errors
    assert made.changed == {}
    assert made.settings == kind()
    for name, field in kind.model_fields.items():
        assert made[name].label == field.title
        assert made[name].help_text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_a_form_shows_can_be_sent_back_unchanged(kind):
    shown = SettingsForm(kind(), QueryDict(), prefix="x")
    sent = QueryDict(mutable=True)
    for name, field in shown.fields.items():
        sent[f"x-{name}"] = field.default
    again = SettingsForm(kind(), sent, prefix="x")
    assert again.is_valid(), again.errors
    assert again.changed == {}


def test_numbers_have_limits_choices_are_selects_and_flags_are_switches():
    made = form()
    assert 'min="50"' in str(made["heat"])
    assert 'max="250"' in str(made["heat"])
    assert 'step="1"' in str(made["heat"])
    assert 'step="any"' in str(made["hours"])
    assert '<option value="very-low">Very low</option>' in str(made["shelf"])
    assert 'role="switch"' in str(made["fan"])
    assert made["fan"].css_classes() == "form-switch"
    assert made["pauses"].value() == "1, 2"


def test_help_is_text_and_never_markup():
    assert "&lt;b&gt;" in form()["heat"].help_text


def test_what_is_left_out_keeps_its_default():
    made = form("oven-heat=200")
    assert made.is_valid()
    assert made.changed == {"heat": 200}


def test_a_switch_can_be_turned_off_although_it_is_on_by_default():
    off, on = form("oven-fan=false"), form("oven-fan=false&oven-fan=true")
    assert off.is_valid()
    assert on.is_valid()
    assert off.changed == {"fan": False}
    assert on.changed == {}


def test_choices_that_are_numbers_and_lists_and_blanks_come_back_as_such():
    made = form("oven-power=2&oven-pauses=3-4-5&oven-timer=")
    assert made.is_valid(), made.errors
    assert (made.settings.power, made.settings.pauses, made.settings.timer) == (2, [3, 4, 5], None)


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("oven-heat=400", "heat", "Choose at most 250."),
        ("oven-heat=hot", "heat", "Enter a whole number."),
        ("oven-heat=", "heat", "Enter a whole number."),
        ("oven-hours=0", "hours", "Choose more than 0."),
        ("oven-shelf=roof", "shelf", "Choose one of the list."),
        ("oven-pauses=1 2 3 4", "pauses", "Enter at most 3."),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(query, name, words):
    made = form(query)
    assert not made.is_valid()
    assert made.errors[name] == [words]
    assert list(made.errors) == [name]
