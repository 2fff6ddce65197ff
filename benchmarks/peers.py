"""What else installs from PyPI, on the very split of a run.

Each peer is what a person would write in an hour: scikit-learn or LightGBM with usual settings, plain transformers
fine-tuning.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score, root_mean_squared_error
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from training.examples import Examples, Part, read_examples
from training.spec import TrainSpec
from training.texts.columns import ColumnTexts


@dataclass(frozen=True)
class Scored:
    """What a peer says of the test part; `strength` ranks the second of two classes."""

    answers: NDArray[Any]
    strength: NDArray[np.float64] | None = None


Peer = Callable[[TrainSpec, Examples], "Scored | float"]
PEERS: dict[str, tuple[str, Peer]] = {}


def peer(name: str, title: str) -> Callable[[Peer], Peer]:
    """Register a peer under a name, with what the table calls it."""

    def register(work: Peer) -> Peer:
        PEERS[name] = (title, work)
        return work

    return register


def ask(name: str, spec: TrainSpec, out: Path, metric: str) -> None:
    """Let one peer learn and answer, and leave in `out` how good it is and its processor seconds."""
    _title, work = PEERS[name]
    before = time.process_time()
    examples = read_examples(spec)
    found = work(spec, examples)
    (out / "cpu").write_text(str(time.process_time() - before))
    value = found if isinstance(found, float) else score(metric, _truth(spec, examples, "test"), found)
    (out / "report.json").write_text(json.dumps({"value": value}))


def score(metric: str, truth: NDArray[Any], found: Scored) -> float:
    """The measure by scikit-learn."""
    if metric == "rmse":
        return float(root_mean_squared_error(truth, found.answers))
    if metric == "roc_auc":
        assert found.strength is not None
        return float(roc_auc_score(truth, found.strength))
    if metric == "f1":
        return float(f1_score(truth, found.answers, average="macro"))
    return float(accuracy_score(truth, found.answers))


@peer("hist-gradient-boosting", "HistGradientBoosting (scikit-learn)")
def hist_gradient_boosting(spec: TrainSpec, examples: Examples) -> Scored:
    kind = HistGradientBoostingRegressor if _is_regression(spec) else HistGradientBoostingClassifier
    return _fit_table(spec, examples, lambda names: make_pipeline(_codes(names), kind(random_state=0)))


@peer("lightgbm", "LightGBM")
def lightgbm(spec: TrainSpec, examples: Examples) -> Scored:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if _is_regression(spec) else LGBMClassifier
    return _fit_table(
        spec, examples, lambda names: make_pipeline(_codes(names), kind(n_jobs=1, random_state=0, verbosity=-1))
    )


@peer("linear-model", "Ridge or logistic regression (scikit-learn)")
def linear_model(spec: TrainSpec, examples: Examples) -> Scored:
    model = RidgeCV(alphas=(0.1, 1.0, 10.0)) if _is_regression(spec) else LogisticRegression(max_iter=1000)

    def build(names: list[str]) -> Pipeline:
        numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
        one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=5)
        return make_pipeline(make_column_transformer((one_hot, names), remainder=numbers), model)

    return _fit_table(spec, examples, build)


@peer("tfidf-logistic", "TF-IDF and logistic regression (scikit-learn)")
def tfidf_logistic(spec: TrainSpec, examples: Examples) -> Scored:
    token = r"(?u)[\u4e00-\u9fff]|\w+"  # each Chinese sign is a word
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=token)
    return _fit_texts(spec, examples, make_pipeline(words, LogisticRegression(C=10.0, max_iter=1000)))


@peer("ngram-svm", "Words and letters, linear SVM (scikit-learn)")
def ngram_svm(spec: TrainSpec, examples: Examples) -> Scored:
    token = r"(?u)[\u4e00-\u9fff]|\w+"
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=token)
    letters = TfidfVectorizer(sublinear_tf=True, ngram_range=(2, 5), analyzer="char_wb", min_df=2)
    return _fit_texts(spec, examples, make_pipeline(make_union(words, letters), LinearSVC(random_state=0)))


@peer("mel-svm", "log-mel and SVM (scikit-learn)")
def mel_svm(spec: TrainSpec, examples: Examples) -> Scored:
    from training.media.audio import decode_sound, log_mel

    def read(part: Part) -> NDArray[np.float32]:
        import torch
        from torch.nn import functional as F

        spectra = []
        for cell in examples.column(spec.column("sound"), part).to_list():
            samples = torch.from_numpy(decode_sound(io.BytesIO(cell["bytes"]), rate=8000, seconds=1.0))
            spectrum = log_mel(F.pad(samples, (0, max(0, 400 - len(samples)))), rate=8000, bands=40)
            spectra.append(F.interpolate(spectrum[None], size=32, mode="linear")[0].flatten().numpy())
        return np.stack(spectra)

    machine = make_pipeline(StandardScaler(), SVC(C=10.0))
    machine.fit(read("train"), _truth(spec, examples, "train"))
    return Scored(machine.predict(read("test")))


@peer("pixels-svm", "PCA of pixels and SVM (scikit-learn)")
def pixels_svm(spec: TrainSpec, examples: Examples) -> Scored:
    from PIL import Image

    def read(part: Part) -> NDArray[np.float32]:
        cells = examples.column(spec.column("image"), part).to_list()
        return np.stack([np.asarray(Image.open(io.BytesIO(cell["bytes"])), np.float32).ravel() / 255 for cell in cells])

    machine = make_pipeline(PCA(100, whiten=True, random_state=0), SVC(C=5.0))
    machine.fit(read("train"), _truth(spec, examples, "train"))
    return Scored(machine.predict(read("test")))


@peer("transformers-tokens", "the packaged encoder, transformers' Trainer at its defaults")
def transformers_tokens(spec: TrainSpec, examples: Examples) -> float:
    import transformer_peers

    return transformer_peers.tag_words(spec, examples)


def _fit_table(spec: TrainSpec, examples: Examples, build: Callable[[list[str]], Pipeline]) -> Scored:
    """The columns as pandas has them, names as text, gaps as they are."""
    rows = {part: _frame(spec, examples, part) for part in ("train", "test")}
    names = [name for name in rows["train"].columns if rows["train"][name].dtype == object]
    model = build(names).fit(rows["train"], _truth(spec, examples, "train"))
    answers = model.predict(rows["test"])
    if _is_regression(spec):
        return Scored(answers)
    return Scored(answers, model.predict_proba(rows["test"])[:, 1])


def _frame(spec: TrainSpec, examples: Examples, part: Part) -> Any:
    features = examples.frame.select(spec.roles["features"])[examples.rows[part]]
    texts = [name for name in features.columns if not features[name].dtype.is_numeric()]
    frame = features.with_columns(pl.col(texts).cast(pl.String).fill_null("none")).to_pandas()
    return frame.astype(dict.fromkeys(texts, object))


def _codes(names: list[str]) -> Any:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_column_transformer((codes, names), remainder="passthrough")


def _fit_texts(spec: TrainSpec, examples: Examples, model: Pipeline) -> Scored:
    texts = {
        part: list(ColumnTexts(examples.frame[examples.rows[part]], spec.roles["text"])) for part in ("train", "test")
    }
    return Scored(model.fit(texts["train"], _truth(spec, examples, "train")).predict(texts["test"]))


def _truth(spec: TrainSpec, examples: Examples, part: Part) -> NDArray[Any]:
    column = examples.column(spec.column("target"), part)
    return column.to_numpy() if _is_regression(spec) else column.cast(pl.String).to_numpy()


def _is_regression(spec: TrainSpec) -> bool:
    return spec.task == "tabular-regression"
