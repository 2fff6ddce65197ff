"""Who may make an account."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from webapp.core.errors import UserError
from webapp.projects.services import open_invitation

INVITATION_KEY = "invitation"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is closed unless the administrator opens it or an invitation was followed."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Called by allauth before the sign-up page."""
        return settings.ACCOUNT_SIGNUP_OPEN or _is_invited(request)


def _is_invited(request: HttpRequest) -> bool:
    try:
        open_invitation(request.session.get(INVITATION_KEY, ""))
    except UserError:
        return False
    return True
