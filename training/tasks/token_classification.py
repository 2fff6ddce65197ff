from training.tasks import TASKS, Role, Task
from training.tasks.measures import ENTITIES


@TASKS.register("token-classification")
class TokenClassification(Task):
    """Find names and terms in texts and say what they are: people, places, products."""

    title = "Find names and terms in texts"
    order = 35
    roles = (Role("spans", "Learn these marks", ("spans",)),)
    metrics = ENTITIES
    tryout = "text"
    recommended = "pretrained-encoder"
    heeds = ("class_weights", "label_smoothing")
    mean_of = "classes"
