from training.experiments import EXPERIMENTS, Expected, Experiment, Formula


@EXPERIMENTS.register("least-squares")
class LeastSquares(Experiment):
    """The smallest training there is: a line through (1, 2), (2, 4), (3, 6) and (4, 8), found in one step."""

    title = "A line through four points"
    order = 10
    data = "four-points"
    task = "tabular-regression"
    architecture = "linear"
    roles = {"target": ["y"], "features": ["x"]}
    takes = "a second"
    result = "The weight of x is 2, the constant is 0, and nothing is left over: R² is 1."
    expected = Expected("r2", 0.999999, 1.0)
    loss = Formula(
        r"L = \frac{1}{n} \sum_{i=1}^{n} (w x_i + b - y_i)^2",
        "The loss is the mean squared distance between the line and the points.",
    )
    step = Formula(
        r"w = (X^{\top} X)^{-1} X^{\top} y",
        "A sum of squares has a single lowest point, and a formula leads to it: no learning rate, no second step.",
    )
