from training.experiments import EXPERIMENTS, Expected, Experiment
from training.experiments.formulas import CROSS_ENTROPY, EXACT_LOGISTIC


@EXPERIMENTS.register("xor-line")
class XorLine(Experiment):
    """Exclusive or: true where the inputs differ. No straight line separates these points, so this must fail."""

    title = "Exclusive or: where a straight line fails"
    order = 30
    data = "logical-xor"
    task = "tabular-classification"
    architecture = "linear"
    roles = {"target": ["differ"], "features": ["a", "b"]}
    plane = True
    takes = "a second"
    result = "At most three of four points are right, however long it trains: the loss stays at log 2 = 0.693."
    expected = Expected("accuracy", 0.0, 0.75)
    loss = CROSS_ENTROPY
    step = EXACT_LOGISTIC
