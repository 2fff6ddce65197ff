"""What a person can mend, on the website's side."""


class UserError(Exception):
    """Something the person at the screen can mend: what happened, and what to do next."""

    status = 400

    def __init__(self, message: str, hint: str = "", *, code: str = "bad_request", status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.status = status
