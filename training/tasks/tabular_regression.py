from training.tasks import TASKS, Role, Task
from training.tasks.measures import REGRESSION


@TASKS.register("tabular-regression")
class TabularRegression(Task):
    """Predict a number from a row: a price, a duration, a demand."""

    title = "Predict a number from a table"
    order = 20
    roles = (
        Role("target", "Predict this", ("number",)),
        Role("features", "Learn from", ("number", "boolean", "category", "text", "date", "image", "audio"), many=True),
    )
    metrics = REGRESSION
    tryout = "form"
    recommended = "mlp"
    recommended_many = "boosted-trees"
    recommended_thorough = "blend"
    recommended_mixed = "multimodal"
    heeds = ("huber", "augment")
    mean_of = "values"
