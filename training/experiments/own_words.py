from training.experiments import EXPERIMENTS, Expected, Experiment, Formula
from training.experiments.formulas import ADAMW


@EXPERIMENTS.register("own-words")
class OwnWords(Experiment):
    """A pretrained chat model learns from 50 conversations to speak in plain words; only thin matrices are trained."""

    title = "Teach a chat model your own words"
    order = 90
    data = "plain-words"
    task = "language-modeling"
    architecture = "pretrained-causal"
    recipe = {"epochs": 4, "accumulate": 1, "lr": 3e-4}
    takes = "some minutes"
    result = (
        "The held-out loss, counted on the answers only, falls from 4.9 nats for the untouched model to about 3.6, and"
        " the samples begin to sound like the conversations."
    )
    expected = Expected("nats", 3.2, 4.2)
    loss = Formula(
        r"L = -\frac{1}{|A|} \sum_{t \in A} \log p(x_t \mid x_1, \dots, x_{t-1})",
        "The loss is the mean surprise at the tokens A of the answers; the questions are read but not counted.",
    )
    step = Formula(
        r"W' = W + \frac{\alpha}{r} B A",
        "The weights W of the model stay as they are. Beside them a thin product B A of rank r is learnt, a"
        f" hundredth of the numbers. {ADAMW.about}",
    )
