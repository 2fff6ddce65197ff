"""The first page: what to do next, and what is going on. Stands above the apps, because it looks at all of them."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render

from webapp.projects.access import UserRequest


@login_required
def home(request: UserRequest) -> HttpResponse:
    """What to do next in this project."""
    return render(request, "core/home.html")
