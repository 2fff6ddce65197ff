from training.experiments import EXPERIMENTS, Expected, Experiment
from training.experiments.formulas import CROSS_ENTROPY, EXACT_LOGISTIC


@EXPERIMENTS.register("truth-table")
class TruthTable(Experiment):
    """Logical AND: true only where both inputs are. One straight line separates the four points."""

    title = "Logical AND with a straight line"
    order = 20
    data = "logical-and"
    task = "tabular-classification"
    architecture = "linear"
    roles = {"target": ["both"], "features": ["a", "b"]}
    plane = True
    takes = "a second"
    result = "All four points are right: a weight for a, one for b and a constant are enough."
    expected = Expected("accuracy", 1.0, 1.0)
    loss = CROSS_ENTROPY
    step = EXACT_LOGISTIC
