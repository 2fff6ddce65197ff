"""API tokens: `Authorization: Bearer <token>`."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils.timezone import now
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from knox.auth import TokenAuthentication

from webapp.projects.models import Token, User


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """Knows a person by the token in the header, and notes when it was last used."""

    def validate_user(self, auth_token: Token) -> tuple[User, Token]:
        """Called once the token is found to be right."""
        user, token = super().validate_user(auth_token)
        _note_use(token)
        return user, token


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells the OpenAPI page how to send a token."""

    target_class = BearerAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme's entry in the schema."""
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Bearer")


def _note_use(token: Token) -> None:
    """At most one write a minute, so that a busy program costs nothing."""
    stale = Q(last_used=None) | Q(last_used__lt=now() - timedelta(minutes=1))
    Token.objects.filter(stale, pk=token.pk).update(last_used=now())
