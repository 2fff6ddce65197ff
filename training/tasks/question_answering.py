from training.tasks import TASKS, Role, Task
from training.tasks.measures import ANSWERS


@TASKS.register("question-answering")
class QuestionAnswering(Task):
    """Answer questions with the words of a given text, or say that it holds no answer."""

    title = "Find the answer in a text"
    order = 37
    roles = (
        Role("context", "Look here", ("text", "category")),
        Role("question", "Asked is this", ("text", "category")),
        Role("answers", "Right answers", ("answers",)),
    )
    metrics = ANSWERS
    tryout = "question"
    recommended = "pretrained-encoder"
    grouped_by = "context"
