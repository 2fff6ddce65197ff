from training.tasks import TASKS, Metric, Role, Task


@TASKS.register("object-detection")
class ObjectDetection(Task):
    """Find things in pictures and draw a box around each: which products, where is the defect, how many animals."""

    title = "Find things in pictures"
    order = 42
    roles = (
        Role("target", "Find these", ("boxes",)),
        Role("image", "Look at this", ("image",)),
    )
    metrics = (
        Metric(
            "map50",
            "mAP at half overlap",
            "Precision averaged over how many things are found; a box counts when it overlaps the true one by half.",
            percent=True,
        ),
        Metric("map", "mAP", "The same, averaged over overlaps from 50 to 95 %: rewards boxes that fit.", percent=True),
    )
    tryout = "image"
    recommended = "detector"
    heeds = ("augment",)
