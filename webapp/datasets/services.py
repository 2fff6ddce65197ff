"""What people ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from uuid import uuid4

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from training.data.starters import STARTERS, Starter
from webapp.core import apart, storage
from webapp.core.errors import UserError
from webapp.datasets import lifecycle
from webapp.datasets.jobs import import_dataset
from webapp.datasets.models import Dataset, Tag, Upload
from webapp.datasets.uploading import uploads
from webapp.datasets.uploading.limits import check_names
from webapp.projects.access import require_editor
from webapp.projects.models import Membership, Project, User

NAME_LENGTH = 120
TAG_LENGTH = 30
MOST_TAGS = 20
HUB_NAME = re.compile(r"[\w.-]{1,96}")


def receive_files(*, member: Membership, files: Sequence[UploadedFile[bytes]], name: str = "") -> Dataset:
    """Make one data set of the files that came in one request."""
    arrived = []
    for file in files:
        upload = uploads.start_upload(member=member, filename=file.name or "", size=file.size or 0, fingerprint="")
        uploads.write_whole(upload, file)
        arrived.append(upload)
    return finish_uploads(arrived, name=name)


def finish_uploads(files: Sequence[Upload], *, name: str = "", checksums: Sequence[str] = ()) -> Dataset:
    """Make one data set of complete uploads and call a worker; finishing twice gives the same data set.

    `checksums` are those of the whole files in the same order, or none.
    """
    check_names(files)
    if checksums and len(checksums) != len(files):
        raise UserError(_("A checksum is missing."), _("Send one for each file, or none."), code="no_checksum")
    return _become_dataset(files, source=uploads.store(files, checksums), name=name)


def starters() -> tuple[Starter, ...]:
    """The data sets that ship with the product, in the order in which they are offered."""
    return tuple(starter for starter in STARTERS if starter.offered)


def add_starter(*, member: Membership, key: str) -> Dataset:
    """Make a data set of one that ships with the product; its import begins at once."""
    require_editor(member)
    starter = next((known for known in STARTERS if known.key == key), None)
    if starter is None:
        raise UserError(_("There is no starter dataset of that name."), _("Choose another one."), code="no_starter")
    source = f"originals/{uuid4()}"
    with TemporaryDirectory() as folder:
        apart.run_long("training.data.starters:write_starter", key, Path(folder))
        size = (Path(folder) / starter.filename).stat().st_size
        storage.save_folder(Path(folder), source)
    return _create(
        project=member.project,
        owner=member.user,
        name=starter.title,
        about=starter.about,
        filenames=[starter.filename],
        size=size,
        source=source,
        starter=key,
    )


def add_from_hub(*, member: Membership, repository: str, subset: str = "", split: str = "") -> Dataset:
    """Make a data set of one on the Hugging Face Hub; a worker fetches it."""
    require_editor(member)
    owner, _slash, name = repository.strip().partition("/")
    if not HUB_NAME.fullmatch(owner) or not HUB_NAME.fullmatch(name):
        raise UserError(
            _("“%(name)s” is no name of a data set on the Hub.") % {"name": repository.strip()[:100]},
            _("It looks like “owner/name”; copy it from the top of the data set's page."),
            code="bad_hub",
        )
    return _create(
        project=member.project,
        owner=member.user,
        name=_good_name(name),
        about=_("From the Hugging Face Hub: %(name)s.") % {"name": f"{owner}/{name}"},
        filenames=[f"{owner}/{name}"],
        size=0,
        source=f"originals/{uuid4()}",
        hub={"repository": f"{owner}/{name}", "subset": subset.strip(), "split": split.strip()},
    )


def rename_dataset(dataset: Dataset, name: str) -> None:
    """Give the data set another name."""
    dataset.name = _good_name(name)
    dataset.save(update_fields=["name"])
    lifecycle.announce_change(dataset)


def describe_dataset(dataset: Dataset, about: str) -> None:
    """Say in a few words what the data is."""
    dataset.about = about.strip()
    dataset.save(update_fields=["about"])


@transaction.atomic
def tag_dataset(dataset: Dataset, words: Iterable[str]) -> None:
    """Replace the words by which the data set is found; case and repeats make no difference."""
    good = {" ".join(word.split()).lower()[:TAG_LENGTH] for word in words} - {""}
    if len(good) > MOST_TAGS:
        raise UserError(_("A dataset has at most %(n)d tags.") % {"n": MOST_TAGS}, _("Keep the most telling ones."))
    dataset.tags.exclude(word__in=good).delete()
    Tag.objects.bulk_create([Tag(dataset=dataset, word=word) for word in good], ignore_conflicts=True)


def archive_dataset(dataset: Dataset) -> None:
    """Put a data set out of the way; its runs, versions and addresses stay."""
    dataset.archived = dataset.archived or now()
    dataset.save(update_fields=["archived"])
    lifecycle.announce_change(dataset)


def restore_dataset(dataset: Dataset) -> None:
    """Bring an archived data set back into the list."""
    dataset.archived = None
    dataset.save(update_fields=["archived"])
    lifecycle.announce_change(dataset)


def delete_dataset(dataset: Dataset) -> None:
    """Forget a data set with its files; refused, with the reason, when a run used it."""
    try:
        Dataset.objects.filter(pk=dataset.pk).delete()
    except ProtectedError as error:
        raise in_use(error.protected_objects) from error
    storage.delete_folder(dataset.source)
    storage.delete_folder(dataset.folder)
    lifecycle.announce_change(dataset)


@transaction.atomic
def _become_dataset(files: Sequence[Upload], *, source: str, name: str) -> Dataset:
    locked = Upload.objects.select_for_update(of=("self",)).get(pk=files[0].pk)
    if locked.dataset is None:
        names = [upload.filename for upload in files]
        locked.dataset = _create(
            project=locked.project,
            owner=locked.owner,
            name=_good_name(name or _common_name(names)),
            filenames=names,
            size=sum(upload.size for upload in files),
            source=source,
        )
        Upload.objects.filter(pk__in=[upload.pk for upload in files]).update(dataset=locked.dataset)
    return locked.dataset


def _common_name(filenames: Sequence[str]) -> str:
    """What the files' names begin with, "adult" for adult_train.csv and adult_test.csv; else the first one's."""
    stems = [PurePosixPath(name).stem for name in filenames]
    words = zip(*(re.split(r"[\s_.-]+", stem) for stem in stems), strict=False)
    common = [same[0] for same in takewhile(lambda those: len(set(those)) == 1, words)]
    return " ".join(common) if len(stems) > 1 and common else stems[0]


@transaction.atomic
def _create(
    *,
    project: Project,
    owner: User,
    name: str,
    filenames: Sequence[str],
    size: int,
    source: str,
    about: str = "",
    starter: str = "",
    hub: Mapping[str, str] | None = None,
) -> Dataset:
    """Write the data set down, and call a worker once it is safely written."""
    dataset = Dataset.objects.create(
        project=project,
        owner=owner,
        name=name,
        about=about,
        filename=filenames[0],
        more_files=list(filenames[1:]),
        original_bytes=size,
        source=source,
        starter=starter,
        hub=dict(hub or {}),
    )
    transaction.on_commit(partial(_call_worker, dataset), robust=True)
    return dataset


def _call_worker(dataset: Dataset) -> None:
    """Ring the bell; when Redis is away, the periodic job rings it again."""
    lifecycle.announce_change(dataset)
    import_dataset.delay(dataset.pk)


def _good_name(words: str) -> str:
    name = " ".join(words.split())
    if not name:
        raise UserError(_("A dataset needs a name."), _("Type one."), code="no_name")
    return name[:NAME_LENGTH]


def in_use(users: Iterable[object]) -> UserError:
    """The reason why data is not deleted: the runs that used it."""
    runs = sorted({str(user) for user in users})
    names = ", ".join(f"“{name}”" for name in runs[:3])
    message = ngettext("%(n)d run used this data: %(names)s.", "%(n)d runs used this data: %(names)s.", len(runs))
    return UserError(
        message % {"n": len(runs), "names": names + ("…" if len(runs) > 3 else "")},
        _("Delete the runs first, or archive the dataset; without the data their results could not be checked."),
        code="in_use",
        status=409,
    )
