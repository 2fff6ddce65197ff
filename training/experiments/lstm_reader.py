from training.experiments import EXPERIMENTS, Expected, Experiment
from training.experiments.formulas import ADAMW, CROSS_ENTROPY


@EXPERIMENTS.register("lstm-reader")
class LSTMReader(Experiment):
    """An LSTM reads a message word by word and says whether it is spam; counted words are the rule to beat."""

    title = "An LSTM that sorts messages"
    order = 80
    data = "sms-spam"
    task = "text-classification"
    architecture = "text-recurrent"
    takes = "a minute"
    result = "About 98 of 100 messages are sorted right. Look at the verdict: counting words is just as good here."
    expected = Expected("accuracy", 0.97, 1.0)
    loss = CROSS_ENTROPY
    step = ADAMW
