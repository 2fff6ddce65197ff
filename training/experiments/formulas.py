"""Losses and corrections that several experiments share."""

from training.experiments import Formula

CROSS_ENTROPY = Formula(
    r"L = -\frac{1}{n} \sum_{i=1}^{n} \log p(y_i \mid x_i)",
    "The loss is the surprise at the right answer: 0 when the model is sure of it, and large when it was sure of"
    " something else.",
)
NEXT_TOKEN = Formula(
    r"L = -\frac{1}{T} \sum_{t=1}^{T} \log p(x_t \mid x_1, \dots, x_{t-1})",
    "The loss is the mean surprise at the next piece of text. Guessing among 65 characters alike costs log 65 = 4.17.",
)
ADAMW = Formula(
    r"w \leftarrow w - \eta \left( \frac{m}{\sqrt{v} + \epsilon} + \lambda w \right)",
    "AdamW steps against the mean gradient m, divided by its usual size √v, so that every weight moves at its own"
    " pace; λ pulls weights gently towards zero.",
)
ADAM = Formula(
    r"w \leftarrow w - \eta \frac{m}{\sqrt{v} + \epsilon}",
    "Adam steps against the mean gradient m, divided by its usual size √v, so that every weight moves at its own pace.",
)
EXACT_LOGISTIC = Formula(
    r"w \leftarrow w - H^{-1} \nabla L(w)",
    "There is one valley only, and rounds that use the curvature H come to its floor in a few strides.",
)
MUON = Formula(
    r"W \leftarrow W - \eta \, U V^{\top}, \quad M = U \Sigma V^{\top}",
    "Muon takes the momentum M of a weight matrix and makes all its directions equally long before it steps, so that"
    " rare directions are learnt as fast as common ones.",
)
