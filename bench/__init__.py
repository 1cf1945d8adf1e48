"""GAN Bench: which GAN is better, by how much, how sure, and at what cost.

`import bench` gives the functions of docs/python.md. They are loaded when they are first used, so that importing costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.api.listings import (
        build,
        list_datasets,
        list_extractors,
        list_members,
        list_metrics,
        list_suites,
    )
    from bench.api.scores import (
        coverage,
        density,
        fid,
        inception_score,
        kid,
        measure,
        precision,
        recall,
        score,
    )
    from bench.api.tables import compare, curves, figures, leaderboard, load_records, verdict
    from bench.api.trained import Training, grid, sample, train
    from bench.errors import UserError

__all__ = [
    "Training",
    "UserError",
    "build",
    "compare",
    "coverage",
    "curves",
    "density",
    "fid",
    "figures",
    "grid",
    "inception_score",
    "kid",
    "leaderboard",
    "list_datasets",
    "list_extractors",
    "list_members",
    "list_metrics",
    "list_suites",
    "load_records",
    "measure",
    "precision",
    "recall",
    "sample",
    "score",
    "train",
    "verdict",
]

_HOMES = {
    "bench.api.listings": ("build", "list_datasets", "list_extractors", "list_members", "list_metrics", "list_suites"),
    "bench.api.scores": (
        "coverage", "density", "fid", "inception_score", "kid", "measure", "precision", "recall", "score",
    ),
    "bench.api.tables": ("compare", "curves", "figures", "leaderboard", "load_records", "verdict"),
    "bench.api.trained": ("Training", "grid", "sample", "train"),
    "bench.errors": ("UserError",),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public function, loaded with all that it needs (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
