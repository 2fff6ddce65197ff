"""Who may do what, in one place: the current project, and a member's role in any other."""

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from webapp.core.errors import UserError
from webapp.projects.models import Membership, User
from webapp.projects.services import SESSION_PROJECT, create_project


class UserRequest(HttpRequest):
    """A request by somebody who is logged in."""

    user: User
    htmx: HtmxDetails


def current_project(request: UserRequest) -> Membership:
    """The person's seat in the project they work in; their first login gives them a project of their own."""
    known: Membership | None = getattr(request, "_membership", None)
    if known is None:
        known = _choose(request) or create_project(owner=request.user, name=_("My project"))
        request._membership = known  # type: ignore[attr-defined]
    return known


def switch_project(request: UserRequest, membership: Membership) -> None:
    """Work in this project from now on."""
    request.session[SESSION_PROJECT] = membership.project_id
    request._membership = membership  # type: ignore[attr-defined]


def membership_or_404(user: User, project_id: int, edit: bool = False) -> Membership:
    """The person's seat; somebody else's project does not exist, and viewers may only look."""
    membership = seats(user).filter(project=project_id).first()
    if membership is None:
        raise Http404
    if edit:
        require_editor(membership)
    return membership


def require_editor(membership: Membership) -> None:
    """Raise the sentence that viewers read when they try to change something."""
    if not membership.can_edit:
        raise UserError(
            _("You may look at “%(project)s”, but not change it.") % {"project": membership.project},
            _("Ask an owner to make you an editor."),
            code="forbidden",
            status=403,
        )


def seats(user: User) -> QuerySet[Membership]:
    """All seats of a person, oldest first."""
    return Membership.objects.filter(user=user).select_related("project").order_by("pk")


def _choose(request: UserRequest) -> Membership | None:
    chosen = request.session.get(SESSION_PROJECT)
    mine = seats(request.user)
    return (mine.filter(project=chosen).first() if chosen else None) or mine.first()
