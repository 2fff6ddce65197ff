from training.tasks import TASKS, Role, Task
from training.tasks.measures import LANGUAGE


@TASKS.register("language-modeling")
class LanguageModeling(Task):
    """Continue a text in its own style, token by token; a fine-tuned chat model learns the same way."""

    title = "Continue texts and chat"
    order = 50
    roles = (Role("text", "Read this", ("text", "category", "conversation")),)
    metrics = LANGUAGE
    tryout = "chat"
    recommended = "gpt"
    recommended_chat = "pretrained-causal"
    heeds = ("label_smoothing",)
