"""Pages for projects, the people in them, invitations and API tokens."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from webapp.core.errors import UserError
from webapp.projects import services
from webapp.projects.access import UserRequest, membership_or_404, seats, switch_project
from webapp.projects.accounts import INVITATION_KEY
from webapp.projects.forms import PersonForm, ProjectForm, RoleForm, TokenForm
from webapp.projects.models import Membership, Role, Token

AUDIT_ROWS = 50


@login_required
def projects(request: UserRequest) -> HttpResponse:
    """Every project of the person, and a form for one more."""
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        membership = services.create_project(owner=request.user, name=form.cleaned_data["name"])
        switch_project(request, membership)
        messages.success(request, _("You now work in “%(name)s”.") % {"name": membership.project})
        return redirect(membership.project)
    mine = seats(request.user).annotate(people=Count("project__memberships")).order_by("project__name", "pk")
    return render(request, "projects/projects.html", {"form": form, "seats": mine})


@login_required
@require_POST
def switch(request: UserRequest, pk: int) -> HttpResponse:
    """Work in another project from now on."""
    switch_project(request, membership_or_404(request.user, pk))
    return redirect("home")


@login_required
@require_GET
def project(request: UserRequest, pk: int) -> HttpResponse:
    """People and settings of one project."""
    return _people_page(request, membership_or_404(request.user, pk), PersonForm())


@login_required
@require_POST
def rename(request: UserRequest, pk: int) -> HttpResponse:
    """Give the project another name."""
    seat = membership_or_404(request.user, pk)
    form = ProjectForm(request.POST)
    if not form.is_valid():
        raise UserError(_("A project needs a name of at most 80 letters."), _("Type a shorter one."))
    services.rename_project(by=seat, name=form.cleaned_data["name"])
    return redirect("project", pk)


@login_required
@require_POST
def add_person(request: UserRequest, pk: int) -> HttpResponse:
    """Let somebody in: at once when they have an account, else by invitation."""
    seat = membership_or_404(request.user, pk)
    form = PersonForm(request.POST)
    if not form.is_valid():
        return _people_page(request, seat, form, status=422)
    words, role = form.cleaned_data["person"].strip(), form.cleaned_data["role"]
    person = services.find_person(words)
    if person is not None:
        services.add_member(by=seat, user=person, role=role)
    elif _is_email(words):
        services.invite(by=seat, email=words, role=role)
    else:
        form.add_error("person", _("Nobody here has this user name. Type an e-mail address to invite somebody new."))
        return _people_page(request, seat, form, status=422)
    return redirect("project", pk)


@login_required
@require_POST
def change_role(request: UserRequest, pk: int, member: int) -> HttpResponse:
    """Let a member do more or less."""
    seat = membership_or_404(request.user, pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise UserError(_("There is no such role."), _("Choose owner, editor or viewer."))
    services.change_role(by=seat, member=_member(seat, member), role=form.cleaned_data["role"])
    return redirect("project", pk)


@login_required
@require_POST
def remove(request: UserRequest, pk: int, member: int) -> HttpResponse:
    """Take a seat away, or give up one's own."""
    seat = membership_or_404(request.user, pk)
    services.remove_member(by=seat, member=_member(seat, member))
    return redirect("projects" if member == seat.pk else reverse("project", args=[pk]))


@login_required
@require_POST
def withdraw(request: UserRequest, pk: int, invitation: int) -> HttpResponse:
    """Make an invitation useless."""
    seat = membership_or_404(request.user, pk)
    services.withdraw_invitation(by=seat, invitation=get_object_or_404(seat.project.invitations, pk=invitation))
    return redirect("project", pk)


def join(request: HttpRequest, key: str) -> HttpResponse:
    """What an invitation's link opens: the offer, and the button that takes it."""
    invitation = services.open_invitation(key)
    request.session[INVITATION_KEY] = key
    if request.method != "POST" or not request.user.is_authenticated:
        return render(request, "projects/join.html", {"invitation": invitation})
    membership = services.accept_invitation(user=request.user, invitation=invitation)
    request.session[services.SESSION_PROJECT] = membership.project_id
    return redirect("home")


@login_required
def tokens(request: UserRequest) -> HttpResponse:
    """The person's API tokens; a new one is shown this once."""
    form, secret = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        secret = services.create_token(user=request.user, name=form.cleaned_data["name"])
        form = TokenForm()
    mine = Token.objects.filter(user=request.user)
    return render(request, "projects/tokens.html", {"form": form, "secret": secret, "tokens": mine})


@login_required
@require_POST
def revoke(request: UserRequest, key: str) -> HttpResponse:
    """Make a token useless."""
    token = get_object_or_404(Token, user=request.user, token_key=key)
    services.revoke_token(user=request.user, token=token)
    messages.success(request, _("The token “%(name)s” no longer works.") % {"name": token.name})
    return redirect("tokens")


def _people_page(request: UserRequest, seat: Membership, form: PersonForm, status: int = 200) -> HttpResponse:
    invitations = [
        (invitation, request.build_absolute_uri(reverse("join", args=[services.invitation_key(invitation)])))
        for invitation in seat.project.invitations.all()
    ]
    context = {
        "seat": seat,
        "project": seat.project,
        "people": seat.project.memberships.select_related("user").order_by("pk"),
        "invitations": invitations if seat.is_owner else [],
        "roles": Role.choices,
        "form": form,
        "audit": seat.project.audit.select_related("actor")[:AUDIT_ROWS],
    }
    return render(request, "projects/project.html", context, status=status)


def _member(seat: Membership, pk: int) -> Membership:
    return get_object_or_404(seat.project.memberships.select_related("user", "project"), pk=pk)


def _is_email(words: str) -> bool:
    try:
        validate_email(words)
    except ValidationError:
        return False
    return True
