from training.experiments import EXPERIMENTS, Expected, Experiment, Formula
from training.experiments.formulas import ADAMW


@EXPERIMENTS.register("translator")
class Translator(Experiment):
    """An LSTM reads an English sentence, another one writes it in German and looks back at the words it needs."""

    title = "English to German, with attention"
    order = 105
    data = "small-grammar"
    task = "translation"
    architecture = "seq2seq-lstm"
    roles = {"source": ["english"], "target": ["german"]}
    takes = "a minute"
    result = (
        "Nearly every sentence is right, its verb at the end included. Try it: the map of attention shows which"
        " English word each German one came from."
    )
    expected = Expected("bleu", 90.0, 101.0)
    loss = Formula(
        r"L = -\frac{1}{T} \sum_{t=1}^{T} \log p(y_t \mid y_1, \dots, y_{t-1}, c_t), \quad"
        r" c_t = \sum_{s} \alpha_{ts} h_s",
        "The loss is the mean surprise at the next German token. What is known of the English sentence at that moment"
        " is a mean c of its words h, weighted by attention α.",
    )
    step = ADAMW
