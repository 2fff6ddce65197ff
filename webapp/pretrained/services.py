"""What people do with models of their own: bring one, forget one, start from one."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.utils.text import slugify

from training.architectures import Architecture
from training.pretrained.own_models import unpack_model
from training.pretrained.packaged import OWN, measure, own_folder, read_config, sources
from webapp.core import storage
from webapp.core.errors import UserError
from webapp.datasets.uploading.quota import check_quota
from webapp.pretrained.models import OwnModel
from webapp.projects.access import require_editor
from webapp.projects.models import Membership, Project


def add_model(*, member: Membership, file: UploadedFile[bytes], name: str = "") -> OwnModel:
    """Unpack an uploaded ZIP and write the model down; raises TrainingError if it cannot be used here."""
    require_editor(member)
    check_quota(member.project, file.size or 0)
    filename = file.name or "model.zip"
    called = name.strip()[:120] or Path(filename).stem
    key = f"{slugify(called)[:60] or 'model'}-{secrets.token_hex(8)}"
    folder = own_folder(key)
    with _on_disk(file) as path:
        kind = unpack_model(path, filename, folder)
    model = OwnModel(project=member.project, owner=member.user, name=called, key=key, kind=kind)
    size, config = measure(model.source), read_config(model.source)
    assert size is not None
    model.parameters, model.model_type = size.parameters, str(config["model_type"])[:60]
    model.bytes = sum(path.stat().st_size for path in folder.iterdir())
    try:
        check_quota(member.project, model.bytes)  # it may unpack to more than was sent
    except UserError:
        shutil.rmtree(folder)
        raise
    if storage.is_shared():
        storage.save_folder(folder, _stored(key))
    model.save()
    return model


def bring_here(source: object) -> None:
    """Fetch a model that settings name onto this machine; nothing happens if it is here, or is none of a project."""
    key = str(source or "").removeprefix(OWN)
    if not str(source).startswith(OWN) or not storage.is_shared() or own_folder(key).exists():
        return
    with suppress(FileNotFoundError):  # it was deleted, as the engine will say
        stored = storage.local_folder(_stored(key))
        fresh = shutil.copytree(stored, own_folder(f"{key}.{secrets.token_hex(4)}"))
        fresh.rename(own_folder(key))


def delete_model(model: OwnModel) -> None:
    """Forget it; runs that learnt from it whole keep their figures but no longer answer."""
    model.delete()
    shutil.rmtree(model.folder, ignore_errors=True)
    if storage.is_shared():
        storage.delete_folder(_stored(model.key))


def models_for(architecture: type[Architecture], project: Project) -> list[tuple[str, str]]:
    """What an architecture with pretrained weights may start from here, as (source, title): packaged, then own."""
    packaged = [(model.source, model.title) for kind in architecture.starts_from for model in sources(kind)]
    own = OwnModel.objects.filter(project=project, kind__in=architecture.starts_from)
    return packaged + [(model.source, model.name) for model in own]


def _stored(key: str) -> str:
    """Where storage keeps it for other machines."""
    return f"own-models/{key}"


@contextmanager
def _on_disk(file: UploadedFile[bytes]) -> Iterator[Path]:
    """The upload as a file, where zipfile can move about in it; Django keeps only large ones on disk."""
    if isinstance(file, TemporaryUploadedFile):
        yield Path(file.temporary_file_path())
        return
    with NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".zip") as kept:
        kept.write(file.read())
        kept.flush()
        yield Path(kept.name)
