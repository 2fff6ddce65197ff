from training.experiments import EXPERIMENTS, Expected, Experiment
from training.experiments.formulas import ADAM, CROSS_ENTROPY


@EXPERIMENTS.register("xor-network")
class XorNetwork(Experiment):
    """Exclusive or again, with a hidden layer between: two bends make of one line two, and the points come apart."""

    title = "Exclusive or: what a hidden layer is for"
    order = 40
    data = "logical-xor"
    task = "tabular-classification"
    architecture = "mlp"
    roles = {"target": ["differ"], "features": ["a", "b"]}
    settings = {"hidden_sizes": "8", "activation": "tanh", "dropout": 0.0}
    recipe = {
        "epochs": 400,
        "batch_size": 4,
        "optimizer": "adam",
        "lr": 0.05,
        "weight_decay": 0.0,
        "schedule": "constant",
        "warmup": 0.0,
    }
    plane = True
    takes = "some seconds"
    result = "All four points are right after some hundred small corrections."
    expected = Expected("accuracy", 1.0, 1.0)
    loss = CROSS_ENTROPY
    step = ADAM
