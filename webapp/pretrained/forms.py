"""What people fill in to bring a model."""

from django import forms
from django.utils.translation import gettext_lazy as _


class ModelForm(forms.Form):
    """A ZIP of a model's folder."""

    file = forms.FileField(
        label=_("ZIP of the model's folder"),
        help_text=_("config.json, safetensors and the tokenizer's files, as save_pretrained writes them."),
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )
    name = forms.CharField(label=_("Name"), max_length=120, required=False, help_text=_("Left out: the file's name."))
