from training.tasks import TASKS, Role, Task
from training.tasks.measures import SUMMARY


@TASKS.register("summarization")
class Summarization(Task):
    """Say a text in fewer words, from texts with their summaries: headlines of articles, notes of meetings."""

    title = "Summarise texts"
    order = 56
    roles = (
        Role("source", "Summarise this", ("text",)),
        Role("target", "Like this", ("text", "category")),
    )
    metrics = SUMMARY
    tryout = "translation"
    recommended = "seq2seq-transformer"
    heeds = ("label_smoothing",)
