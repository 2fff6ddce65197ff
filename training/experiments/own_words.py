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
    takes = "some minutes"
    result = "The held-out loss, counted on the answers only, falls below that of the untouched model."
    expected = Expected("nats", 0.0, 3.0)
    loss = Formula(
        r"L = -\frac{1}{|A|} \sum_{t \in A} \log p(x_t \mid x_1, \dots, x_{t-1})",
        "The loss is the mean surprise at the tokens A of the answers; the questions are read but not counted.",
    )
    step = Formula(
        r"W' = W + \frac{\alpha}{r} B A",
        "The weights W of the model stay as they are. Beside them a thin product B A of rank r is learnt, a"
        f" hundredth of the numbers. {ADAMW.about}",
    )
