"""What a person can mend, on the website's side, and how our own mistakes are written down."""

import logging
import secrets

logger = logging.getLogger(__name__)


class UserError(Exception):
    """Something the person at the screen can mend: what happened, and what to do next."""

    status = 400

    def __init__(self, message: str, hint: str = "", *, code: str = "bad_request", status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.status = status


def error_body(code: str, message: str, hint: str = "") -> dict[str, dict[str, str]]:
    """The one shape in which the API says no."""
    return {"error": {"code": code, "message": message, "hint": hint}}


def log_bug(where: str) -> str:
    """Log the exception being handled under a new id, which the person is shown."""
    number = secrets.token_hex(4)
    logger.exception("Bug %s at %s", number, where)
    return number
