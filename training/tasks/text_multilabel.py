from training.tasks import TASKS, Role, Task
from training.tasks.measures import LABELS


@TASKS.register("text-multilabel")
class TextMultilabel(Task):
    """Give texts any number of labels: what a complaint is about, which moods or genres a story has."""

    title = "Give texts several labels"
    order = 32
    roles = (
        Role("target", "Predict these labels", ("category", "text", "boolean", "number"), many=True),
        Role("text", "Read this", ("text", "category"), many=True),
    )
    metrics = LABELS
    tryout = "text"
    recommended = "counted-words"
    heeds = ("class_weights", "focal", "label_smoothing")
    mean_of = "labels"
