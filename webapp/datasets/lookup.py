"""The data set or version that an address names, if the person may see it."""

from django.shortcuts import get_object_or_404

from webapp.datasets.models import Dataset, DatasetVersion
from webapp.projects.access import UserRequest, membership_or_404


def dataset_or_404(request: UserRequest, pk: int, *, edit: bool = False) -> Dataset:
    """The data set; somebody else's does not exist, and viewers may only look."""
    found = get_object_or_404(Dataset.objects.visible_to(request.user).select_related("owner"), pk=pk)
    if edit:
        membership_or_404(request.user, found.project_id, edit=True)
    return found


def version_or_404(dataset: Dataset, number: str | int = "") -> DatasetVersion:
    """The version of that number, the newest if none is given."""
    digits = str(number)
    if digits:
        return get_object_or_404(dataset.versions, number=digits if digits.isdecimal() and len(digits) < 9 else 0)
    return get_object_or_404(dataset.versions.order_by("-number")[:1])
