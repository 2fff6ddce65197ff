"""In which languages texts are written: by their script, and by small words that each language has to itself."""

import re
from collections import Counter
from collections.abc import Iterable

_SCRIPTS = {
    "ja": "\u3041-\u30ff",
    "ko": "\uac00-\ud7af\u1100-\u11ff",
    "zh": "\u3400-\u9fff",
    "ar": "\u0600-\u06ff",
    "he": "\u0590-\u05ff",
    "el": "\u0370-\u03ff",
    "hi": "\u0900-\u097f",
    "th": "\u0e00-\u0e7f",
    "ru": "\u0400-\u04ff",
}
"""The commonest language of a script; Japanese stands before Chinese because it has Han characters too."""
_SMALL_WORDS = {
    "en": "the and of to is was that it for with you this are not have but they what from were be as on",
    "de": "der die das und ist nicht ein eine ich zu mit den von sich auf für dem es wir sie auch war im",
    "fr": "le les des est une et dans pour que qui pas sur avec vous je ne ce il au du cette sont mais",
    "es": "el los las que y una por con para es se del como pero más lo su al está muy fue porque",
    "it": "il che di è un una per non con sono gli della più ma anche del questo si nel alla come lo",
    "pt": "o os que não uma um com para é do da em mais como se por mas dos foi muito são você ao",
    "nl": "de het een en van is dat niet ik je op te met zijn voor er maar ook hij wij naar was aan",
    "pl": "nie się na jest to że do jak ale za po co tak przez tylko już był od czy dla są ten",
    "sv": "och att det som är en på för med jag inte har av den till ett om var men vi så från",
    "tr": "bir ve bu için çok ile da de ne ama gibi daha var en olarak ben kadar sonra değil mi",
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_LETTERS = {language: re.compile(f"[{pattern}]") for language, pattern in _SCRIPTS.items()}
_WORD = re.compile(r"[^\W\d_]+")
_READ = 400
"""Characters of a text that are looked at."""
_SHARE = 0.3
"""Share of a text's letters from which it is in a script."""
_FEWEST = 2
"""Small words that a text must have."""


def count_languages(texts: Iterable[str]) -> dict[str, int]:
    """Texts by ISO 639-1 code, the commonest first; texts that do not say are left out."""
    return dict(Counter(filter(None, map(language_of, texts))).most_common())


def language_of(text: str) -> str:
    """The ISO 639-1 code of the language, or "" where the text is too short or of none that is known."""
    text = text[:_READ].lower()
    letters = sum(map(len, _WORD.findall(text)))
    for language, pattern in _LETTERS.items():
        if len(pattern.findall(text)) > _SHARE * max(letters, 1) * (0.3 if language == "ja" else 1):
            return language
    words = _WORD.findall(text)
    scores = {language: sum(word in small for word in words) for language, small in _WORDS.items()}
    best, second = sorted(scores, key=lambda language: -scores[language])[:2]
    return best if scores[best] >= _FEWEST and scores[best] > scores[second] else ""
