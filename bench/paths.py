"""Where things live outside the tree: the cache, and the user's own data sets."""

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """The cache for checkpoints, prepared data, features and downloads: ``$BENCH_HOME`` or the platform's cache folder."""
    return Path(os.environ.get("BENCH_HOME") or platformdirs.user_cache_dir("gan-bench")).expanduser()


def data_root(given: str | os.PathLike[str] | None = None) -> Path | None:
    """A torchvision-style root that is looked at before anything is downloaded: the argument, else ``$BENCH_DATA``."""
    root = given or os.environ.get("BENCH_DATA")
    return Path(root).expanduser() if root else None
