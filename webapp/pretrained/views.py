"""The page of the project's own pretrained models."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from training.errors import TrainingError
from webapp.core.errors import UserError
from webapp.datasets.uploading.quota import room
from webapp.pretrained import services
from webapp.pretrained.forms import ModelForm
from webapp.pretrained.models import OwnModel
from webapp.projects.access import UserRequest, current_project


@login_required
def models(request: UserRequest) -> HttpResponse:
    """Every model that the project has brought, and the form to bring another."""
    member = current_project(request)
    form = ModelForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            model = services.add_model(member=member, **form.cleaned_data)
        except (UserError, TrainingError) as error:
            form.add_error("file", f"{error.message} {error.hint}".strip())
        else:
            messages.success(request, _("“%(name)s” can be started from.") % {"name": model.name})
            return redirect("models")
    found = OwnModel.objects.filter(project=member.project).select_related("owner")
    context = {"models": found, "form": form, "member": member} | room(member.project)
    return render(request, "pretrained/models.html", context)


@login_required
@require_POST
def delete(request: UserRequest, pk: int) -> HttpResponse:
    """Forget a model."""
    services.delete_model(get_object_or_404(OwnModel.objects.editable_by(request.user), pk=pk))
    return redirect("models")
