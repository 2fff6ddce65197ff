"""What a person can mend."""


class TrainingError(Exception):
    """Something went wrong that the person at the screen can mend: what happened, and what to do next."""

    def __init__(self, message: str, hint: str = "", *, code: str = "training_error") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
