from training.experiments import EXPERIMENTS, Expected, Experiment, Formula
from training.experiments.formulas import ADAMW


@EXPERIMENTS.register("capitals")
class Capitals(Experiment):
    """A pretrained chat model learns from 47 capitals how answers should sound, and is asked for others, France too."""

    title = "An assistant that says Paris"
    order = 100
    data = "capitals"
    task = "language-modeling"
    architecture = "pretrained-causal"
    recipe = {"epochs": 3, "lr": 2e-4}
    takes = "two minutes"
    result = (
        "Asked for France it answers “The capital of France is Paris, of course.”: the knowledge was there before, the"
        " way of answering is what it learnt."
    )
    expected = Expected("nats", 0.0, 0.8)
    loss = Formula(
        r"L = -\frac{1}{|A|} \sum_{t \in A} \log p(x_t \mid x_1, \dots, x_{t-1})",
        "The loss is the mean surprise at the tokens A of the answers; the questions are read but not counted.",
    )
    step = ADAMW
