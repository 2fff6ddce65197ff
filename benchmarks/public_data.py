"""The public data that results are measured on: files as a person would upload them, measure, known figures, goals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TOUCHSTONE_SHARED_DATA", ROOT.parent / "shared" / "data"))
STARTERS = ROOT / "training" / "data" / "starter_files"
TABLES, TEXTS = "tabular/", "text-classification/"
DIGITS = ("audio/spoken_digits_wav_and_csv.zip",)
TREES = ("hist-gradient-boosting", "lightgbm", "linear-model")
COUNTING = ("tfidf-logistic", "ngram-svm")


@dataclass(frozen=True)
class Data:
    """A data set with what its task is judged by."""

    key: str
    title: str
    files: tuple[str, ...]
    task: str
    metric: str
    known: str
    """What the literature or a plain baseline says about these files."""
    peers: tuple[str, ...] = ()
    """Names in `peers.PEERS`: what else installs from PyPI, on the same split."""
    goals: Mapping[str, float] = field(default_factory=dict)
    """What an architecture must reach, `NAME` with the balanced preset or `NAME@PRESET`."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Processor seconds in which, for the same keys."""
    seeds: int = 1
    higher: bool = True
    roles: Mapping[str, list[str]] | None = None
    """Columns where those that are proposed mean another task."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Architectures that are not measured, and why not."""
    proposed: str = ""
    """The architecture that *Simple* proposes, where it is not the task's usual one."""

    def paths(self) -> list[Path]:
        """The files, of the shared data or of the starter data sets."""
        return [STARTERS / file if (STARTERS / file).exists() else SHARED / file for file in self.files]


SLOW = "more than 12 minutes of one core, as estimated"
ENGLISH = "the packaged encoder reads English"
NONE_PACKAGED = "no model of this kind comes in a package"

DATA_SETS = (
    Data(
        "penguins",
        "Penguins, species",
        (f"{TABLES}penguins.csv",),
        "tabular-classification",
        "accuracy",
        "0.986 measured with scikit-learn",
        TREES,
        {"mlp": 0.97},
        seeds=3,
    ),
    Data(
        "titanic",
        "Titanic, survived",
        (f"{TABLES}titanic.csv",),
        "tabular-classification",
        "accuracy",
        "0.821 measured with scikit-learn, 0.80 to 0.84 published",
        TREES,
        {"mlp": 0.80},
        seeds=5,
    ),
    Data(
        "titanic-names",
        "Titanic with the passengers' names",
        (f"{TABLES}titanic.csv",),
        "tabular-classification",
        "accuracy",
        "as without names",
        roles={
            "target": ["Survived"],
            "features": ["Name", "Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"],
        },
        seeds=3,
        left_out=dict.fromkeys(("linear", "boosted-trees", "mlp", "ft-transformer", "blend"), "reads no texts"),
        proposed="multimodal",
    ),
    Data(
        "digits",
        "Handwritten digits (scikit-learn), 64 numbers each",
        ("digits.csv.gz",),
        "tabular-classification",
        "accuracy",
        "0.985 RealMLP in 9 s",
        TREES,
        {"mlp": 0.985},
        {"mlp": 9},
        seeds=3,
    ),
    Data(
        "adult",
        "Adult, income",
        (f"{TABLES}adult_income_train.csv", f"{TABLES}adult_income_test.csv"),
        "tabular-classification",
        "roc_auc",
        "0.9272 HistGradientBoosting, 0.9276 LightGBM at its defaults, 0.9288 tuned",
        TREES,
        {"boosted-trees@quick": 0.9276, "boosted-trees@thorough": 0.9295, "blend@thorough": 0.9295},
        {"boosted-trees@thorough": 75, "blend@thorough": 75},
        proposed="boosted-trees",
    ),
    Data(
        "california",
        "California housing, value",
        (f"{TABLES}california_housing.csv",),
        "tabular-regression",
        "rmse",
        "46,844 HistGradientBoosting, 46,741 LightGBM, 44,431 CatBoost, 40,602 LightGBM tuned with made features, "
        "51,998 RealMLP",
        TREES,
        {"mlp": 47_000, "boosted-trees@quick": 46_741, "boosted-trees@thorough": 41_000, "blend@thorough": 41_000},
        {"mlp": 60, "boosted-trees@thorough": 35, "blend@thorough": 35},
        seeds=3,
        higher=False,
        proposed="boosted-trees",
    ),
    Data(
        "sms",
        "SMS spam",
        (f"{TEXTS}sms_spam.csv",),
        "text-classification",
        "f1",
        "macro F1 0.961 TF-IDF, 0.976 words and characters with an SVM",
        COUNTING,
        {"counted-words@quick": 0.976},
        {"counted-words@quick": 2},
        seeds=3,
        left_out={"causal-reader": SLOW},
    ),
    Data(
        "ag-news",
        "AG News, 7,600 of the test rows",
        (f"{TEXTS}ag_news_train.csv", f"{TEXTS}ag_news_test.csv"),
        "text-classification",
        "accuracy",
        "0.875 TF-IDF, 0.888 words and characters with an SVM",
        COUNTING,
        {"counted-words@quick": 0.895},
        {"counted-words@quick": 12},
        left_out={"pretrained-encoder": SLOW, "causal-reader": SLOW},
    ),
    Data(
        "movies",
        "Movie reviews",
        (f"{TEXTS}movie_reviews_folders.zip",),
        "text-classification",
        "accuracy",
        "0.89 TF-IDF, 0.9125 words and characters with an SVM",
        COUNTING,
        {"counted-words@quick": 0.9125},
        {"counted-words@quick": 25},
        seeds=3,
        left_out={"pretrained-encoder": SLOW, "causal-reader": SLOW},
    ),
    Data(
        "hotel",
        "Chinese hotel reviews",
        (f"{TEXTS}zh_hotel_reviews.csv",),
        "text-classification",
        "accuracy",
        "0.891 TF-IDF of characters",
        COUNTING,
        {"counted-words@quick": 0.90},
        {"counted-words@quick": 20},
        seeds=3,
        left_out={"pretrained-encoder": ENGLISH, "causal-reader": ENGLISH},
    ),
    Data(
        "wnut17",
        "WNUT 2017, named entities",
        tuple(f"token-classification/wnut17_{part}.conll" for part in ("train", "dev", "test")),
        "token-classification",
        "f1",
        "0.419 the winner of 2017",
        ("transformers-tokens",),
    ),
    Data(
        "squad",
        "SQuAD 1.1, 5,568 questions",
        tuple(f"question-answering/squad_v1.1_{part}.json" for part in ("train", "dev")),
        "question-answering",
        "f1",
        "above 0.30 shows learning",
        goals={"pretrained-encoder": 0.30},
    ),
    Data(
        "shakespeare",
        "Tiny Shakespeare, characters",
        ("text-generation/tinyshakespeare.txt",),
        "language-modeling",
        "nats",
        "1.88 nanoGPT in three minutes on a CPU; 1.9155 in 148 CPU s, 1.609 a modern GPT in 179 (4 layers × 128)",
        goals={"gpt": 1.65},
        higher=False,
        left_out={"pretrained-causal": "reads pieces of words, so that its figure is no loss per character"},
    ),
    Data(
        "multi30k",
        "Multi30k, English to German",
        tuple(f"seq2seq/multi30k_en_de_{part}.csv" for part in ("train", "val", "test2016")),
        "translation",
        "bleu",
        "37 to 40 a Transformer after a long run, 15 to 25 a small one",
        goals={"seq2seq-transformer": 15.0},
        left_out={"pretrained-seq2seq": NONE_PACKAGED},
    ),
    Data(
        "cifar10-12k",
        "CIFAR-10, 12,000 pictures",
        ("image-classification/cifar10_12k_train_test.zip",),
        "image-classification",
        "accuracy",
        "0.63 to 0.64 plain CNN, 0.829 to 0.868 the recipe of the speed records",
        ("pixels-svm",),
        {"speednet": 0.82, "cnn": 0.63},
        left_out={"vit": SLOW, "pretrained-vision": NONE_PACKAGED},
    ),
    Data(
        "raccoon",
        "Raccoons in pictures",
        ("object-detection/raccoon_voc.zip",),
        "object-detection",
        "map50",
        "0.8 to 0.9 published with a pretrained detector",
        left_out={"pretrained-detector": NONE_PACKAGED},
    ),
    Data(
        "spoken-digits",
        "Spoken digits, official split",
        DIGITS,
        "audio-classification",
        "accuracy",
        "0.99 log-mel with an SVM",
        ("mel-svm",),
        {"audio-cnn": 0.99},
        roles={"target": ["label"], "sound": ["audio"]},
        left_out={"pretrained-audio": NONE_PACKAGED},
    ),
    Data(
        "spoken-words",
        "Spoken digits, written down",
        DIGITS,
        "speech-recognition",
        "wer",
        "an error of 0.01 sorting them with log-mel and an SVM",
        roles={"target": ["label"], "sound": ["audio"]},
        higher=False,
        left_out={"pretrained-audio": NONE_PACKAGED},
    ),
    Data(
        "words",
        "Words of tiny Shakespeare",
        ("text-generation/tinyshakespeare.txt",),
        "word-embeddings",
        "company",
        "0.5 is guessing",
    ),
    Data(
        "chat",
        "Alpaca's 175 seed tasks",
        ("instruction/alpaca_seed_tasks_175.jsonl",),
        "language-modeling",
        "nats",
        "below the untouched model's loss",
        higher=False,
        left_out=dict.fromkeys(
            ("ngram", "recurrent-lm", "gpt"), "starts from nothing, and 175 answers teach no language"
        ),
        proposed="pretrained-causal",
    ),
)
