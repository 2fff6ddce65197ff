"""How much a project may hold, and how much it does: its data sets, and the models that it has brought."""

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from webapp.core.errors import UserError
from webapp.core.templatetags.touchstone import byte_size
from webapp.datasets.models import DatasetVersion, Upload
from webapp.projects.models import Project


def used_bytes(project: Project) -> int:
    """What lies in storage of the project's data sets and models of its own, and what is on its way in."""
    originals = project.datasets.aggregate(sum=Sum("original_bytes"))["sum"] or 0
    versions = DatasetVersion.objects.filter(dataset__project=project).aggregate(sum=Sum("bytes"))["sum"] or 0
    arriving = Upload.objects.filter(project=project, dataset=None).aggregate(sum=Sum("size"))["sum"] or 0
    models = project.own_models.aggregate(sum=Sum("bytes"))["sum"] or 0
    return int(originals + versions + arriving + models)


def check_quota(project: Project, size: int) -> None:
    """Raise the sentence about a project that has no room for so many bytes more."""
    used, most = used_bytes(project), settings.PROJECT_QUOTA
    if used + size <= most:
        return
    words = {"used": byte_size(used), "most": byte_size(most), "size": byte_size(size)}
    raise UserError(
        _("This project holds %(used)s of the %(most)s that it may; there is no room for %(size)s more.") % words,
        _("Delete data or models that nobody needs, or ask your administrator to raise TOUCHSTONE_PROJECT_QUOTA."),
        code="quota",
        status=413,
    )


def room(project: Project) -> dict[str, int]:
    """What pages with a place to upload say: the largest file, what the project may hold, and what it does."""
    return {"limit": settings.UPLOAD_LIMIT, "quota": settings.PROJECT_QUOTA, "used_bytes": used_bytes(project)}
