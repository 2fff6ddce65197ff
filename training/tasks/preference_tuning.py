from training.tasks import TASKS, Role, Task
from training.tasks.measures import VOTES


@TASKS.register("preference-tuning")
class PreferenceTuning(Task):
    """Teach a chat model from votes which of two answers to the same question is the better one."""

    title = "Learn from votes"
    order = 52
    roles = (
        Role("prompt", "The question", ("text", "category", "conversation")),
        Role("chosen", "The better answer", ("text", "category", "conversation")),
        Role("rejected", "The worse answer", ("text", "category", "conversation")),
    )
    metrics = VOTES
    tryout = "chat"
    recommended = "pretrained-causal"
