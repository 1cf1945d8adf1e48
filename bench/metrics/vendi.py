"""Vendi score: the effective number of different samples.

Friedman & Dieng 2023 (arXiv:2210.02410), definition 3.1, with the cosine kernel: the exponential of the entropy of the
eigenvalues of K / N. 1 when all samples are alike, at most min(N, D). It knows nothing of realism.
"""

import torch

from bench.features.features import Features
from bench.features.products import outer

CHUNK = 4096


def vendi(fake: Features) -> float:
    """exp(-sum l log l) over the eigenvalues l of K / N, through whichever of the N x N and D x D forms is smaller."""
    count, width = fake.features.shape
    if count <= width:
        unit = _unit(fake.features)
        matrix = unit @ unit.T
    else:
        matrix = torch.zeros(width, width, dtype=torch.float64, device=fake.features.device)
        for rows in fake.features.split(CHUNK):
            matrix += outer(_unit(rows))
    eigenvalues = torch.linalg.eigvalsh(matrix / count).clamp(min=0)
    return float((-torch.xlogy(eigenvalues, eigenvalues).sum()).exp())


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows.double(), dim=1)
