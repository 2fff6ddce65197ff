from training.experiments import EXPERIMENTS, Expected, Experiment
from training.experiments.formulas import ADAMW, NEXT_TOKEN


@EXPERIMENTS.register("lstm-writer")
class LSTMWriter(Experiment):
    """An LSTM reads Shakespeare letter by letter and writes on: the samples learn spaces, then words, then speakers."""

    title = "An LSTM that continues text"
    order = 70
    data = "tiny-shakespeare"
    task = "language-modeling"
    architecture = "recurrent-lm"
    takes = "two minutes"
    result = (
        "The held-out loss falls from 4.17 to about 1.9 nats a letter, and the samples look like a play. Look at the "
        "verdict: counting groups of six letters guesses better still, at 1.6."
    )
    expected = Expected("nats", 1.5, 2.1)
    loss = NEXT_TOKEN
    step = ADAMW
