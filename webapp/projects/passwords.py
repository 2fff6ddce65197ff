"""Which passwords may be chosen."""

from django.contrib.auth.password_validation import CommonPasswordValidator

from webapp.projects.models import User


class RarePasswordValidator(CommonPasswordValidator):
    """Django's check against common passwords; its 20,000 words are read when somebody chooses one, and let go."""

    def __init__(self) -> None:
        """Read nothing yet."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError if the password is a common one."""
        CommonPasswordValidator().validate(password, user)
