from training.tasks import TASKS, Role, Task
from training.tasks.measures import ALIKE


@TASKS.register("text-similarity")
class TextSimilarity(Task):
    """Tell how alike two texts are: the same question asked twice, a product and its copy, a term and its meaning."""

    title = "Tell how alike two texts are"
    order = 36
    roles = (
        Role("target", "How alike they are", ("number",)),
        Role("first", "First text", ("text", "category")),
        Role("second", "Second text", ("text", "category")),
    )
    metrics = ALIKE
    tryout = "text"
    recommended = "pretrained-encoder"
