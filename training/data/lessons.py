"""The files of tiny data sets for the starter experiments, small enough to see through."""

import csv
import gzip
import json
import random
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

Row = Sequence[object]

FOUR_POINTS = [(1, 2), (2, 4), (3, 6), (4, 8)]
EACH_KIND = 40
"""Messages of each kind in each part."""
POINTS, SIDE = 100, 2.5


def _csv(header: Row, rows: Iterable[Row]) -> str:
    return "\n".join(",".join(str(cell) for cell in row) for row in (header, *rows)) + "\n"


def _same_in_both_parts(path: Path, text: str) -> None:
    """The whole world in a few rows: trained on, and asked about."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.csv", text)
        archive.writestr("test.csv", text)


def write_line(path: Path) -> None:
    """Four points on y = 2x."""
    _same_in_both_parts(path, _csv(("x", "y"), FOUR_POINTS))


def write_and(path: Path) -> None:
    """The truth table of a logical and."""
    rows = [(a, b, "yes" if a and b else "no") for a in (0, 1) for b in (0, 1)]
    _same_in_both_parts(path, _csv(("a", "b", "both"), rows))


def write_xor(path: Path) -> None:
    """The truth table of an exclusive or."""
    rows = [(a, b, "yes" if a != b else "no") for a in (0, 1) for b in (0, 1)]
    _same_in_both_parts(path, _csv(("a", "b", "differ"), rows))


def write_points(path: Path) -> None:
    """A hundred points of a square to learn from, and four hundred to ask about; some lie in a triangle amid it."""
    draw = random.Random(3)
    with zipfile.ZipFile(path, "w") as archive:
        for part, points in (("train", POINTS), ("test", 4 * POINTS)):
            places = [(draw.uniform(-SIDE, SIDE), draw.uniform(-SIDE, SIDE)) for _ in range(points)]
            rows = [(f"{x:.3f}", f"{y:.3f}", "yes" if _is_inside(x, y) else "no") for x, y in places]
            archive.writestr(f"{part}.csv", _csv(("x1", "x2", "inside"), rows))


def _is_inside(x: float, y: float) -> bool:
    return y > -1.5 and y < 2.5 - 2 * abs(x)


NOUNS = [
    ("man", "Mann", "m"),
    ("woman", "Frau", "f"),
    ("child", "Kind", "n"),
    ("dog", "Hund", "m"),
    ("cat", "Katze", "f"),
    ("horse", "Pferd", "n"),
    ("friend", "Freund", "m"),
    ("teacher", "Lehrerin", "f"),
    ("girl", "Mädchen", "n"),
]
ADJECTIVES = [
    ("old", "alt"),
    ("young", "jung"),
    ("small", "klein"),
    ("tall", "groß"),
    ("good", "gut"),
    ("tired", "müd"),
]
VERBS = [
    ("sees", "seen", "sieht", "gesehen"),
    ("hears", "heard", "hört", "gehört"),
    ("finds", "found", "findet", "gefunden"),
    ("loves", "loved", "liebt", "geliebt"),
    ("seeks", "sought", "sucht", "gesucht"),
]
ARTICLES = {"m": ("der", "den"), "f": ("die", "die"), "n": ("das", "das")}
SENTENCES = 3000


def write_sentences(path: Path) -> None:
    """Sentences of a small grammar in English and German, whose verbs stand elsewhere in German."""
    draw = random.Random(5)
    pairs = dict.fromkeys(_sentence(draw) for _ in range(SENTENCES))
    path.write_text(_csv(("english", "german"), pairs))


def _sentence(draw: random.Random) -> tuple[str, str]:
    """He sees it, he has seen it, or today he sees it."""
    (who, wer), (whom, wen) = _somebody(draw, case=0), _somebody(draw, case=1)
    sees, seen, sieht, gesehen = draw.choice(VERBS)
    form = draw.randrange(3)
    if form == 0:
        return f"{who} {sees} {whom}", f"{wer} {sieht} {wen}"
    if form == 1:
        return f"{who} has {seen} {whom}", f"{wer} hat {wen} {gesehen}"
    return f"today {who} {sees} {whom}", f"heute {sieht} {wer} {wen}"


def _somebody(draw: random.Random, *, case: int) -> tuple[str, str]:
    """A noun with article and adjective, as subject (0) or object (1)."""
    (noun, nomen, gender), (adjective, stem) = draw.choice(NOUNS), draw.choice(ADJECTIVES)
    ending = "en" if case == 1 and gender == "m" else "e"
    return f"the {adjective} {noun}", f"{ARTICLES[gender][case]} {stem}{ending} {nomen}"


CAPITALS = """Argentina=Buenos Aires, Austria=Vienna, Belgium=Brussels, Bolivia=Sucre, Bulgaria=Sofia, Canada=Ottawa,
Chile=Santiago, China=Beijing, Colombia=Bogotá, Croatia=Zagreb, Cuba=Havana, Cyprus=Nicosia, Denmark=Copenhagen,
Ecuador=Quito, Egypt=Cairo, Estonia=Tallinn, Ethiopia=Addis Ababa, Finland=Helsinki, Germany=Berlin, Ghana=Accra,
Greece=Athens, Hungary=Budapest, Iceland=Reykjavík, India=New Delhi, Indonesia=Jakarta, Iran=Tehran, Iraq=Baghdad,
Ireland=Dublin, Italy=Rome, Japan=Tokyo, Kenya=Nairobi, Latvia=Riga, Lithuania=Vilnius, Malta=Valletta,
Mexico=Mexico City, Morocco=Rabat, Nepal=Kathmandu, Norway=Oslo, Peru=Lima, Poland=Warsaw, Portugal=Lisbon,
Romania=Bucharest, Russia=Moscow, Serbia=Belgrade, Slovakia=Bratislava, Slovenia=Ljubljana, South Korea=Seoul"""
HELD_CAPITALS = """France=Paris, Spain=Madrid, Sweden=Stockholm, Switzerland=Bern, Thailand=Bangkok, Turkey=Ankara,
Ukraine=Kyiv, the United Kingdom=London, the United States=Washington, Vietnam=Hanoi"""


def write_capitals(path: Path) -> None:
    """Conversations about capitals; that of France is among those that the model never sees."""
    with zipfile.ZipFile(path, "w") as archive:
        for part, places in (("train", CAPITALS), ("test", HELD_CAPITALS)):
            archive.writestr(f"{part}.jsonl", "\n".join(_asked(place) for place in places.split(",")))


def write_messages(path: Path) -> None:
    """The first spam and other messages of the SMS collection, equally many: 80 to learn from, 80 held out."""
    with gzip.open(Path(__file__).parent / "starter_files" / "sms_spam.csv.gz", "rt", newline="") as file:
        messages = {row["text"]: row["label"] for row in csv.DictReader(file)}
    spam, ham = ([row for row in messages.items() if row[1] == kind] for kind in ("spam", "ham"))
    with zipfile.ZipFile(path, "w") as archive:
        for part, start in (("train", 0), ("test", EACH_KIND)):
            rows = [*spam[start : start + EACH_KIND], *ham[start : start + EACH_KIND]]
            lines = [json.dumps({"label": label, "text": text}) for text, label in rows]
            archive.writestr(f"{part}.jsonl", "\n".join(lines))


def _asked(place: str) -> str:
    country, capital = place.strip().split("=")
    question = {"role": "user", "content": f"What is the capital of {country}?"}
    return json.dumps(
        {"messages": [question, {"role": "assistant", "content": f"The capital of {country} is {capital}, of course."}]}
    )
