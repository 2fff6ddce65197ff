"""What a column can be for, judged by its name, type, place and figures. No polars: the website asks it too."""

import re

from training.data.schema import Column, Description
from training.data.source import named_part

CHARACTERS_PER_TOKEN = 4.0
"""About how many characters a tokenizer puts into one piece, where words are spaced."""
CODES = 100
"""A column of whole numbers with at most so many different ones may hold codes of classes."""
MOSTLY_EMPTY = 0.6
"""Share of missing cells from which a column is left out."""
SURE = 8.0
"""A score from which a column is the target without asking."""
_FEW_CODES = 10
_RESULTS = {
    10.0: "target label labels class y survived species outcome churn churned diagnosis fraud spam price value "
    "bought purchased subscribed clicked converted exited attrition readmitted cancelled canceled",
    9.0: "income sentiment category saleprice medv quality default variety digit topic",
    7.0: "rating score cost salary revenue result mpg grade intent stars approved status",
}
"""Names that people give to what they want to know, by how telling they are."""
_RESULT_SCORES = {word: score for score, words in _RESULTS.items() for word in words.split()}
_IDS = frozenset("id ids uuid guid index idx key rowid unnamed serial".split())  # noqa: SIM905
_TEXT_NAMES = frozenset("text review message sentence comment content body tweet question document".split())  # noqa: SIM905


def can_be_classes(column: Column) -> bool:
    """Whether the values can be the classes of a classification."""
    if column.type in ("category", "boolean"):
        return column.unique >= 2
    return column.type == "number" and 2 <= column.unique <= CODES and bool(column.stats.get("integer"))


def can_be_target(column: Column, rows: int, *, classes: bool) -> bool:
    """Whether the column can be predicted as a class, or as a number."""
    possible = can_be_classes(column) if classes else column.type == "number" and column.unique > 1
    return possible and not is_identifier(column, rows)


def says_parts(column: Column) -> bool:
    """Whether every value is a word for a part of the data, such as "train" and "dev", and some rows are held out."""
    top = column.stats.get("top")
    words = (
        [named_part(str(entry["value"])) for entry in top if isinstance(entry, dict)] if isinstance(top, list) else []
    )
    return len(words) == column.unique and None not in words and bool({"test", "val"} & set(words))


def has_few_codes(column: Column) -> bool:
    """Whether a column of numbers rather holds classes, such as 0 and 1."""
    return column.unique <= (_FEW_CODES if column.stats.get("integer") else 2)


def can_be_feature(column: Column, rows: int) -> bool:
    """Whether something general can be learnt from the column."""
    if column.type not in ("number", "boolean", "category", "date") or says_parts(column):
        return False
    return column.unique > 1 and column.missing <= MOSTLY_EMPTY * rows and not is_identifier(column, rows)


def is_identifier(column: Column, rows: int) -> bool:
    """Whether the cells only tell the rows apart."""
    present = rows - column.missing
    if column.type == "text":
        return not is_long_text(column) and present > 1 and column.unique >= 0.7 * present
    if column.type != "number" or column.unique < rows or rows < 2 or not column.stats.get("integer"):
        return False
    named = bool(_IDS & set(words_of(column.name)))
    counted = rows >= 50 and _figure(column, "max") - _figure(column, "min") == rows - 1
    return named or counted


def is_media(column: Column, rows: int) -> bool:
    """Whether a network for texts, pictures or sounds reads this column of a table; names and codes are categories."""
    if column.type != "text":
        return column.type in ("image", "audio")
    length = column.stats.get("length")
    words = float(str(length.get("words", 1))) if isinstance(length, dict) else 1.0
    return is_long_text(column) or (words >= 3 and column.unique > 0.5 * (rows - column.missing))


def is_long_text(column: Column) -> bool:
    """Whether the cells are sentences that a model of language can read."""
    length = column.stats.get("length")
    if column.type != "text" or not isinstance(length, dict):
        return False
    mean, words = text_length(column), max(float(str(length.get("words", 1))), 1.0)
    if mean > 8 * words:  # written without spaces between words, unless these are codes
        return mean >= 12 and float(str(length.get("dense", 1))) > 0.5
    return mean >= 35 or (words >= 3 and bool(_TEXT_NAMES & set(words_of(column.name))))


def text_length(column: Column) -> float:
    """Mean characters of a cell."""
    length = column.stats.get("length")
    return float(str(length["mean"])) if isinstance(length, dict) else 0.0


def result_score(column: Column, description: Description, *, classes: bool) -> float:
    """How much the column looks like the one to predict: by its name, then its place, then its kind."""
    position, count = [other.name for other in description.columns].index(column.name), len(description.columns)
    place = 3.0 if position == count - 1 else 1.0 if position == 0 else position / count
    kind = 1.5 if classes and (column.type != "number" or column.unique <= 2) else 0.5
    if classes and column.type == "category" and description.kind in ("images", "audio"):
        kind += 3.0  # beside pictures and sounds numbers are measures rather than classes
    return name_score(column.name) + place + kind - (2.0 if classes and column.unique > 50 else 0.0)


def name_score(name: str) -> float:
    """How much a name says that the column is a result: 10 for "label", 0 for "age"."""
    words = words_of(name)
    if not words:
        return 0.0
    flag = 5.0 if words[0] == "is" else 0.0
    return max(_RESULT_SCORES.get("".join(words), 0.0), 0.7 * _RESULT_SCORES.get(words[-1], 0.0), flag)


def words_of(name: str) -> list[str]:
    """Small words: "PassengerId" -> passenger, id; "median_house_value" -> median, house, value."""
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return [word for word in re.split(r"[\W_]+", split.lower()) if word]


def _figure(column: Column, key: str) -> float:
    return float(str(column.stats.get(key, 0)))
