from training.tasks import TASKS, Role, Task
from training.tasks.measures import TRANSLATION


@TASKS.register("translation")
class Translation(Task):
    """Turn a text into another language, from pairs that say the same: captions, manuals, product names."""

    title = "Translate texts"
    order = 55
    roles = (
        Role("source", "Translate this", ("text", "category")),
        Role("target", "Into this", ("text", "category")),
    )
    metrics = TRANSLATION
    tryout = "translation"
    recommended = "seq2seq-transformer"
    heeds = ("label_smoothing",)
