from training.tasks import TASKS, Role, Task
from training.tasks.measures import MATCHING


@TASKS.register("text-matching")
class TextMatching(Task):
    """Find the text that belongs to another: a question and its answer, a headline and its story, two ways to say one.

    Needs no wrong examples: what belongs to the other texts of a batch counts as wrong.
    """

    title = "Find the text that belongs to another"
    order = 37
    roles = (
        Role("first", "Text to start from", ("text", "category")),
        Role("second", "Text that belongs to it", ("text", "category")),
    )
    metrics = MATCHING
    tryout = "text"
    recommended = "pretrained-encoder"
