"""What people do with projects; whatever changes who can see what leaves an audit row."""

from django.core import signing
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext as _

from webapp.core.errors import UserError
from webapp.projects.models import AuditEntry, Invitation, Membership, Project, Role, Token, User

Action = AuditEntry.Action
INVITATION_DAYS = 14
SESSION_PROJECT = "project"
"""Under this name the session keeps the project that somebody works in."""


@transaction.atomic
def create_project(*, owner: User, name: str) -> Membership:
    """Make a project with its first owner."""
    project = Project.objects.create(name=name)
    record(project=project, actor=owner, action=Action.CREATED, subject=name)
    return Membership.objects.create(project=project, user=owner, role=Role.OWNER)


@transaction.atomic
def rename_project(*, by: Membership, name: str) -> None:
    """Give the project another name."""
    _require_owner(by)
    record(project=by.project, actor=by.user, action=Action.RENAMED, subject=f"{by.project.name} → {name}")
    by.project.name = name
    by.project.save(update_fields=["name"])


def note_tried(project: Project) -> None:
    """Remember that a model of this project was tried; the first time counts."""
    if project.tried is None:
        Project.objects.filter(pk=project.pk, tried=None).update(tried=now())


def find_person(words: str) -> User | None:
    """The active account of that user name or e-mail address."""
    return User.objects.filter(Q(username__iexact=words) | Q(email__iexact=words), is_active=True).first()


@transaction.atomic
def add_member(*, by: Membership, user: User, role: str) -> Membership:
    """Give an account a seat in the project."""
    _require_owner(by)
    membership, created = Membership.objects.get_or_create(project=by.project, user=user, defaults={"role": role})
    if not created:
        raise UserError(_("%(name)s is already in this project.") % {"name": user.username})
    record(project=by.project, actor=by.user, action=Action.ADDED, subject=f"{user.username} ({role})")
    return membership


@transaction.atomic
def change_role(*, by: Membership, member: Membership, role: str) -> None:
    """Let a member do more or less."""
    _require_owner(by)
    if role != Role.OWNER:
        _require_another_owner(member)
    record(
        project=by.project,
        actor=by.user,
        action=Action.ROLE,
        subject=f"{member.user.username} ({member.role} → {role})",
    )
    member.role = role
    member.save(update_fields=["role"])


@transaction.atomic
def remove_member(*, by: Membership, member: Membership) -> None:
    """Take a member's seat; everybody may give up their own."""
    if member.pk != by.pk:
        _require_owner(by)
    _require_another_owner(member)
    record(
        project=by.project,
        actor=by.user,
        action=Action.LEFT if member.pk == by.pk else Action.REMOVED,
        subject=member.user.username,
    )
    member.delete()


@transaction.atomic
def invite(*, by: Membership, email: str, role: str) -> Invitation:
    """Keep a seat for somebody without an account."""
    _require_owner(by)
    invitation, _created = Invitation.objects.update_or_create(
        project=by.project, email=email.lower(), defaults={"role": role, "invited_by": by.user}
    )
    record(project=by.project, actor=by.user, action=Action.INVITED, subject=f"{email} ({role})")
    return invitation


@transaction.atomic
def withdraw_invitation(*, by: Membership, invitation: Invitation) -> None:
    """Make the invitation's link useless."""
    _require_owner(by)
    record(project=by.project, actor=by.user, action=Action.WITHDRAWN, subject=invitation.email)
    invitation.delete()


def invitation_key(invitation: Invitation) -> str:
    """The secret part of the invitation's link."""
    return signing.dumps(invitation.pk, salt="invitation")


def open_invitation(key: str) -> Invitation:
    """The invitation that a link leads to; raises UserError when it is withdrawn, used or too old."""
    try:
        pk = signing.loads(key, salt="invitation", max_age=INVITATION_DAYS * 86_400)
        return Invitation.objects.select_related("project", "invited_by").get(pk=pk)
    except (signing.BadSignature, ObjectDoesNotExist) as error:
        raise UserError(
            _("This invitation is no longer valid."), _("Ask for a new one."), code="invitation", status=410
        ) from error


@transaction.atomic
def accept_invitation(*, user: User, invitation: Invitation) -> Membership:
    """Take the seat; the link works once."""
    membership, created = Membership.objects.get_or_create(
        project=invitation.project, user=user, defaults={"role": invitation.role}
    )
    if created:
        record(
            project=invitation.project, actor=user, action=Action.JOINED, subject=f"{user.username} ({invitation.role})"
        )
    invitation.delete()
    return membership


def create_token(*, user: User, name: str) -> str:
    """Make an API token; the answer is the only time it can be read."""
    token, secret = Token.objects.create(user=user, name=name)
    record(project=None, actor=user, action=Action.TOKEN_MADE, subject=token.name)
    return str(secret)


def revoke_token(*, user: User, token: Token) -> None:
    """Make an API token useless."""
    record(project=None, actor=user, action=Action.TOKEN_REVOKED, subject=token.name)
    token.delete()


def record(*, project: Project | None, actor: User, action: AuditEntry.Action, subject: str) -> None:
    """Write down who changed who can see what."""
    AuditEntry.objects.create(project=project, actor=actor, action=action, subject=subject[:200])


def _require_owner(member: Membership) -> None:
    if not member.is_owner:
        raise UserError(
            _("Only owners decide who is in a project."), _("Ask one of the owners."), code="forbidden", status=403
        )


def _require_another_owner(member: Membership) -> None:
    owners = Membership.objects.filter(project=member.project_id, role=Role.OWNER)
    if member.is_owner and not owners.exclude(pk=member.pk).exists():
        raise UserError(_("A project needs an owner."), _("Make somebody else an owner first."), code="last_owner")
