from training.tasks import TASKS, Role, Task
from training.tasks.measures import REGRESSION


@TASKS.register("text-regression")
class TextRegression(Task):
    """Read a number out of a text: how many stars a review gave, how urgent or how easy to read it is."""

    title = "Predict a number from a text"
    order = 34
    roles = (
        Role("target", "Predict this", ("number",)),
        Role("text", "Read this", ("text", "category"), many=True),
    )
    metrics = REGRESSION
    tryout = "text"
    recommended = "counted-words"
    heeds = ("huber",)
    mean_of = "values"
