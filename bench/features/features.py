"""What an extractor gives for the images of one sample."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Features:
    """One sample as one extractor sees it. Compared by identity, so that shared work can be remembered per object."""

    features: Tensor  # (N, D) float32 or float64
    logits: Tensor | None = None  # (N, K): class scores of the extractor, before softmax
    labels: Tensor | None = None  # (N,) int64: the classes asked for (fake) or given (real)

    def __len__(self) -> int:
        return len(self.features)
