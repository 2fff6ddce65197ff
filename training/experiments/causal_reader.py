from training.experiments import EXPERIMENTS, Expected, Experiment, Formula
from training.experiments.formulas import ADAMW


@EXPERIMENTS.register("causal-reader")
class CausalReader(Experiment):
    """The chat model of “Teach a chat model your own words” gets another last layer and sorts messages instead."""

    title = "The same model sorts texts"
    order = 95
    data = "few-messages"
    task = "text-classification"
    architecture = "causal-reader"
    settings = {"trained": "last", "counted": False, "length": 48}
    recipe = {"epochs": 2, "evaluations": 1}
    takes = "a minute or two"
    result = (
        "After 80 messages about 91 of 100 others are sorted right: what it knows of language carries over. Look at the"
        " verdict, though: counting words does better here, in a fraction of a second."
    )
    expected = Expected("accuracy", 0.8, 1.0)
    loss = Formula(
        r"L = -\frac{1}{n} \sum_{i=1}^{n} \log \mathrm{softmax}(W h_{T_i} + b)_{y_i}",
        "The model reads a message to its last token T; what it has noted there, h, goes through a new layer W, and the"
        " loss is the surprise at the right answer.",
    )
    step = ADAMW
