"""Plain fine-tuning with transformers' own Trainer at its defaults, as its examples do it."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
)

from training.examples import Examples, Part
from training.pretrained.packaged import ENCODER_MODEL, find
from training.spec import TrainSpec

NO_TAG = -100
EPOCHS = 3.0


def tag_words(spec: TrainSpec, examples: Examples) -> float:
    """F1 of names by seqeval on the test part, after three epochs of the packaged encoder."""
    from seqeval.metrics import f1_score

    packaged = find(ENCODER_MODEL)
    assert packaged is not None
    folder = str(packaged.path())
    train, test = (_sentences(spec, examples, part) for part in ("train", "test"))
    tags = sorted({tag for sentence in train for _, tag in sentence})
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_pretrained(folder, num_labels=len(tags))
    rows = {"train": _rows(tokenizer, train, tags), "test": _rows(tokenizer, test, tags)}
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                scratch, num_train_epochs=EPOCHS, save_strategy="no", report_to=[], disable_tqdm=True
            ),
            train_dataset=rows["train"],
            data_collator=DataCollatorForTokenClassification(tokenizer),
        )
        trainer.train()
        scores, labels = trainer.predict(rows["test"])[:2]
    said = [
        [tags[tag] for tag, label in zip(line, truth, strict=True) if label != NO_TAG]
        for line, truth in zip(scores.argmax(-1), labels, strict=True)
    ]
    return float(
        f1_score([[tag for _, tag in sentence][: len(line)] for sentence, line in zip(test, said, strict=True)], said)
    )


def _sentences(spec: TrainSpec, examples: Examples, part: Part) -> list[list[tuple[str, str]]]:
    cells = examples.column(spec.column("spans"), part).to_list()
    return [[(word["token"], word["tag"]) for word in cell] for cell in cells]


def _rows(tokenizer: Any, sentences: list[list[tuple[str, str]]], tags: list[str]) -> list[dict[str, Any]]:
    """Tokens with the tag of each word at its first piece."""
    rows = []
    for sentence in sentences:
        cut = tokenizer([word for word, _ in sentence], is_split_into_words=True, truncation=True, max_length=128)
        places = cut.word_ids()
        firsts = [place is not None and place != before for before, place in zip([None, *places], places, strict=False)]
        labels = [
            tags.index(sentence[place][1]) if first and sentence[place][1] in tags else NO_TAG
            for first, place in zip(firsts, places, strict=True)
        ]
        rows.append({**cut, "labels": labels})
    return rows
