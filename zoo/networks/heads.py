"""What a critic ends in when it also looks at the class: from features (N, F) and labels (N,) to a tuple of tensors.

The first tensor is always the logits of real against generated, (N,).
"""

from torch import Tensor, nn
from torch.nn.functional import normalize

from zoo.networks.conditional import Projection

Judgement = tuple[Tensor, ...]


class PlainHead(nn.Module):
    """The logits alone; the class is not looked at."""

    def __init__(self, features: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(features, 1)

    def forward(self, features: Tensor, labels: Tensor) -> Judgement:
        return (self.linear(features).squeeze(1),)


class ProjectionHead(nn.Module):
    """Logits that depend on the class by a projection: Miyato & Koyama 2018, arXiv:1802.05637."""

    def __init__(self, features: int, classes: int):
        super().__init__()
        self.project = Projection(features, classes)

    def forward(self, features: Tensor, labels: Tensor) -> Judgement:
        return (self.project(features, labels),)


class ClassHead(PlainHead):
    """Beside the logits, `classifiers` linear classifiers of `outcomes` each, by default one of every class: (N, K)."""

    def __init__(self, features: int, classes: int, classifiers: int = 1, outcomes: int = 1):
        super().__init__(features, classes)
        self.classify = nn.ModuleList(nn.Linear(features, outcomes * classes, bias=False) for _ in range(classifiers))

    def forward(self, features: Tensor, labels: Tensor) -> Judgement:
        return (*super().forward(features, labels), *(classify(features) for classify in self.classify))


class MultiHingeHead(nn.Module):
    """One score for each class and one for generated images, (N, K + 1); and the features that are matched, (N, F).

    The logits are how far the asked class is ahead of the generated one.
    """

    def __init__(self, features: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(features, classes + 1)

    def forward(self, features: Tensor, labels: Tensor) -> Judgement:
        scores = self.linear(features)
        logits = scores.gather(1, labels[:, None]).squeeze(1) - scores[:, -1]
        return logits, scores, features


class ProxyHead(PlainHead):
    """Beside the logits, each image's embedding and its class's proxy, unit vectors (N, E)."""

    def __init__(self, features: int, classes: int, embedding: int = 512):
        super().__init__(features, classes)
        self.embed = nn.Linear(features, embedding)
        self.proxies = nn.Embedding(classes, embedding)

    def forward(self, features: Tensor, labels: Tensor) -> Judgement:
        embeddings, proxies = normalize(self.embed(features)), normalize(self.proxies(labels))
        return (*super().forward(features, labels), embeddings, proxies)
