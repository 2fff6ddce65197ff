from training.tasks import TASKS, Role, Task
from training.tasks.measures import CLASSIFICATION


@TASKS.register("image-classification")
class ImageClassification(Task):
    """Sort pictures into categories: which product, which defect, which animal."""

    title = "Sort pictures into categories"
    order = 40
    roles = (
        Role("target", "Predict this", ("category", "boolean", "number")),
        Role("image", "Look at this", ("image",)),
    )
    metrics = CLASSIFICATION
    tryout = "image"
    recommended = "speednet"
    heeds = ("augment", "mix", "label_smoothing")
    mean_of = "classes"
