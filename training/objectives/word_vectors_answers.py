"""Learnt word vectors at work: neighbours, sums of words, and a map."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, cast

from training.device import Device
from training.model_folder import load_network, read_config
from training.models.word_vectors import WordVectors
from training.predict import PREDICTORS
from training.texts.tokenizers import load_tokenizer
from training.texts.vector_space import Space, read_sum


@PREDICTORS.register("word-embeddings")
class WordPredictor:
    """Answers {"text": "king"} or {"text": "king - man + woman"} with {"neighbours"}; `explain` adds a "map"."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        prepared = cast(dict[str, str], read_config(folder)["preparation"])
        self.column = prepared["column"]
        self.space = Space.of(cast(WordVectors, load_network(folder)), load_tokenizer(folder))

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"text", "neighbours": [{"word", "similarity"}]} per input, the nearest first."""
        answers: list[dict[str, object]] = []
        for row in inputs:
            text = str(row.get("text") or row.get(self.column) or "")
            near = self.space.neighbours(text)
            answer: dict[str, object] = {"text": text, "neighbours": near}
            if options.get("explain"):
                shown = [word for _sign, word in read_sum(text)] + [str(found["word"]) for found in near]
                answer["map"] = self.space.map(list(dict.fromkeys(word.lower() for word in shown)))
            answers.append(answer)
        return answers
