"""Texts to numbers and back: tokenizers learnt from the training texts, kept as Hugging Face tokenizer files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from training.errors import TrainingError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Vocabulary: TypeAlias = Literal["words", "characters", "byte-pairs"]

PAD = "<|pad|>"
UNKNOWN = "<|unknown|>"
END = "<|end|>"
"""Closes a document."""
TURN = "<|im_start|>"
TURN_END = "<|im_end|>"
"""Open and close what one speaker says, as in ChatML."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHUNK_CHARACTERS = 20_000
LONGEST_CHUNK = 200_000
"""Characters after which a text without ends of lines is cut at a space."""
PORTION_CHARACTERS = 1_000_000
"""Characters whose tokens are made at a time: what a tokenizer tells of each token takes much memory."""
TOKENIZER_FILE = "tokenizer.json"


def build_words(texts: Iterable[str], size: int, *, least: int = 1, lowercase: bool = True) -> PreTrainedTokenizerFast:
    """Learn the `size` commonest words that occur at least `least` times; Chinese counts character by character.

    Spaces are not kept, so it is for reading, not for writing.
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=least, special_tokens=[PAD, UNKNOWN], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _wrap(tokenizer, pad_token=PAD, unk_token=UNKNOWN)


def build_characters(texts: Iterable[str], size: int = 5_000, *, chat: bool = False) -> PreTrainedTokenizerFast:
    """Learn the `size` commonest characters; every other one is read as unknown. `chat` adds the marks of turns."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    common = sorted(character for character, _ in counts.most_common(size))
    ids = {piece: index for index, piece in enumerate([UNKNOWN, *_marks(chat), *common])}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.add_special_tokens([UNKNOWN, *_marks(chat)])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return _wrap(tokenizer, unk_token=UNKNOWN, **_roles(chat))


def build_byte_pairs(texts: Iterable[str], size: int, *, chat: bool = False) -> PreTrainedTokenizerFast:
    """Learn `size` pieces by joining what often stands together, from bytes upwards, so that nothing is unknown.

    Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016, arXiv:1508.07909
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=_marks(chat),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_chunks(texts), trainer)
    return _wrap(tokenizer, **_roles(chat))


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Read the tokenizer files of a model folder or of any Hugging Face folder; runs no code from it."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if (folder / "tokenizer_config.json").exists():
        loaded = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        if not isinstance(loaded, PreTrainedTokenizerFast):
            raise TrainingError(
                f"The tokenizer of {folder.name} is of an old kind, without tokenizer.json.",
                "Choose a model that has this file.",
                code="old_tokenizer",
            )
        return loaded
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / TOKENIZER_FILE))


def encode(tokenizer: PreTrainedTokenizerFast, text: str) -> NDArray[np.int32]:
    """The token ids of one long text, without marks at its ends; cut at line ends to use every core."""
    encodings = tokenizer.backend_tokenizer.encode_batch_fast(list(_chunks([text])), add_special_tokens=False)
    return np.concatenate([np.array(part.ids, dtype=np.int32) for part in encodings] or [np.empty(0, np.int32)])


def encode_stream(
    tokenizer: PreTrainedTokenizerFast, pieces: Iterable[str], *, closed: bool = False
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """The token ids of one long text that comes in pieces, some at a time, and the characters where they start.

    `closed` says that every piece ends with a mark that no token reaches across.
    """
    before = 0
    for some in portions(_rechunked(pieces, closed=closed)):
        encodings = tokenizer.backend_tokenizer.encode_batch(some, add_special_tokens=False)
        starts = []
        for chunk, part in zip(some, encodings, strict=True):
            starts.append(np.array([start for start, _ in part.offsets], dtype=np.int64) + before)
            before += len(chunk)
        yield np.concatenate([np.array(part.ids, dtype=np.int32) for part in encodings]), np.concatenate(starts)


def portions(texts: Iterable[str]) -> Iterator[list[str]]:
    """The same texts, so many at a time that memory stays small."""
    portion: list[str] = []
    size = 0
    for text in texts:
        portion.append(text)
        size += len(text) + 1
        if size >= PORTION_CHARACTERS:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def encode_each(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], length: int, *, marks: bool = True
) -> list[NDArray[np.int32]]:
    """The token ids of each text, the first `length` of them; `marks` adds what the tokenizer puts at the ends."""
    backend = tokenizer.backend_tokenizer
    backend.enable_truncation(length)
    encodings = backend.encode_batch_fast(list(texts), add_special_tokens=marks)
    backend.no_truncation()
    return [np.array(part.ids, dtype=np.int32) for part in encodings]


def _chunks(texts: Iterable[str]) -> Iterable[str]:
    """The same characters in pieces of moderate length, each ending with a line, or a word where lines are endless."""
    for text in texts:
        start = 0
        while start < len(text):
            end = _chunk_end(text, start) or len(text)
            yield text[start:end]
            start = end


def _rechunked(pieces: Iterable[str], *, closed: bool) -> Iterator[str]:
    """The chunks of all pieces joined, without joining them; `closed` pieces may end a chunk too."""
    held = ""
    for piece in pieces:
        held += piece
        start = 0
        while end := _chunk_end(held, start):
            yield held[start:end]
            start = end
        held = held[start:]
        if closed and len(held) >= CHUNK_CHARACTERS:
            yield held
            held = ""
    if held:
        yield held


def _chunk_end(text: str, start: int) -> int:
    """Where the chunk from `start` on ends; 0 where more of the text is needed to tell."""
    least, most = start + CHUNK_CHARACTERS, start + LONGEST_CHUNK
    if end := text.find("\n", least, most) + 1:
        return end
    if len(text) < most:
        return 0
    space = text.rfind(" ", least, most)
    return space if space > 0 else most


def _marks(chat: bool) -> list[str]:
    return [END, TURN, TURN_END] if chat else [END]


def _roles(chat: bool) -> dict[str, str]:
    return {"eos_token": TURN_END, "chat_template": CHAT_TEMPLATE} if chat else {"eos_token": END}


def _wrap(tokenizer: Tokenizer, **special: str) -> PreTrainedTokenizerFast:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special)
