"""ZIP and tar archives, read without unpacking anything to a place that the archive chooses."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from training.data.source import Source
from training.data.text_files import unpack_head
from training.errors import TrainingError

MAX_MEMBERS = 2_000_000
MAX_UNPACKED = 50 << 30
MAX_RATIO = 100
"""Pictures hardly pack and text packs 3 to 30 times; an archive that grows more is made to fill the disk."""
RATIO_FROM = 64 << 20
"""Unpacked bytes from which the ratio is looked at: small files may pack well."""
MAX_MEMBER = 2 << 30
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt", ".npy", ".npz")
DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    NotImplementedError,  # what zipfile raises for a way of packing, or a version, that it does not know
)
"""What is raised by archives that are cut off, damaged or packed in a strange way."""
_UNREADABLE = (*DAMAGES, OSError)
_JUNK = ("thumbs.db", "desktop.ini", "license", "license.txt", "readme", "readme.md", "readme.txt")


@dataclass(frozen=True)
class Member:
    """A file inside an archive."""

    path: PurePosixPath
    size: int
    key: str
    """Its name as the archive writes it."""

    @property
    def suffix(self) -> str:
        """What the name ends in, small."""
        return self.path.suffix.lower()


def is_archive(head: bytes) -> bool:
    """Whether this is a ZIP or a tar file, packed with gzip or not."""
    return is_zip(head) or unpack_head(head)[257:262] == b"ustar"


def is_zip(head: bytes) -> bool:
    """Whether this is a ZIP file, be it empty."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def list_members(source: Source, largest: int = MAX_MEMBER) -> list[Member]:
    """The files in the archive; raises TrainingError where it is hostile, locked or damaged.

    largest: bytes of one file. Data is read into memory file by file; weights are copied to the disk.
    """
    try:
        members = _list_zip(source) if is_zip(source.head) else _list_tar(source)
    except _UNREADABLE as error:
        raise _damaged(source) from error
    _refuse_bomb(source, members)
    _refuse_repeats(source, members)
    members = [member for member in members if not _is_junk(member)]
    for member in members:
        _refuse_content(source, member, largest)
    if not members:
        raise TrainingError(f"{source.name} has no files in it.", "Pack the folders with the files.", code="empty")
    return members


def read_members(source: Source, members: list[Member]) -> Iterator[tuple[Member, bytes | None]]:
    """The bytes of each file in the order of the archive; None where a file is damaged."""
    wanted = {member.key: member for member in members}
    if is_zip(source.head):
        with zipfile.ZipFile(source.path) as archive:
            for member in members:
                yield member, _read_zip(archive, member)
        return
    try:
        with tarfile.open(source.path, "r|*") as stream:
            for entry in stream:
                if entry.name in wanted and entry.isfile() and (file := stream.extractfile(entry)):
                    yield wanted[entry.name], file.read()
    except _UNREADABLE as error:
        raise _damaged(source) from error


def _read_zip(archive: zipfile.ZipFile, member: Member) -> bytes | None:
    try:
        return archive.read(member.key)
    except _UNREADABLE:
        return None


def _list_zip(source: Source) -> list[Member]:
    with zipfile.ZipFile(source.path) as archive:
        entries = archive.infolist()
    members = []
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise _refused(source, "is locked with a password", "Pack the files again without one.", "encrypted")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _refused(source, f"contains a link ({entry.filename})", "Pack the files themselves.", "link")
        if not entry.is_dir():
            members.append(_member(source, entry.filename, entry.file_size))
    return members


def _list_tar(source: Source) -> list[Member]:
    members: list[Member] = []
    unpacked = 0
    limit = max(RATIO_FROM, MAX_RATIO * source.path.stat().st_size)
    with tarfile.open(source.path, "r|*") as stream:
        for entry in stream:
            unpacked += entry.size
            if unpacked > min(limit, MAX_UNPACKED) or len(members) > MAX_MEMBERS:
                raise _bomb(source)
            if entry.issym() or entry.islnk():
                raise _refused(source, f"contains a link ({entry.name})", "Pack the files themselves.", "link")
            if entry.isfile():
                members.append(_member(source, entry.name, entry.size))
            elif not entry.isdir():
                raise _refused(source, f"contains a device ({entry.name})", "Pack files only.", "link")
    return members


def _member(source: Source, name: str, size: int) -> Member:
    path = PurePosixPath(name.replace("\\", "/").removeprefix("./"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise _refused(source, f"contains a path out of itself ({name})", "Pack the folder again.", "path")
    return Member(path, size, name)


def _is_junk(member: Member) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in member.path.parts)
    return hidden or (member.path.name.lower() in _JUNK and len(member.path.parts) <= 2)


def _refuse_content(source: Source, member: Member, largest: int) -> None:
    name = member.path.name.lower()
    if member.suffix in _PICKLES:
        hint = "Such files can run any program when they are opened. Save the data as CSV, Parquet or pictures."
        raise _refused(source, f"contains {member.path}", hint, "pickle")
    if name.endswith(_ARCHIVES) and not Path(name.removesuffix(".gz")).suffix == ".csv":
        raise _refused(
            source, f"contains another archive ({member.path})", "Unpack it and pack all files as one ZIP.", "nested"
        )
    if member.size > largest:
        size = f"{member.size >> 20} MB"
        raise _refused(source, f"contains a file of {size} ({member.path})", "Upload it alone.", "large")


def _refuse_repeats(source: Source, members: list[Member]) -> None:
    """Of two files with one name only one could be read."""
    name, count = Counter(member.key for member in members).most_common(1)[0] if members else ("", 0)
    if count > 1:
        raise _refused(source, f"contains {name} {count} times", "Pack the folder again.", "repeated")


def _refuse_bomb(source: Source, members: list[Member]) -> None:
    unpacked = sum(member.size for member in members)
    grown = unpacked > RATIO_FROM and unpacked > MAX_RATIO * source.path.stat().st_size
    if grown or unpacked > MAX_UNPACKED or len(members) > MAX_MEMBERS:
        raise _bomb(source)


def _bomb(source: Source) -> TrainingError:
    return _refused(source, "unpacks to far more than real files do", "Pack fewer files together.", "bomb")


def _refused(source: Source, what: str, hint: str, code: str) -> TrainingError:
    return TrainingError(f"{source.name} {what}, so it was not read.", hint, code=code)


def _damaged(source: Source) -> TrainingError:
    return TrainingError(
        f"{source.name} is cut off or damaged, so it cannot be unpacked.", "Pack it anew and upload it again."
    )
