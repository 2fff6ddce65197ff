from training.tasks import TASKS, Metric, Role, Task


@TASKS.register("speech-recognition")
class SpeechRecognition(Task):
    """Write down what is said: short commands, names, numbers, sentences."""

    title = "Write down what is said"
    order = 47
    roles = (
        Role("target", "Write this", ("text", "category")),
        Role("sound", "Listen to this", ("audio",)),
    )
    metrics = (
        Metric(
            "wer",
            "Word error rate",
            "Words that are wrong, missing or too many, for each word that was said.",
            higher_is_better=False,
            percent=True,
        ),
        Metric(
            "cer",
            "Character error rate",
            "Characters that are wrong, missing or too many, for each character that was said.",
            higher_is_better=False,
            percent=True,
        ),
    )
    tryout = "audio"
    recommended = "ctc"
    heeds = ("augment",)
