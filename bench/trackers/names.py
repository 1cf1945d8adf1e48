"""Trackers by name: those that come with the bench, and those that other packages register."""

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from bench.errors import UserError, unknown
from bench.trackers.tracker import Tracker

GROUP = "bench.trackers"


def registered() -> dict[str, EntryPoint]:
    """Name -> where its factory is."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def opened(names: Sequence[str], folder: Path) -> dict[str, Tracker]:
    """The trackers by name, each with a folder below `folder` for its files.

    Raises UserError for an unknown one, one that cannot be made, and a folder that cannot be written.
    """
    known = registered()
    for name in names:
        if name not in known:
            raise unknown("tracker", name, known)
    return {name: _made(known[name], folder / name) for name in names}


def _made(point: EntryPoint, folder: Path) -> Tracker:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        factory: Callable[[Path], Tracker] = point.load()
        return factory(folder)
    except UserError:
        raise
    except OSError as error:
        raise UserError(
            f"--track-dir {folder.parent}: {error.strerror or error}. Give a folder you may write to."
        ) from None
    except Exception as error:
        raise UserError(
            f"tracker {point.name!r} ({point.value}) cannot be made: {type(error).__name__}: {error}"
        ) from error
