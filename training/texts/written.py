"""How near written texts come to those of people: BLEU, chrF and ROUGE, with intervals over the texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.resampling import Measure, Weights, weighted_mean

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric
    from transformers import PreTrainedTokenizerFast

Counts = NDArray[np.float64]
"""What a measure counts in each text: (texts, counts). A score of many texts comes from the sums of their counts."""

HAN = re.compile("[\u3400-\u9fff]")


def translation_scores(written: Sequence[str], truth: Sequence[str]) -> dict[str, Measure]:
    """BLEU and chrF, 0 to 100, of translations against one reference each.

    Papineni et al., "BLEU", 2002; Popović, "chrF", 2015; computed by sacrebleu, Post, 2018, arXiv:1804.08771.
    Chinese is compared character by character, every other language in sacrebleu's usual way (13a).
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    chinese = sum(bool(HAN.search(text)) for text in truth) > len(truth) / 2
    bleu = BLEU(tokenize="zh" if chinese else "13a")
    return {"bleu": _corpus_measure(bleu, written, truth), "chrf": _corpus_measure(CHRF(), written, truth)}


def summary_scores(written: Sequence[str], truth: Sequence[str]) -> dict[str, Measure]:
    """ROUGE-1, ROUGE-2 and ROUGE-L as mean F1, 0 to 1. Lin, "ROUGE", 2004; computed by rouge-score, without stemming.

    Words are runs of letters and digits of any script; Chinese counts character by character.
    """
    values = {name: np.empty(len(truth)) for name in ("rougeL", "rouge1", "rouge2")}
    score = _rouge(list(values))
    for at, (own, right) in enumerate(zip(written, truth, strict=True)):
        for name, value in score(right, own).items():
            values[name][at] = value
    return {name.lower(): weighted_mean(each) for name, each in values.items()}


def closeness(written: Sequence[str], truth: Sequence[str]) -> NDArray[np.float64]:
    """How near each text comes to its reference, 0 to 1: chrF of single texts, which never jumps as BLEU does."""
    from sacrebleu.metrics.chrf import CHRF

    chrf = CHRF(eps_smoothing=True)
    scores = [chrf.sentence_score(own, [right]).score for own, right in zip(written, truth, strict=True)]
    return np.array(scores) / 100


def read_text(tokenizer: PreTrainedTokenizerFast, ids: Sequence[int]) -> str:
    """The text of these tokens, without marks."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True)).strip()


def _corpus_measure(metric: Metric, written: Sequence[str], truth: Sequence[str]) -> Measure:
    """The metric on any weights of the texts, from what it counts in each of them."""
    counts = np.array(metric._extract_corpus_statistics(list(written), [list(truth)]), dtype=np.float64)

    def measure(weights: Weights) -> NDArray[np.float64]:
        sums = np.asarray(weights @ counts).astype(np.int64)
        return np.array([metric._compute_score_from_stats(row.tolist()).score for row in sums])

    return measure


def _rouge(names: list[str]) -> Callable[[str, str], dict[str, float]]:
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import Tokenizer

    from training.texts.grams import WORD

    class Words(Tokenizer):  # type: ignore[misc]
        """rouge-score's own words know the Latin alphabet only."""

        def tokenize(self, text: str) -> list[str]:
            return [word for word in WORD.findall(text.lower()) if word[0].isalnum()]

    scorer = RougeScorer(names, tokenizer=Words())
    return lambda right, own: {name: score.fmeasure for name, score in scorer.score(right, own).items()}
