"""The plain convolutional network: filters that look for edges, filters that combine them, and a vote."""

from __future__ import annotations

from torch import Tensor, nn

from training.architectures import Shapes


class CNN(nn.Module):
    """Convolution, pooling, convolution, pooling, a dense layer with dropout, scores."""

    def __init__(self, shapes: Shapes, *, filters: int, hidden: int, dropout: float, largest_map: int) -> None:
        super().__init__()
        rows, columns = (min(side // 4, largest_map) for side in (shapes.height, shapes.width))
        self.features = nn.Sequential(
            nn.Conv2d(shapes.channels, filters, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(filters, 2 * filters, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.AdaptiveAvgPool2d((rows, columns)),
            nn.Flatten(),
        )
        self.dense = nn.Sequential(nn.Linear(2 * filters * rows * columns, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(hidden, shapes.outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores (B, classes) of pictures (B, C, H, W)."""
        scores: Tensor = self.head(self.dense(self.features(pictures)))
        return scores
