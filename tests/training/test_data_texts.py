"""Running text and conversations."""

import json

import polars as pl
import pytest

from tests.training.test_data_tables import bring, imported, types
from training.data.languages import language_of
from training.data.preview import read_rows

PLAY = "".join(f"SPEAKER {n}:\nLine one of speech {n},\nand line two.\n\n" for n in range(200))


@pytest.mark.parametrize(
    "text",
    [
        PLAY,
        PLAY.replace("\n", "\r\n"),
        "word " * 3000,
        "x" * 5000,
        "\n\n\nafter gaps\n\n\n\nmore\n",
        "没有空格。" * 2000,
    ],
)
def test_the_rows_of_a_text_are_the_text(tmp_path, text):
    frame, description = imported(bring(tmp_path, text, "play.txt"))
    assert "".join(frame["text"]) == text
    assert frame["text"].str.len_chars().max() <= 2000
    assert description.proposals[0].task == "language-modeling"
    assert description.kind == "text"


def test_the_last_tenth_of_a_text_is_held_out(tmp_path):
    frame, description = imported(bring(tmp_path, PLAY, "play.md"))
    held = frame.filter(pl.col("_part") == "test")["text"].str.len_chars().sum()
    assert held / len(PLAY) == pytest.approx(0.1, abs=0.01)
    assert frame["_part"].to_list() == sorted(frame["_part"], reverse=True)
    assert description.format == "Markdown, UTF-8"


def test_prose_with_commas_is_no_table(tmp_path):
    prose = "Now, fair Hippolyta, our hour\nDraws on apace; four happy days, bring in\nAnother moon.\n" * 50
    _, description = imported(bring(tmp_path, prose, "dream.csv.txt"))
    assert description.kind == "text"


CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]


@pytest.mark.parametrize(
    "record",
    [
        {"messages": CHAT},
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}], "tools": "[]"},
        {"instruction": "Hi", "input": "", "output": "Hello."},
    ],
)
@pytest.mark.parametrize("lines", [True, False])
def test_chats_of_every_form_become_messages(tmp_path, record, lines):
    rows = [record | {"source": "made"}] * 4
    text = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
    frame, description = imported(bring(tmp_path, text, "chats.jsonl" if lines else "chats.json"))
    assert frame["messages"].to_list() == [CHAT] * 4
    assert frame["source"].to_list() == ["made"] * 4
    assert description.kind == "conversations"
    assert types(description)["messages"] == "conversation"
    assert description.proposals[0].roles == {"text": ["messages"]}
    assert read_rows(tmp_path / "version", 0, 1)[0]["messages"] == CHAT


def test_an_instruction_with_input_asks_both(tmp_path):
    rows = [{"instruction": "Add.", "input": "1 and 2", "output": "3"}, {"instruction": "Say hi", "output": "hi"}]
    frame, _ = imported(bring(tmp_path, json.dumps(rows), "a.json"))
    assert frame["messages"][0][0]["content"] == "Add.\n\n1 and 2"


def test_chats_without_an_answer_are_set_aside(tmp_path):
    rows = [{"messages": CHAT}] * 20 + [{"messages": CHAT[:1]}, {"messages": []}]
    frame, description = imported(bring(tmp_path, "\n".join(map(json.dumps, rows)), "a.jsonl"))
    assert (len(frame), description.set_aside) == (20, 2)


def test_messages_in_parquet_are_conversations(tmp_path):
    pl.DataFrame({"messages": [CHAT] * 3}).write_parquet(tmp_path / "a.parquet")
    frame, description = imported(tmp_path / "a.parquet")
    assert frame["messages"].to_list() == [CHAT] * 3
    assert types(description) == {"messages": "conversation"}


def test_questions_about_paragraphs_become_a_table(tmp_path):
    question = {"question": "Where?", "answers": [{"text": "here", "answer_start": 3}]}
    unanswerable = {"question": "When?", "answers": [], "is_impossible": True}
    article = {"title": "T", "paragraphs": [{"context": "It is here.", "qas": [question, unanswerable]}]}
    frame, _ = imported(bring(tmp_path, json.dumps({"version": "v2.0", "data": [article] * 3}), "squad.json"))
    rows = frame.select("context", "question", "answers").rows()
    assert rows[:2] == [("It is here.", "Where?", [{"text": "here", "start": 6}]), ("It is here.", "When?", [])]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The children were playing in the garden, and it was not raining.", "en"),
        ("Die Kinder spielten im Garten, und es war nicht kalt.", "de"),
        ("Les enfants jouent dans le jardin avec une balle.", "fr"),
        ("Los niños juegan en el jardín con una pelota y no quieren entrar.", "es"),
        ("I bambini giocano nel giardino con una palla, ma non è più tardi.", "it"),
        ("Дети играют в саду.", "ru"),
        ("孩子们在花园里玩。", "zh"),
        ("子供たちは庭で遊んでいます。", "ja"),
        ("아이들이 정원에서 놀고 있다.", "ko"),
        ("x = 12; y = 13", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_text_is_known_by_its_script_or_its_small_words(text, language):
    assert language_of(text) == language


def test_the_profile_counts_the_languages_of_a_column(tmp_path):
    english = [f"This is what the people of house {number} have said, and it was not much." for number in range(30)]
    german = [f"Das ist es, was die Leute im Haus {number} gesagt haben, und nicht mehr." for number in range(20)]
    rows = "".join(f'"{text}"\n' for text in english + german)
    _, description = imported(bring(tmp_path, f"text\n{rows}", "said.csv"))
    assert description.columns[0].stats["languages"] == [{"value": "en", "count": 30}, {"value": "de", "count": 20}]
