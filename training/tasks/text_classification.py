from training.tasks import TASKS, Role, Task
from training.tasks.measures import CLASSIFICATION


@TASKS.register("text-classification")
class TextClassification(Task):
    """Sort texts into categories: spam or not, which topic, how satisfied."""

    title = "Sort texts into categories"
    order = 30
    roles = (
        Role("target", "Predict this", ("category", "boolean", "number")),
        Role("text", "Read this", ("text", "category"), many=True),
    )
    metrics = CLASSIFICATION
    tryout = "text"
    recommended = "counted-words"
    heeds = ("class_weights", "focal", "label_smoothing")
    mean_of = "classes"
