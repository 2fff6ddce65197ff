"""What texts that stand side by side are for, which their names and lengths tell: translations, summaries, votes."""

import re
from collections.abc import Iterable

from training.data.columns import text_length, words_of
from training.data.roles import roles_for
from training.data.schema import Column, Description, Proposal
from training.tasks import ColumnType

_LANGUAGE = re.compile(r"[a-z]{2,3}([_-][a-z]{2,4})?|source|target|src|tgt|input|output|original|translation")
_SUMMARIES = frozenset("summary summaries abstract headline title highlights tldr gist".split())  # noqa: SIM905
_ALIKE = frozenset("alike similarity similar relatedness".split())  # noqa: SIM905
_SPOKEN = frozenset("transcript transcription sentence text words utterance".split())  # noqa: SIM905
_NUMBERED = re.compile(r"[\W_]*[12ab]$", re.IGNORECASE)
"""What tells the names of a pair apart: sentence1 and sentence2, text_a and text_b."""
_WRITTEN: tuple[ColumnType, ...] = ("text", "category", "conversation")
_SHORTER = 2.5
"""A text so many times as long as the one beside it is summed up by it, rather than said in other words."""


def propose_votes(description: Description) -> list[Proposal]:
    """Questions with a chosen and a rejected answer, as those who collect votes name them."""
    columns = {column.name.lower(): column for column in description.columns if column.type in _WRITTEN}
    asked = next((columns[name] for name in ("prompt", "question", "instruction", "input") if name in columns), None)
    if asked is None or not {"chosen", "rejected"} <= columns.keys():
        return []
    chosen, rejected = columns["chosen"].name, columns["rejected"].name
    roles = {"prompt": [asked.name], "chosen": [chosen], "rejected": [rejected]}
    reason = f"“{chosen}” is a better answer than “{rejected}”: a chat model can learn to give such answers."
    return [Proposal(task="preference-tuning", roles=roles, state="good", reason=reason)]


def propose_speech(description: Description) -> list[Proposal]:
    """Sounds with what is said in them; to be checked where the name of the column does not say so."""
    texts = _of_types(description, ["text"])
    named = [column for column in texts if _SPOKEN & set(words_of(column.name))]
    if not named and len(texts) != 1:
        return []
    said = (named or texts)[0].name
    roles = roles_for(description, "speech-recognition") | {"target": [said]}
    reason = f"“{said}” says what is heard: a model can learn to write it down."
    return [Proposal(task="speech-recognition", roles=roles, state="good" if named else "check", reason=reason)]


def propose_pairs(description: Description) -> list[Proposal]:
    """Two texts and nothing else: a summary, a translation, or texts that belong together; or a number beside them."""
    if alike := _propose_similarity(description):
        return alike
    if len(description.columns) != 2 or any(column.type != "text" for column in description.columns):
        return []
    return _propose_summary(description) or _propose_translation(description)


def _propose_summary(description: Description) -> list[Proposal]:
    short, long = sorted(description.columns, key=text_length)
    if not _SUMMARIES & set(words_of(short.name)) or text_length(long) < _SHORTER * text_length(short):
        return []
    roles = {"source": [long.name], "target": [short.name]}
    reason = f"“{short.name}” says “{long.name}” in fewer words: a model can learn to sum up."
    return [Proposal(task="summarization", roles=roles, state="good", reason=reason)]


def _propose_similarity(description: Description) -> list[Proposal]:
    texts, numbers = _of_types(description, ("text", "category")), _of_types(description, ["number"])
    if (len(texts), len(numbers), len(description.columns)) != (2, 1, 3):
        return []
    pair = {_NUMBERED.sub("", column.name) for column in texts}
    if len(pair) == 2 and not _ALIKE & set(words_of(numbers[0].name)):
        return []
    roles = {"target": [numbers[0].name], "first": [texts[0].name], "second": [texts[1].name]}
    reason = f"“{numbers[0].name}” says how alike {_quoted(texts)} are: a model can learn to tell it of other texts."
    return [Proposal(task="text-similarity", roles=roles, state="good", reason=reason)]


def _propose_translation(description: Description) -> list[Proposal]:
    """Two texts of like length, or whose names are those of languages."""
    columns = description.columns
    lengths = sorted(text_length(column) for column in columns)
    named = [bool(_LANGUAGE.fullmatch(column.name.lower())) for column in columns]
    if not all(named) and (lengths[0] < 8 or lengths[1] > _SHORTER * lengths[0]):
        return []
    translation = Proposal(
        task="translation",
        roles=roles_for(description, "translation"),
        state="good" if all(named) else "check",
        reason=f"{_quoted(columns)} say the same: a model can learn to turn one into the other.",
    )
    if not _in_one_language(columns):
        return [translation]
    matching = Proposal(
        task="text-matching",
        roles=roles_for(description, "text-matching"),
        state="check",
        reason=f"{_quoted(columns)} are in one language: "
        "a model can learn which text of one belongs to a text of the other.",
    )
    return [translation, matching] if all(named) else [matching, translation]


def _in_one_language(columns: list[Column]) -> bool:
    """Whether most texts of each column that say their language say the same one."""
    found = [column.stats.get("languages") for column in columns]
    commonest = [entries[0]["value"] for entries in found if isinstance(entries, list) and isinstance(entries[0], dict)]
    return len(commonest) == len(columns) and len(set(map(str, commonest))) == 1


def _of_types(description: Description, types: Iterable[ColumnType]) -> list[Column]:
    return [column for column in description.columns if column.type in types]


def _quoted(columns: list[Column]) -> str:
    return ", ".join(f"“{column.name}”" for column in columns)
