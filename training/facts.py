"""What the profile of a data set version says about the network to come: no file is read, no torch needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.architectures import Facts, Shapes
from training.data.columns import CHARACTERS_PER_TOKEN, is_media
from training.data.label_columns import count_labels
from training.data.schema import Column, Description
from training.media.sound_size import FRAMES_PER_SECOND
from training.recipes import Preset
from training.settings.presets import MANY_ROWS
from training.settings.seq2seq import PAIRED
from training.settings.texts import EACH_TOKEN
from training.spec import Split
from training.tasks import TASKS

Roles = Mapping[str, Sequence[str]]

MOST_CATEGORIES = 256
"""Values of one column that the tabular encoding tells apart; the rest share a code."""
VOCABULARY = 8_000
"""Words or word pieces that a network reading text usually knows."""
LETTERS = 40
"""Letters and digits that speech is usually written with."""
SENTENCE_CHARACTERS = 100.0
USUAL_TAGS = 9
"""Tags of sentences in which names of four kinds are marked."""


def facts_of(description: Description, *, task: str, roles: Roles, split: Split) -> Facts:
    """Rows to learn from, and what goes in and comes out."""
    columns = {column.name: column for column in description.columns}
    chosen = {role: [columns[name] for name in names if name in columns] for role, names in roles.items()}
    rows = count_rows(description, split)["train"]
    texts = chosen.get("text", []) or [*chosen.get("first", []), *chosen.get("second", [])]
    if task in ("language-modeling", "word-embeddings"):
        characters = sum(_length(column) for column in texts) * rows
        chats = any(column.type == "conversation" for column in texts)
        return Facts(rows, Shapes(outputs=0), characters, chats)  # vocabulary and context are the network's own choice
    if chosen.get("image"):
        return Facts(rows, _picture(chosen["image"][0], _outputs(task, chosen)))
    if chosen.get("sound"):
        outputs = LETTERS if task == "speech-recognition" else _outputs(task, chosen)
        return Facts(rows, _sound(chosen["sound"][0], outputs))
    if task == "preference-tuning":
        return Facts(rows, Shapes(outputs=0), sum(_length(column) for columns in chosen.values() for column in columns))
    if task in PAIRED:
        return _pairs(rows, chosen)
    if task in EACH_TOKEN:
        return _each_token(rows, chosen)
    if texts:
        characters = sum(_length(column) for column in texts)
        length = max(8, min(512, round(characters / CHARACTERS_PER_TOKEN)))
        shapes = Shapes(outputs=_outputs(task, chosen), vocabulary=VOCABULARY, length=length)
        return Facts(rows, shapes, characters)
    return _mixed(rows, description.rows, chosen.get("features", []), _outputs(task, chosen))


def recommended(description: Description, *, task: str, roles: Roles, preset: Preset = "balanced") -> str:
    """The architecture that *Simple* proposes for these columns and so many rows."""
    features = [column for column in description.columns if column.name in roles.get("features", [])]
    mixed = any(is_media(column, description.rows) for column in features)
    chats = any(column.type == "conversation" for column in description.columns if column.name in roles.get("text", []))
    chosen = TASKS[task]
    if special := (mixed and chosen.recommended_mixed) or (chats and chosen.recommended_chat):
        return special
    if description.rows < MANY_ROWS:
        return chosen.recommended
    return (preset == "thorough" and chosen.recommended_thorough) or chosen.recommended_many or chosen.recommended


def _each_token(rows: int, chosen: Mapping[str, Sequence[Column]]) -> Facts:
    """Tags for the words of sentences, or the start and end of an answer in a passage."""
    read = chosen.get("context", [])
    characters = sum(_length(column) for column in read) or SENTENCE_CHARACTERS
    outputs = 2 if read else USUAL_TAGS
    shapes = Shapes(outputs=outputs, vocabulary=VOCABULARY, length=128, per_token=True)
    return Facts(rows, shapes, characters)


def _pairs(rows: int, chosen: Mapping[str, Sequence[Column]]) -> Facts:
    """A text that is read and one that is written, as long as the longer column is on average."""
    characters = max(
        (_length(column) for columns in chosen.values() for column in columns), default=SENTENCE_CHARACTERS
    )
    length = max(8, min(512, round(characters / CHARACTERS_PER_TOKEN)))
    return Facts(rows, Shapes(outputs=VOCABULARY, length=2 * length), characters)


def count_rows(description: Description, split: Split) -> dict[str, int]:
    """About how many examples learn, choose and judge: the files' own parts where they have them."""
    given, rows = description.parts, description.rows
    if test := given.get("test") or given.get("val", 0):
        free = rows - given.get("test", 0) - given.get("val", 0)
        validation = given["val"] if given.get("test") and given.get("val") else round(free * split.validation)
    else:
        test = round(rows / split.folds if split.folds else rows * split.test)
        validation = round(rows * split.validation)
    return {"train": max(1, rows - test - validation), "val": validation or test, "test": test}


def _outputs(task: str, chosen: Mapping[str, Sequence[Column]]) -> int:
    if task.endswith("regression"):
        return 1
    if task in ("text-similarity", "text-matching"):
        return 0
    if task == "text-multilabel":
        return count_labels(chosen["target"])
    target = chosen["target"][0]
    labels = target.stats.get("labels")
    return len(labels) if isinstance(labels, list) else max(2, target.unique)


def _mixed(rows: int, all_rows: int, features: Sequence[Column], outputs: int) -> Facts:
    """A table, with what is known of its texts, pictures and sounds."""
    media = [column for column in features if is_media(column, all_rows)]
    shapes = _table([column for column in features if column not in media], outputs)
    pictures = [column for column in media if column.type == "image"]
    if pictures:
        seen = _picture(pictures[0], outputs)
        shapes = replace(seen, numbers=shapes.numbers, categories=shapes.categories, pictures=len(pictures))
    sounds = [column for column in media if column.type == "audio"]
    if sounds:
        shapes = replace(shapes, sounds=len(sounds), frames=_sound(sounds[0], outputs).width)
    texts = [column for column in media if column.type == "text"]
    if not texts:
        return Facts(rows, shapes)
    characters = max(_length(column) for column in texts)
    length = max(8, min(512, round(characters / CHARACTERS_PER_TOKEN)))
    return Facts(rows, replace(shapes, texts=len(texts), vocabulary=VOCABULARY, length=length), characters)


def _table(features: Sequence[Column], outputs: int) -> Shapes:
    numbers = [column for column in features if column.type in ("number", "date")]
    gaps = sum(column.missing > 0 for column in numbers)
    categories = tuple(min(column.unique, MOST_CATEGORIES) + 1 for column in features if column not in numbers)
    return Shapes(outputs=outputs, numbers=len(numbers) + gaps, categories=categories)


def _picture(column: Column, outputs: int) -> Shapes:
    """The pictures' commonest size, or a usual one where the profile does not say it."""
    stats = column.stats
    sizes: Any = stats.get("sizes") or [{}]
    return Shapes(
        outputs=outputs,
        channels=_number(stats.get("channels"), 3),
        height=_number(sizes[0].get("height"), 64),
        width=_number(sizes[0].get("width"), 64),
    )


def _sound(column: Column, outputs: int) -> Shapes:
    """As wide as the longest sound has frames, or a usual width where the profile does not say it."""
    seconds = column.stats.get("seconds")
    longest = seconds.get("max") if isinstance(seconds, dict) else None
    frames = FRAMES_PER_SECOND * (longest if isinstance(longest, int | float) else 2)
    return Shapes(outputs=outputs, channels=1, width=math.ceil(frames))


def _number(value: Any, usual: int) -> int:
    return int(value) if isinstance(value, int | float) else usual


def _length(column: Column) -> float:
    """Mean length of the column's texts in characters."""
    length = column.stats.get("length")
    return float(str(length.get("mean") or 100)) if isinstance(length, dict) else 100.0
