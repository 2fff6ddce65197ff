"""Texts on their way into a network, and the linear model over what is counted in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from training.architectures.text_recurrent import TextRecurrentSettings
from training.data import mapped
from training.texts import tokenizers
from training.texts.columns import ColumnTexts
from training.texts.counted_teachers import Classes, Labels, Values
from training.texts.grams import count_letters, count_words
from training.texts.reading import encode_texts, make_tokenizer
from training.texts.tfidf import CountedWords, Presence, learn_counted_words
from training.texts.words import MOST_WORDS, leave_out, split_words

CPU = torch.device("cpu")


def test_columns_are_joined_line_by_line_without_the_empty_ones() -> None:
    frame = pl.DataFrame({"title": ["Rain", None, None], "body": ["It rains.", "Sun.", None]})
    assert ColumnTexts(frame, ["title", "body"]) == ["Rain\nIt rains.", "Sun.", ""]


@pytest.mark.parametrize("vocabulary", ["words", "byte-pairs", "characters"])
def test_empty_texts_and_unknown_words_become_tokens(vocabulary: str) -> None:
    settings = TextRecurrentSettings(vocabulary=vocabulary, vocabulary_size=300)
    tokenizer = make_tokenizer(settings, ["good day", "bad day"])
    encoded = encode_texts(tokenizer, ["", "Zyzzyva ☃", "good day"], 8)
    assert encoded.lengths.min() == 1
    assert int(encoded.ids.max()) < len(tokenizer)


def test_chinese_is_read_sign_by_sign() -> None:
    tokenizer = make_tokenizer(TextRecurrentSettings(), ["房间很好", "服务不好"])
    assert encode_texts(tokenizer, ["房间不好"], 8).lengths.tolist() == [4]


def test_long_texts_are_cut_and_counted() -> None:
    tokenizer = make_tokenizer(TextRecurrentSettings(), ["a b c d e f"])
    encoded = encode_texts(tokenizer, ["a b c d e f", "a b", "a b c d"], 4)
    assert encoded.lengths.tolist() == [4, 2, 4]
    assert encoded.cut == 1


def test_a_batch_is_as_long_as_its_longest_text_and_knows_where_tokens_stand() -> None:
    tokenizer = make_tokenizer(TextRecurrentSettings(), ["a b c"])
    ids, mask = encode_texts(tokenizer, ["a", "a b c", "b c"], 8).batch(np.array([0, 2]), CPU)
    assert ids.shape == (2, 2)
    assert mask.tolist() == [[True, False], [True, True]]


def test_an_epoch_holds_every_text_once_with_little_padding() -> None:
    random = np.random.default_rng(0)
    texts = ["word " * int(length) for length in random.lognormal(3, 0.8, 3000).clip(1, 200)]
    encoded = encode_texts(make_tokenizer(TextRecurrentSettings(), texts), texts, 256)
    batches = encoded.epoch(torch.Generator().manual_seed(3), 32)
    assert sorted(torch.cat(batches).tolist()) == list(range(3000))
    assert encoded.padding(batches) <= 0.05
    assert [batch.tolist() for batch in batches] == [
        batch.tolist() for batch in encoded.epoch(torch.Generator().manual_seed(3), 32)
    ]
    assert torch.cat(batches).tolist() != torch.cat(encoded.epoch(torch.Generator().manual_seed(4), 32)).tolist()


def test_batches_to_evaluate_hold_every_text_once_and_stay_small() -> None:
    texts = ["word " * (index % 90 + 1) for index in range(2000)]
    encoded = encode_texts(make_tokenizer(TextRecurrentSettings(), texts), texts, 64)
    batches = list(encoded.in_order_of_length())
    assert sorted(np.concatenate(batches).tolist()) == list(range(2000))
    assert max(len(batch) * encoded.lengths[batch].max() for batch in batches) <= 16_384


def test_words_are_counted_singly_and_in_pairs() -> None:
    counts = count_words(["red red rose", "Red rose", ""])
    assert counts.sum(axis=1).ravel().tolist() == [[5.0, 3.0, 0.0]]
    assert counts[0].multiply(counts[1] > 0).sum() == 4  # red twice, rose, red rose


def test_letter_groups_stay_inside_words_and_texts() -> None:
    counts = count_letters(["ab", "a b"], longest=3)
    assert counts.sum(axis=1).ravel().tolist() == [[7.0, 8.0]]  # a b ␣a ab b␣ ␣ab ab␣; a b ␣a a␣ ␣b b␣ ␣a␣ ␣b␣
    assert (count_letters(["ab ab"], longest=2) != count_letters(["ab", "ab"], longest=2).sum(axis=0)).sum() == 0


def test_counted_words_tell_topics_apart_and_survive_being_saved(tmp_path: Path) -> None:
    texts = [f"the {word} number {at}" for at in range(60) for word in ("goal match", "vote law", "star moon")]
    truth = np.tile(np.arange(3), 60)
    learnt = learn_counted_words(texts, Classes(truth, 3), fifths=5)
    asked = ["a match", "this law", "moon"]
    assert learnt.model.scores(asked).argmax(axis=1).tolist() == [0, 1, 2]
    assert (learnt.unseen.argmax(axis=1) == truth).all()
    learnt.model.save(tmp_path)
    np.testing.assert_array_equal(CountedWords.load(tmp_path).scores(asked), learnt.model.scores(asked))


def test_what_is_there_counts_once_however_often_it_is_said() -> None:
    counts = count_words(["good good good bad", "good bad", "neither"])
    there = Presence.learn(counts, most=100).apply(counts)
    assert np.sort(there.toarray(), axis=1)[:, -3:] == pytest.approx(
        np.array([[1 / 3**0.5] * 3, [1 / 3**0.5] * 3, [0, 0, 0]])
    )


def test_what_is_said_of_unseen_texts_comes_from_models_that_have_not_seen_them() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(list("abcdefghij"), 6)) + f" own{at}" for at in range(200)]
    truth = random.integers(0, 2, 200)  # there is nothing to learn
    learnt = learn_counted_words(texts, Classes(truth, 2), fifths=5)
    assert (learnt.model.scores(texts).argmax(axis=1) == truth).mean() > 0.95
    assert (learnt.unseen.argmax(axis=1) == truth).mean() < 0.65


def test_a_class_with_one_text_can_be_counted() -> None:
    texts = ["yes"] * 20 + ["no"] * 20 + ["perhaps"]
    truth = np.array([0] * 20 + [1] * 20 + [2])
    learnt = learn_counted_words(texts, Classes(truth, 3), fifths=5)
    assert learnt.model.scores(["perhaps"]).argmax() == 2


def test_several_labels_are_counted_each_for_itself_with_honest_odds() -> None:
    texts = [f"{'cold ' * (at % 2)}{'loud ' * (at % 3 == 0)}room {at}" for at in range(120)]
    truth = np.stack([np.arange(120) % 2, np.arange(120) % 3 == 0, np.ones(120)], axis=1).astype(np.float64)
    learnt = learn_counted_words(texts, Labels(truth), fifths=5)
    assert ((learnt.unseen > 0) == (truth > 0)).mean() > 0.98
    assert (learnt.model.scores(["cold and loud", "a room"]) > 0).tolist() == [[True, True, True], [False, False, True]]


def test_a_number_is_counted_from_words() -> None:
    texts = [f"{'good ' * (at % 4)}stay {at}" for at in range(200)]
    truth = (np.arange(200) % 4 - 1.5).astype(np.float64)
    learnt = learn_counted_words(texts, Values(truth), fifths=5)
    assert np.abs(learnt.unseen[:, 0] - truth).mean() < 0.3


def test_a_text_is_left_without_each_of_its_words() -> None:
    text = "not good, 很好"
    words = split_words(text)
    assert [text[start:end] for start, end in words] == ["not", "good,", "很", "好"]
    assert leave_out(text, words)[1] == "not  很好"
    assert len(split_words("word " * 1000)) <= MOST_WORDS


def test_a_long_text_that_comes_in_pieces_gives_the_tokens_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "CHUNK_CHARACTERS", 40)
    monkeypatch.setattr(tokenizers, "PORTION_CHARACTERS", 100)
    random = np.random.default_rng(1)
    pieces = ["".join(random.choice([*"abc \n"], random.integers(0, 90))) for _ in range(60)]
    tokenizer = tokenizers.build_byte_pairs(pieces, 300)
    parts = list(tokenizers.encode_stream(tokenizer, iter(pieces)))
    assert len(parts) > 10
    text, ids = "".join(pieces), np.concatenate([ids for ids, _ in parts])
    assert ids.tolist() == tokenizers.encode(tokenizer, text).tolist()
    starts = np.concatenate([starts for _, starts in parts]).tolist()
    words = [str(tokenizer.decode([token])) for token in ids]
    assert all(text.startswith(word, start) for word, start in zip(words, starts, strict=True))


def test_documents_without_lines_are_read_in_portions_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "CHUNK_CHARACTERS", 40)
    monkeypatch.setattr(tokenizers, "PORTION_CHARACTERS", 100)
    documents = [f"the cat sat on mat {at}{tokenizers.END}" for at in range(80)]
    tokenizer = tokenizers.build_byte_pairs(documents, 300)
    parts = list(tokenizers.encode_stream(tokenizer, iter(documents), closed=True))
    assert len(parts) > 10
    ids = np.concatenate([ids for ids, _ in parts])
    assert ids.tolist() == tokenizers.encode(tokenizer, "".join(documents)).tolist()


def test_a_line_that_never_ends_is_cut_at_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "CHUNK_CHARACTERS", 40)
    monkeypatch.setattr(tokenizers, "LONGEST_CHUNK", 80)
    monkeypatch.setattr(tokenizers, "PORTION_CHARACTERS", 100)
    text = "one two three four " * 50 + "x" * 300
    tokenizer = tokenizers.build_byte_pairs([text], 300)
    parts = list(tokenizers.encode_stream(tokenizer, iter([text[:500], text[500:]])))
    assert max(len(ids) for ids, _ in parts) < 200
    assert tokenizer.decode(np.concatenate([ids for ids, _ in parts])) == text


def test_texts_read_in_portions_give_the_tokens_of_all_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    texts = ["word " * (index % 9 + 1) for index in range(50)]
    tokenizer = make_tokenizer(TextRecurrentSettings(), texts)
    whole = encode_texts(tokenizer, texts, 6)
    monkeypatch.setattr(tokenizers, "PORTION_CHARACTERS", 60)
    monkeypatch.setattr(mapped, "IN_MEMORY", 0)
    parts = encode_texts(tokenizer, texts, 6, tmp_path / "run")
    assert torch.equal(parts.ids, whole.ids)
    assert parts.lengths.tolist() == whole.lengths.tolist()
    assert parts.cut == whole.cut > 0
    assert list((tmp_path / "run").iterdir()) == []
