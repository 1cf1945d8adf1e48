"""Statistics made elsewhere: ``.npz`` with ``mu`` (D,) and ``sigma`` (D, D), as pytorch-fid, TTUR and ADM write.

They hold no features, so they serve FID only, and do not say from how many images they come.
"""

from pathlib import Path

import numpy as np
import torch

from bench.data.imports.array_files import holds_arrays, stored_arrays
from bench.errors import UserError
from bench.features.statistics import Statistics

EXPECTED = "Expected an .npz with mu of shape (D,) and sigma of shape (D, D), finite, sigma symmetric."


def read_statistics(path: Path) -> Statistics:
    """The statistics in float64; raises UserError for anything else than a mean and a covariance."""
    mean, covariance = (_numbers(path, name) for name in ("mu", "sigma"))
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)) or len(mean) == 0:
        raise UserError(f"{path}: mu has shape {mean.shape} and sigma {covariance.shape}. {EXPECTED}")
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise UserError(f"{path}: mu or sigma holds NaN or infinity. {EXPECTED}")
    scale = np.abs(covariance).max()
    if not np.allclose(covariance, covariance.T, rtol=1e-4, atol=1e-6 * scale):
        raise UserError(f"{path}: sigma is not symmetric. {EXPECTED}")
    if covariance.diagonal().min() < -1e-6 * scale:
        raise UserError(f"{path}: sigma has negative variances. {EXPECTED}")
    return Statistics(torch.from_numpy(mean), 0, torch.from_numpy((covariance + covariance.T) / 2))


def _numbers(path: Path, name: str) -> np.ndarray:
    arrays = stored_arrays(path)
    if name not in arrays:
        raise UserError(f"{path}: holds no {name}. {EXPECTED}")
    if arrays[name].dtype.kind not in "fiu":
        raise UserError(f"{path}: {name} holds {arrays[name].dtype}, not real numbers. {EXPECTED}")
    return arrays[name].read().astype(np.float64)


def holds_statistics(path: Path) -> bool:
    """Whether a file is an .npz with an array called mu."""
    return holds_arrays(path) and "mu" in stored_arrays(path)
