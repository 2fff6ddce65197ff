"""What every page knows of the person and the project."""

from typing import cast

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from webapp.projects import access


def current_project(request: HttpRequest) -> dict[str, object]:
    """`membership` (with `.project` and `.can_edit`) and `memberships` for the project switcher; all lazy."""
    if not request.user.is_authenticated:
        return {"signup_open": lambda: get_adapter(request).is_open_for_signup(request)}
    member = cast(access.UserRequest, request)
    return {
        "membership": SimpleLazyObject(lambda: access.current_project(member)),
        "memberships": access.seats(member.user),
    }
