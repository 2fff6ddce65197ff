"""Whether a sound can be read, within limits, and how long it is."""

import io
from collections.abc import Sequence

import polars as pl
import soundfile

from training.data.readers import SetAside

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
SOUND = pl.Struct({"bytes": pl.Binary, "path": pl.String, "seconds": pl.Float64})
MAX_SECONDS = 3600
_BLOCK = 1 << 18
_STARTS = (b"fLaC", b"OggS", b"ID3", b"FORM", b".snd")


def is_sound(data: bytes) -> bool:
    """Whether the bytes begin like WAV, FLAC, Ogg, MP3, AIFF or AU."""
    wave = data[:4] in (b"RIFF", b"RIFX", b"RF64") and data[8:12] == b"WAVE"
    mp3 = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 in (0xE2, 0xE4, 0xE6) and data[:2] != b"\xff\xff"
    return wave or mp3 or data.startswith(_STARTS)


def sound_length(data: bytes) -> tuple[float, str]:
    """Seconds, and why the sound cannot be read or ""; all of it is decoded, block by block."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            if sound.frames > MAX_SECONDS * sound.samplerate:
                return 0.0, f"longer than {MAX_SECONDS // 60} minutes"
            read = sum(len(block) for block in sound.blocks(_BLOCK, dtype="float32"))
            if read == 0:
                return 0.0, "no sound in it"
            return read / sound.samplerate, "" if read >= 0.9 * sound.frames else "a sound that is cut off"
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        return 0.0, f"not a sound: {error}"


def sound_format(data: bytes) -> tuple[int, int]:
    """Sampling rate in hertz, and channels."""
    info = soundfile.info(io.BytesIO(data))
    return info.samplerate, info.channels


def readable_sounds(data: Sequence[bytes | None], paths: Sequence[str]) -> tuple[pl.Series, list[str]]:
    """The sounds as cells with their lengths, and for each the reason why it cannot be read, or ""."""
    cells: list[dict[str, object] | None] = []
    problems = []
    for content, path in zip(data, paths, strict=True):
        seconds, problem = (0.0, "") if content is None else sound_length(content)
        cells.append(None if content is None else {"bytes": content, "path": path, "seconds": seconds})
        problems.append(problem)
    return pl.Series(cells, dtype=SOUND), problems


def keep_sounds(frame: pl.DataFrame, problems: list[str], source: str, start: int, aside: SetAside) -> pl.DataFrame:
    """The rows whose sounds can be read; the others are set aside. start: number of the frame's first row."""
    readable = pl.Series(problems, dtype=pl.String) == ""
    for row in (~readable).arg_true():
        aside.add(source, start + row + 1, problems[row], str(frame["audio"][row]["path"]))
    return frame.filter(readable)
