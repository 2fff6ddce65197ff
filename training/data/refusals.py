"""Files that are refused because of what they are, each with a sentence and a next step."""

import io
import pickletools
import re
import warnings
from contextlib import suppress

from training.data.foreign import foreign_format
from training.data.sounds import is_sound
from training.data.source import Source
from training.data.text_files import is_gzip, looks_binary, unpack_head
from training.data.typed import is_picture
from training.errors import TrainingError

_PICKLE = "Such files can run any program when they are opened. Save the data as CSV or Parquet."
_MANY = 100
"""Steps of a pickle after which it is one, though its end is not seen."""
_TELLING = ("PUT", "REDUCE", "INST", "OBJ", "BUILD")
"""Steps that nearly every pickle of more than a number has."""
_OPENING = re.compile(r"\s*(?:(?:<\?.*?\?>|<!--.*?-->)\s*)*<(?:!doctype\s+)?(html|head|body|script|svg)\b", re.S | re.I)
_SINGLE = "Put the {}s into one folder per class and pack these as ZIP."


def refuse_known(source: Source) -> None:
    """Raise TrainingError where the file is of a kind that is never read."""
    head = source.head
    if foreign := foreign_format(source):
        raise TrainingError(f"{source.name} is {foreign.title}, which is not read here.", foreign.hint, code="refused")
    if is_gzip(head) and not unpack_head(head):
        raise TrainingError(
            f"{source.name} is cut off or damaged.", "Pack it anew and upload it again.", code="damaged"
        )
    unpacked = unpack_head(head)
    if is_gzip(head) and is_gzip(unpacked):
        raise TrainingError(f"{source.name} is packed twice.", "Unpack it and upload the file itself.", code="nested")
    if is_pickle(unpacked):
        raise TrainingError(f"{source.name} is a pickle.", _PICKLE, code="pickle")
    _refuse_single(source)
    _refuse_markup(source)


def _refuse_single(source: Source) -> None:
    """One picture or one sound is no data set."""
    thing = "sound" if is_sound(source.head) else "picture" if is_picture(source.head) else ""
    if thing and looks_binary(source.text):
        raise TrainingError(f"{source.name} is a single {thing}.", _SINGLE.format(thing), code="refused")


def _refuse_markup(source: Source) -> None:
    opening = _OPENING.match(source.text[:4000])
    if opening is None:
        return
    drawing = opening[1].lower() == "svg"
    title = "a drawing (SVG)" if drawing else "a web page"
    hint = "Save pictures as PNG or JPEG." if drawing else "Download the data itself instead of the page that shows it."
    raise TrainingError(f"{source.name} is {title}, whatever its name says.", hint, code="refused")


def is_pickle(head: bytes) -> bool:
    """Whether Python would unpickle this: protocols 2 to 5 say so themselves, 0 and 1 by the steps that they take."""
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return head[2:3] in b"}]c(KX\x8aJG)Nq\x95U\x8c"
    told = io.StringIO()
    with suppress(ValueError, IndexError, UnicodeDecodeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd escapes in what is no pickle at all
        pickletools.dis(head, told)  # reads the steps and what they would do to the stack, and takes none
    steps = told.getvalue()
    whole = "highest protocol" in steps or steps.count("\n") > _MANY
    return whole and any(step in steps for step in _TELLING)


def unknown_format(source: Source) -> TrainingError:
    """No reader recognises the file."""
    return TrainingError(
        f"{source.name} is in a format that is not known here.",
        "Upload a table (CSV, Excel, Parquet, JSON), a text file, or a ZIP of pictures or texts in class folders.",
        code="unknown_format",
    )
