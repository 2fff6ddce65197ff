"""For each task a data set that is read in a moment, and for each pretrained architecture a model without knowledge."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import soundfile
import torch
from PIL import Image

from training.texts.tokenizers import build_byte_pairs, build_words

NARROW: dict[str, Any] = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
"""The least that a Transformer of transformers can do with."""
VERSE = "the cat sat on the mat.\nthe dog ran to the fog.\nthe hen met ten men.\n"


@dataclass(frozen=True)
class TinyData:
    """A frame as the importer writes it, with the roles of its columns and one input for the finished model."""

    frame: pl.DataFrame
    roles: dict[str, list[str]]
    question: dict[str, object]


def _table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    size = random.normal(size=60)
    return pl.DataFrame(
        {
            "size": size,
            "colour": random.choice(["red", "blue"], 60),
            "weight": size * 3 + random.normal(size=60),
            "kind": np.where(size > 0, "rose", "tulip"),
        }
    )


def _pictures(folder: Path) -> pl.DataFrame:
    random = np.random.default_rng(0)
    cells: list[dict[str, object]] = []
    for at in range(40):
        picture = Image.fromarray(random.integers(0, 90, (16, 16, 3), dtype=np.uint8) + np.uint8(120 * (at % 2)))
        encoded = io.BytesIO()
        picture.save(encoded, "PNG")
        (folder / "picture.png").write_bytes(encoded.getvalue())
        cells.append({"bytes": encoded.getvalue(), "path": f"{at}.png"})
    return pl.DataFrame({"picture": cells, "kind": ["dark", "light"] * 20})


def _texts() -> pl.DataFrame:
    words = (("bad", "sad", "poor"), ("good", "fine", "great"))
    rows = [{"text": f"day {at} was {words[at % 2][at // 2 % 3]}", "mood": ("low", "high")[at % 2]} for at in range(60)]
    return pl.DataFrame(rows)


def table_classes(folder: Path) -> TinyData:
    return TinyData(_table(), {"target": ["kind"], "features": ["size", "colour"]}, {"size": 1.0, "colour": "red"})


def table_numbers(folder: Path) -> TinyData:
    return TinyData(_table(), {"target": ["weight"], "features": ["size", "colour"]}, {"size": 1.0, "colour": None})


def text_classes(folder: Path) -> TinyData:
    return TinyData(_texts(), {"target": ["mood"], "text": ["text"]}, {"text": "day 7 was good"})


def text_labels(folder: Path) -> TinyData:
    rows = [{"text": f"{'a cold ' * (at % 2)}room {at}{' by a loud street' * (at % 3 > 0)}"} for at in range(60)]
    said = [";".join(["cold"] * (at % 2) + ["loud"] * (at % 3 > 0)) or "[]" for at in range(60)]
    frame = pl.DataFrame(rows).with_columns(pl.Series("faults", said))
    return TinyData(frame, {"target": ["faults"], "text": ["text"]}, {"text": "a cold room"})


def text_numbers(folder: Path) -> TinyData:
    frame = _texts().with_columns(stars=pl.when(pl.col("mood") == "high").then(4.5).otherwise(1.5))
    return TinyData(frame, {"target": ["stars"], "text": ["text"]}, {"text": "day 7 was good"})


def alike_texts(folder: Path) -> TinyData:
    texts, moods = _texts()["text"], _texts()["mood"]
    others = [(7 * at + at // 2) % 60 for at in range(60)]
    alike = [float(moods[at] == moods[other]) for at, other in enumerate(others)]
    frame = pl.DataFrame({"one": texts, "other": [texts[other] for other in others], "alike": alike})
    roles = {"target": ["alike"], "first": ["one"], "second": ["other"]}
    return TinyData(frame, roles, {"one": "day 7 was good", "other": "day 9 was fine"})


def pictures(folder: Path) -> TinyData:
    roles = {"target": ["kind"], "image": ["picture"]}
    return TinyData(_pictures(folder), roles, {"image": str(folder / "picture.png")})


def things(folder: Path) -> TinyData:
    box = {"label": "patch", "x": 2.0, "y": 3.0, "width": 9.0, "height": 8.0}
    frame = _pictures(folder).select("picture").with_columns(pl.Series("things", [[box], [box] * 2] * 20))
    return TinyData(frame, {"target": ["things"], "image": ["picture"]}, {"image": str(folder / "picture.png")})


def sounds(folder: Path) -> TinyData:
    tones = [np.sin(np.arange(4_000) * (0.2 + 0.6 * (at % 2)) + at).astype(np.float32) for at in range(40)]
    for at, tone in enumerate(tones):
        soundfile.write(folder / f"{at}.wav", 0.3 * tone, 8_000)
    cells = [{"bytes": (folder / f"{at}.wav").read_bytes(), "path": f"{at}.wav"} for at in range(40)]
    frame = pl.DataFrame({"sound": cells, "kind": ["low", "high"] * 20})
    return TinyData(frame, {"target": ["kind"], "sound": ["sound"]}, {"audio": str(folder / "0.wav")})


def _pairs() -> pl.DataFrame:
    numbers = {"one": "eins", "two": "zwei", "three": "drei"}
    rows = [[list(numbers)[(at // 3**place) % 3] for place in range(4)] for at in range(60)]
    return pl.DataFrame(
        {
            "english": [" ".join(row) for row in rows],
            "german": [" ".join(numbers[word] for word in row) for row in rows],
        }
    )


def pairs(folder: Path) -> TinyData:
    return TinyData(_pairs(), {"source": ["english"], "target": ["german"]}, {"text": "one two"})


def matched(folder: Path) -> TinyData:
    question: dict[str, object] = {"first": "one two", "second": "eins zwei"}
    return TinyData(_pairs(), {"first": ["english"], "second": ["german"]}, question)


def words(folder: Path) -> TinyData:
    spoken = sounds(folder)
    return TinyData(spoken.frame, {"target": ["kind"], "sound": ["sound"]}, spoken.question)


def company(folder: Path) -> TinyData:
    return TinyData(pl.DataFrame({"text": [VERSE] * 60}), {"text": ["text"]}, {"text": "cat - sat + ran"})


def votes(folder: Path) -> TinyData:
    frame = pl.DataFrame(
        {"asked": ["the cat?", "the dog?"] * 20, "good": ["sat."] * 40, "bad": ["ran to the fog."] * 40}
    )
    return TinyData(frame, {"prompt": ["asked"], "chosen": ["good"], "rejected": ["bad"]}, {"prompt": "the "})


def running_text(folder: Path) -> TinyData:
    return TinyData(pl.DataFrame({"text": [VERSE] * 60}), {"text": ["text"]}, {"prompt": "the "})


def tagged_words(folder: Path) -> TinyData:
    words = (("we", "O"), ("met", "O"), ("Ada", "B-person"), ("Lee", "I-person"))
    cells = [[{"token": token, "tag": tag} for token, tag in words[at % 2 :]] for at in range(60)]
    return TinyData(pl.DataFrame({"tokens": cells}), {"spans": ["tokens"]}, {"text": "we met Ada"})


def questions(folder: Path) -> TinyData:
    names = ("Ada", "Bob", "Eve")
    frame = pl.DataFrame(
        [
            {
                "context": f"On day {at} {names[at % 3]} was in Rome.",
                "question": f"Who was in Rome on day {at}?",
                "answers": [{"text": names[at % 3], "start": len(f"On day {at} ")}],
            }
            for at in range(60)
        ]
    )
    roles = {"context": ["context"], "question": ["question"], "answers": ["answers"]}
    return TinyData(frame, roles, {"context": "On day 9 Eve was in Rome.", "question": "Who was in Rome?"})


DATA: dict[str, Callable[[Path], TinyData]] = {
    "tabular-classification": table_classes,
    "tabular-regression": table_numbers,
    "text-classification": text_classes,
    "text-multilabel": text_labels,
    "text-regression": text_numbers,
    "text-similarity": alike_texts,
    "text-matching": matched,
    "token-classification": tagged_words,
    "question-answering": questions,
    "image-classification": pictures,
    "object-detection": things,
    "audio-classification": sounds,
    "speech-recognition": words,
    "language-modeling": running_text,
    "word-embeddings": company,
    "preference-tuning": votes,
    "translation": pairs,
    "summarization": pairs,
}


def causal_model(folder: Path, texts: Sequence[str] = (VERSE,)) -> None:
    """A GPT-2 with random weights whose pieces of words are those of the texts, as transformers saves it."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = build_byte_pairs(texts, 300)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=256, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def encoder(folder: Path, texts: Sequence[str] = ()) -> None:
    """A BERT with random weights that knows the words of the texts, as transformers saves it."""
    from transformers import BertConfig, BertModel

    tokenizer = build_words(texts or _texts()["text"].to_list(), 500)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        num_hidden_layers=2,
        **NARROW,
        max_position_embeddings=128,
        pad_token_id=tokenizer.pad_token_id,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def sequence_model(folder: Path) -> None:
    """A T5 with random weights, as transformers saves it."""
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = build_byte_pairs([*_pairs()["english"], *_pairs()["german"]], 300)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        pad_token_id=0,
        eos_token_id=0,
    )
    config.decoder_start_token_id = 0
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def vision_model(folder: Path) -> None:
    """A Vision Transformer with random weights, as transformers saves it."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    config = ViTConfig(
        image_size=16,
        patch_size=4,
        num_hidden_layers=2,
        **NARROW,
    )
    ViTForImageClassification(config).save_pretrained(folder)


def audio_model(folder: Path) -> None:
    """A Wav2Vec2 with random weights, as transformers saves it."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        num_hidden_layers=1,
        **NARROW,
        conv_dim=(8, 8, 8),
        conv_stride=(10, 8, 4),
        conv_kernel=(10, 8, 4),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    Wav2Vec2Model(config).save_pretrained(folder)


def detection_model(folder: Path) -> None:
    """A YOLOS with random weights, as transformers saves it."""
    from transformers import YolosConfig, YolosForObjectDetection

    torch.manual_seed(0)
    config = YolosConfig(
        num_hidden_layers=1,
        **NARROW,
        image_size=[32, 32],
        patch_size=8,
        num_detection_tokens=5,
    )
    YolosForObjectDetection(config).save_pretrained(folder)


SOURCES: dict[str, Callable[[Path], None]] = {
    "pretrained-causal": causal_model,
    "pretrained-encoder": encoder,
    "causal-reader": causal_model,
    "pretrained-seq2seq": sequence_model,
    "pretrained-vision": vision_model,
    "pretrained-audio": audio_model,
    "pretrained-detector": detection_model,
}
"""The pretrained folder of each architecture that starts from one."""
