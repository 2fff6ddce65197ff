from training.tasks import TASKS, Role, Task
from training.tasks.measures import CLASSIFICATION


@TASKS.register("audio-classification")
class AudioClassification(Task):
    """Sort sounds into categories: which word was said, which bird sings, which machine is about to fail."""

    title = "Sort sounds into categories"
    order = 45
    roles = (
        Role("target", "Predict this", ("category", "boolean", "number")),
        Role("sound", "Listen to this", ("audio",)),
    )
    metrics = CLASSIFICATION
    tryout = "audio"
    recommended = "audio-cnn"
    heeds = ("augment", "label_smoothing")
    mean_of = "classes"
