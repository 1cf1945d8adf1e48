"""Reference statistics made elsewhere: ``.npz`` with ``mu`` (D,) and ``sigma`` (D, D), as pytorch-fid, TTUR and ADM write.

They hold no features, so they serve FID only, and do not say from how many images they come.
"""

import zipfile
from pathlib import Path

import numpy as np
import torch

from bench.errors import UserError
from bench.features.statistics import Statistics

EXPECTED = "Expected an .npz with mu of shape (D,) and sigma of shape (D, D), finite, sigma symmetric."


def read_statistics(path: Path) -> Statistics:
    """The statistics in float64; raises UserError for anything else than a mean and a covariance."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            mean, covariance = (np.asarray(file[name], np.float64) for name in ("mu", "sigma"))
    except KeyError as error:
        raise UserError(f"{path}: {error.args[0]} {EXPECTED}") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as .npz ({error}). {EXPECTED}") from None
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)) or len(mean) == 0:
        raise UserError(f"{path}: mu has shape {mean.shape} and sigma {covariance.shape}. {EXPECTED}")
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise UserError(f"{path}: mu or sigma holds NaN or infinity. {EXPECTED}")
    if not np.allclose(covariance, covariance.T, rtol=1e-4, atol=1e-6 * np.abs(covariance).max()):
        raise UserError(f"{path}: sigma is not symmetric. {EXPECTED}")
    return Statistics(torch.from_numpy(mean), 0, torch.from_numpy((covariance + covariance.T) / 2))


def holds_statistics(path: Path) -> bool:
    """Whether a file is an .npz with a member called mu."""
    try:
        with zipfile.ZipFile(path) as file:
            return "mu.npy" in file.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
