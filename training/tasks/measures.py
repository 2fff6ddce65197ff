"""The measures that several tasks share."""

from training.tasks import Metric

LOSS = Metric("loss", "Loss", "How far off the model is, on average; what the training makes small.", False)

ACCURACY = Metric("accuracy", "Accuracy", "Share of examples that are right.", percent=True)
BALANCED_ACCURACY = Metric(
    "balanced_accuracy",
    "Balanced accuracy",
    "Share found of each class, averaged over the classes, however rare; also called recall (macro).",
    percent=True,
)
MACRO_PRECISION = Metric(
    "precision", "Precision (macro)", "Share right of what was called a class, averaged over the classes.", percent=True
)
F1 = Metric("f1", "F1 (macro)", "Finding a class and being right about it, averaged over the classes.", percent=True)
ROC_AUC = Metric("roc_auc", "ROC AUC", "How well the classes are told apart; 0.5 is guessing, 1 is perfect.")
LOG_LOSS = Metric("log_loss", "Log loss", "Punishes being sure and wrong.", higher_is_better=False)
TOP5 = Metric(
    "top5", "Top 5", "Share of examples whose class is among the five likeliest; for more than five.", percent=True
)
CLASSIFICATION = (ACCURACY, BALANCED_ACCURACY, MACRO_PRECISION, F1, ROC_AUC, LOG_LOSS, TOP5)

MICRO_F1 = Metric(
    "micro_f1", "F1 (micro)", "Finding labels and being right about them; common labels count more.", percent=True
)
MACRO_F1 = Metric(
    "macro_f1", "F1 (macro)", "The same for each label by itself, averaged: rare labels count as much.", percent=True
)
ALL_RIGHT = Metric("exact_match", "All labels right", "Share of texts with exactly the right labels.", percent=True)
LABELS = (MICRO_F1, MACRO_F1, ALL_RIGHT)

R2 = Metric("r2", "R²", "Share of the ups and downs that is explained; 0 is no better than the mean, 1 is perfect.")
RMSE = Metric("rmse", "RMSE", "Typical error, large ones counting more; in the target's unit.", higher_is_better=False)
MAE = Metric("mae", "Mean error", "Average distance from the truth, in the target's unit.", higher_is_better=False)
REGRESSION = (R2, RMSE, MAE)

ENTITY_F1 = Metric("f1", "F1 (names)", "Finding names whole and calling them by the right kind.", percent=True)
PRECISION = Metric("precision", "Precision", "Share right of what was found.", percent=True)
RECALL = Metric("recall", "Recall", "Share found of what is there.", percent=True)
TOKEN_ACCURACY = Metric(
    "accuracy", "Accuracy (words)", "Share of words with the right tag, those that are no name included.", percent=True
)
ENTITIES = (ENTITY_F1, PRECISION, RECALL, TOKEN_ACCURACY)

ANSWER_F1 = Metric(
    "f1", "F1 (words)", "How far the words of the answer agree with those of the right one.", percent=True
)
EXACT_MATCH = Metric("exact_match", "Exact match", "Share of answers that are right to the word.", percent=True)
ANSWERED = Metric(
    "answered",
    "Answered rightly or not at all",
    "Share of questions where “no answer” was said rightly, or not.",
    percent=True,
)
ANSWERS = (ANSWER_F1, EXACT_MATCH, ANSWERED)

SPEARMAN = Metric(
    "spearman", "Rank correlation", "How well pairs are put in order of likeness; 1 is perfect, 0 is chance (Spearman)."
)
PEARSON = Metric("pearson", "Correlation", "How well likeness follows the given numbers in a straight line (Pearson).")
ALIKE = (SPEARMAN, PEARSON)

FOUND_FIRST = Metric(
    "found_first", "Found first", "How often the text that belongs is the likest of all held-out ones.", percent=True
)
MRR = Metric("mrr", "Mean reciprocal rank", "One over the place of the text that belongs, on average; 1 is perfect.")
MATCHING = (FOUND_FIRST, MRR)

NATS = Metric(
    "nats", "Held-out loss", "Surprise per token on unseen text, in nats; smaller is better.", False, unit="nats"
)
PERPLEXITY = Metric("perplexity", "Perplexity", "As if choosing among so many equally likely next tokens.", False)
BITS_PER_BYTE = Metric("bits_per_byte", "Bits per byte", "Surprise per byte, comparable between vocabularies.", False)
BLEU = Metric("bleu", "BLEU", "Runs of one to four words shared with a person's translation; 100 is word for word.")
CHRF = Metric("chrf", "chrF", "Groups of letters shared with a person's translation; kinder to endings than BLEU.")
TRANSLATION = (BLEU, CHRF)

ROUGE_L = Metric("rougel", "ROUGE-L", "Words shared with a person's summary in the same order.", percent=True)
ROUGE_1 = Metric("rouge1", "ROUGE-1", "Words shared with a person's summary.", percent=True)
ROUGE_2 = Metric("rouge2", "ROUGE-2", "Pairs of words shared with a person's summary.", percent=True)
SUMMARY = (ROUGE_L, ROUGE_1, ROUGE_2)

ANSWER_ROUGE = Metric(
    "rougel", "ROUGE-L of answers", "Words shared with the answers in the data, in the same order.", percent=True
)
LANGUAGE = (NATS, PERPLEXITY, BITS_PER_BYTE, ANSWER_ROUGE, EXACT_MATCH)
"""The last two are for conversations only."""

COMPANY = Metric(
    "company",
    "Company known",
    "How often a real neighbour in unseen text beats a random word; 50 % is guessing.",
    percent=True,
)
PAIR_LOSS = Metric(
    "pair_loss",
    "Held-out loss",
    "Surprise at which of the two is real, in nats; guessing is 0.693.",
    False,
    unit="nats",
)
WORD_VECTORS = (COMPANY, PAIR_LOSS)

PREFERRED = Metric(
    "preferred",
    "Better answer preferred",
    "How often the chosen answer gained more than the rejected one.",
    percent=True,
)
VOTES = (PREFERRED, PAIR_LOSS)
