"""What each tab of a data set's page shows."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render

from training.data.schema import Description, Finding
from webapp.datasets.models import DatasetVersion, Revision
from webapp.datasets.pages import choices, preview
from webapp.datasets.pages.dividing import read_division, ways
from webapp.datasets.pages.preview import Page
from webapp.datasets.pages.profiles import profile
from webapp.projects.access import UserRequest

PROFILES = 60
"""Cards of columns on one page."""


def _preview(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    version, description = context["version"], context["description"]
    changed = (request.htmx.trigger_name or "") if request.htmx else ""
    choice = choices.read_choice(description, request.GET, changed=changed)
    page, finding = _page(request, version, description)
    shown = {number for number, _column in page.columns}
    differences = choices.differences(description, choice) if choice else {}
    division = read_division(version, description, choice, request.GET)
    choice = choice.divided(description, division.split) if choice and not division.problem else choice
    return {
        "choice": choice,
        "division": division,
        "ways": ways(description),
        "page": page,
        "finding": finding,
        "gallery": preview.is_gallery(description),
        "tasks": choices.possible_tasks(description),
        "headers": [
            (number, column, choices.fitting_roles(choice.task, column), choice.role_of(column.name))
            for number, column in page.columns
        ]
        if choice
        else [],
        "elsewhere": {number: key for number, key in differences.items() if number not in shown},
        "differences": differences,
    }


def _page(request: UserRequest, version: DatasetVersion, description: Description) -> tuple[Page, Finding | None]:
    """The rows to show: a page of all of them, or those that a finding is about."""
    column, place = number_in(request, "column"), number_in(request, "finding") - 1
    if not 0 <= place < len(description.quality):
        return preview.read_page(version, description, first=number_in(request, "row"), first_column=column), None
    finding = description.quality[place]
    return preview.pick_page(version, description, finding.rows, first_column=column), finding


def _columns(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    description, words = context["description"], request.GET.get("q", "").strip().lower()
    found = [(n, column) for n, column in enumerate(description.columns) if words in column.name.lower()]
    first = min(number_in(request, "column"), len(found))
    shown = found[first : first + PROFILES]
    return {
        "profiles": [profile(number, column, description.rows) for number, column in shown],
        "found": len(found),
        "first": first,
        "later": first + PROFILES if first + PROFILES < len(found) else None,
        "earlier": max(0, first - PROFILES) if first else None,
        "words": words,
    }


def _quality(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    findings = context["description"].quality
    return {"findings": findings, "fixable": [finding for finding in findings if finding.fix]}


def _versions(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    dataset = context["dataset"]
    made = Revision.objects.select_related("owner", "base", "version").filter(dataset=dataset)
    newest = max((known.created for known in dataset.versions.all()), default=dataset.created)
    return {
        "versions": dataset.versions.select_related("revision__owner", "revision__base").order_by("-number"),
        "making": [revision for revision in made if revision.status == Revision.Status.MAKING],
        "failed": [known for known in made if known.status == Revision.Status.FAILED and known.created > newest],
    }


def _runs(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    versions = context["dataset"].versions.prefetch_related("runs__owner", "runs__version")
    used = [run for version in versions for run in version.runs.all()]
    return {"used": sorted(used, key=lambda run: run.created, reverse=True)}


def piece(request: UserRequest, context: dict[str, Any]) -> HttpResponse:
    """The preview alone, with an address that brings the same choice back."""
    answer = render(request, "datasets/_preview.html", context | {"swapped": True})
    page, choice = context["page"], context["choice"]
    state = {"task": choice.task.key} if choice else {}
    state |= {f"use.{number}": key for number, key in context["differences"].items()}
    state |= {"row": page.first} if page.first else {}
    state |= context["division"].query
    state |= {"finding": request.GET["finding"]} if context["finding"] else {}
    state |= {"version": request.GET["version"]} if request.GET.get("version") else {}
    state |= {"column": page.first_column} if page.first_column else {}
    answer["HX-Replace-Url"] = f"{request.path}?{urlencode(state)}"
    return answer


TABS = {"preview": _preview, "columns": _columns, "quality": _quality, "versions": _versions, "runs": _runs}


def number_in(request: UserRequest, name: str) -> int:
    """A whole number of the address; 0 where there is none."""
    digits = request.GET.get(name, "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0
