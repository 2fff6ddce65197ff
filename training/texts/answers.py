"""Answers in the words of a text: how right they are, by the rules of SQuAD."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

from training.measures import Floats
from training.resampling import Measure, weighted_mean
from training.texts.grams import CJK

NONE = ""
"""The answer that says there is no answer."""
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "，。、！？；：“”‘’（）《》")
_WORD = re.compile(rf"[{CJK}]|[^\s{CJK}]+")
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]?")
_NAME = re.compile(r"(?:[A-Z][\w’'-]*|\d[\d.,]*)(?:\s+(?:[A-Z][\w’'-]*|\d[\d.,]*))*")


def plain_words(answer: str) -> list[str]:
    """The words that count: lower case, without marks and articles; characters of scripts without spaces one by one."""
    return _WORD.findall(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)))


def exact_match(said: str, right: Sequence[str]) -> float:
    """1 if the answer is one of the right ones, else 0; without a right one, saying none is right."""
    return float(any(plain_words(said) == plain_words(one) for one in right or [NONE]))


def answer_f1(said: str, right: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of the words, against the right answer that agrees most.

    Rajpurkar et al., "SQuAD: 100,000+ questions for machine comprehension of text", 2016; "Know what you don't know",
    2018, for questions without an answer.
    """
    return max(_overlap(plain_words(said), plain_words(one)) for one in right or [NONE])


def _overlap(said: list[str], right: list[str]) -> float:
    if not said or not right:
        return float(said == right)
    same = sum((Counter(said) & Counter(right)).values())
    return 2 * same / (len(said) + len(right))


def score_answers(said: Sequence[str], right: Sequence[Sequence[str]]) -> Floats:
    """Per question: F1, exact match, and whether “no answer” was said or not said rightly. Shape (questions, 3)."""
    return np.array(
        [
            (answer_f1(one, answers), exact_match(one, answers), float((one == NONE) == (not answers)))
            for one, answers in zip(said, right, strict=True)
        ]
    ).reshape(-1, 3)


def answer_estimators(scores: Floats) -> dict[str, Measure]:
    """Every measure by its key, headline first, from the scores per question."""
    return {name: weighted_mean(scores[:, at]) for at, name in enumerate(("f1", "exact_match", "answered"))}


def guess_answer(question: str, context: str) -> str:
    """Without learning: the first name or number that the question does not say, in the sentence most like it."""
    asked = set(plain_words(question))
    sentences = _SENTENCE.findall(context) or [context]
    best: str = max(sentences, key=lambda sentence: len(asked & set(plain_words(sentence))))
    names = [name for name in _NAME.findall(best) if not set(plain_words(name)) <= asked]
    return str(names[0]) if names else best.strip()
