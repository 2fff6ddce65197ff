from training.tasks import TASKS, Role, Task
from training.tasks.measures import CLASSIFICATION


@TASKS.register("tabular-classification")
class TabularClassification(Task):
    """Predict which category a row belongs to: will this customer leave, which species is it."""

    title = "Predict a category from a table"
    order = 10
    roles = (
        Role("target", "Predict this", ("category", "boolean", "number")),
        Role("features", "Learn from", ("number", "boolean", "category", "text", "date", "image", "audio"), many=True),
    )
    metrics = CLASSIFICATION
    tryout = "form"
    recommended = "mlp"
    recommended_many = "boosted-trees"
    recommended_thorough = "blend"
    recommended_mixed = "multimodal"
    heeds = ("class_weights", "focal", "label_smoothing", "augment")
    mean_of = "classes"
