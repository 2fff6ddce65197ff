"""Whether a sound can be read, within limits, and how long it is."""

import io

import polars as pl
import soundfile

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
SOUND = pl.Struct({"bytes": pl.Binary, "path": pl.String, "seconds": pl.Float64})
MAX_SECONDS = 3600
_BLOCK = 1 << 18
_UNKNOWN = 0x7FFF0000
"""Programs that write WAV in a stream put a size like this, or a larger one, into its head."""
_STARTS = (b"fLaC", b"OggS", b"ID3", b"FORM", b".snd")


def is_sound(data: bytes) -> bool:
    """Whether the bytes begin like WAV, FLAC, Ogg, MP3, AIFF or AU."""
    wave = data[:4] in (b"RIFF", b"RIFX", b"RF64") and data[8:12] == b"WAVE"
    mp3 = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 in (0xE2, 0xE4, 0xE6) and data[:2] != b"\xff\xff"
    return wave or mp3 or data.startswith(_STARTS)


def sound_length(data: bytes) -> tuple[float, str]:
    """Seconds, and why the sound cannot be read or ""; all of it is decoded, block by block."""
    claimed = int.from_bytes(data[4:8], "little") if data[:4] == b"RIFF" else 0
    if len(data) < claimed < _UNKNOWN:
        return 0.0, "a sound that is cut off"
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            if sound.frames > MAX_SECONDS * sound.samplerate:
                return 0.0, f"longer than {MAX_SECONDS // 60} minutes"
            read = sum(len(block) for block in sound.blocks(_BLOCK, dtype="float32"))
            if read == 0:
                return 0.0, "no sound in it"
            is_whole = read >= 0.9 * sound.frames or claimed >= _UNKNOWN
            return read / sound.samplerate, "" if is_whole else "a sound that is cut off"
    except soundfile.LibsndfileError as error:
        return 0.0, f"not a sound: {error.error_string.rstrip('.')}"
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        return 0.0, f"not a sound: {error}"


def sound_format(data: bytes) -> tuple[int, int]:
    """Sampling rate in hertz, and channels."""
    info = soundfile.info(io.BytesIO(data))
    return info.samplerate, info.channels
