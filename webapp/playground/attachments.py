"""Files that somebody tries a model with: in storage for an hour, on the worker as a path."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import UploadedFile

from webapp.core.errors import UserError

MOST_BYTES = 20 * 2**20
FOLDER = "tryouts"


def keep(file: UploadedFile[bytes]) -> dict[str, str]:
    """Store what came with a question; the answer stands in for it among the inputs."""
    if file.size is None or file.size > MOST_BYTES:
        raise UserError("The file is larger than 20 MB.", "Send a smaller one.", code="too_large", status=413)
    return {"file": default_storage.save(f"{FOLDER}/{uuid.uuid4().hex}", file)}


def local_path(name: str) -> str:
    """Where this machine can read the file."""
    if not name.startswith(f"{FOLDER}/"):
        raise UserError("This is not a file that was sent along.", "Send the file itself.", code="bad_input")
    if isinstance(default_storage, FileSystemStorage):
        return default_storage.path(name)
    target = Path(tempfile.gettempdir(), "touchstone-" + name.replace("/", "-"))
    if not target.exists():
        with default_storage.open(name) as source:
            target.write_bytes(source.read())
    return str(target)


def forget(inputs: list[dict[str, object]]) -> None:
    """Delete the files of a question that was answered."""
    for given in inputs:
        for value in given.values():
            if isinstance(value, dict) and "file" in value:
                default_storage.delete(str(value["file"]))
