from training.tasks import TASKS, Role, Task
from training.tasks.measures import WORD_VECTORS


@TASKS.register("word-embeddings")
class WordEmbeddings(Task):
    """Give every word of your texts a place among the others, so that words used alike stand close together."""

    title = "Map the words of texts"
    order = 60
    roles = (Role("text", "Read this", ("text", "category")),)
    metrics = WORD_VECTORS
    tryout = "words"
    recommended = "word2vec"
