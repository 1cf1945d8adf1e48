"""Losses that tell a critic, and through it a generator, which class an image is of.

Embeddings and proxies are unit vectors, (N, E); labels are (N,). All return a scalar.
"""

import torch
from torch import Tensor
from torch.nn.functional import relu


def multi_hinge(scores: Tensor, labels: Tensor) -> Tensor:
    """E max(0, 1 + max over j != y of s_j - s_y), of scores (N, J): Crammer & Singer 2001.

    Kavalerov, Czaja, Chellappa 2021, arXiv:1912.04216, with K classes and one more for generated images, J = K + 1.
    """
    wanted = scores.gather(1, labels[:, None])
    others = scores.scatter(1, labels[:, None], -torch.inf)
    return relu(1 + others.amax(1, keepdim=True) - wanted).mean()


def conditional_contrastive(embeddings: Tensor, proxies: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """The 2C loss: an image's class proxy and the other images of its class against all other images.

    Kang & Park 2020, arXiv:2006.12681, eq. 8: -log of (e^(h.p / t) + sum over k != i, y_k = y_i of e^(h_i.h_k / t)) over the
    same with the sum over all k != i.
    """
    to_proxy = (embeddings * proxies).sum(1, keepdim=True) / temperature
    between = _without_self(embeddings @ embeddings.T / temperature)
    alike = between.masked_fill(labels[:, None] != labels, -torch.inf)
    positive = torch.cat([to_proxy, alike], 1).logsumexp(1)
    return (torch.cat([to_proxy, between], 1).logsumexp(1) - positive).mean()


def data_to_data(embeddings: Tensor, proxies: Tensor, labels: Tensor, temperature: float, margin: float) -> Tensor:
    """D2D-CE: an image's class proxy against the images of other classes, easy pairs left out.

    Kang, Shim, Cho, Park 2021, arXiv:2111.01118, eq. 7: with a = min(0, h.p - m) / t and b_k = max(0, h_i.h_k - (1 - m)) / t,
    -log of e^a over (e^a + sum over y_k != y_i of e^(b_k)). The margin m is that for positives; 1 - m is that for negatives
    (losses.py of PyTorch-StudioGAN at 947b35e, whose shift of the similarities by their maximum is left out: it changes the
    ratio).
    """
    positive = -relu(margin - (embeddings * proxies).sum(1, keepdim=True)) / temperature
    negative = relu(embeddings @ embeddings.T - (1 - margin)) / temperature
    negative = negative.masked_fill(labels[:, None] == labels, -torch.inf)
    return (torch.cat([positive, negative], 1).logsumexp(1) - positive[:, 0]).mean()


def _without_self(pairs: Tensor) -> Tensor:
    """Every image with itself is no pair: -inf on the diagonal of (N, N)."""
    return pairs.masked_fill(torch.eye(len(pairs), dtype=torch.bool, device=pairs.device), -torch.inf)
