from training.experiments import EXPERIMENTS, Expected, Experiment, Formula
from training.experiments.formulas import ADAMW


@EXPERIMENTS.register("word-map")
class WordMap(Experiment):
    """Each word of Shakespeare becomes a point, and words that keep the same company come to lie together."""

    title = "A map of words"
    order = 120
    data = "tiny-shakespeare"
    task = "word-embeddings"
    architecture = "word2vec"
    takes = "a minute"
    result = (
        "It tells a real neighbour from a random word a little better than chance, as this is little text. Try it: ask"
        " for the neighbours of “king”, and look at the map."
    )
    expected = Expected("company", 0.52, 0.7)
    loss = Formula(
        r"L = -\log \sigma(u_c^{\top} v_w) - \sum_{k} \log \sigma(-u_k^{\top} v_w)",
        "The loss asks of a word w that its vector v fits the vectors u of the words c around it, and does not fit"
        " those of words k drawn at random.",
    )
    step = ADAMW
