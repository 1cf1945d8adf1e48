"""Work that several metrics share is done once: results are remembered for as long as their inputs live."""

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def cached_by_identity(function: Callable[P, R]) -> Callable[P, R]:
    """Remember ``function(a, b, ...)`` by the identity of its positional arguments, without keeping them alive.

    For functions of ``Features`` only: frozen, compared by identity, never changed in place. The result lives as long
    as the first argument and is dropped when any of the others dies.
    """
    memory: weakref.WeakKeyDictionary[Any, dict[tuple[weakref.ref[Any], ...], Any]] = weakref.WeakKeyDictionary()

    @wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs:
            raise TypeError(f"{function.__name__} takes positional arguments only")
        first, *others = args
        results = memory.setdefault(first, {})
        key = tuple(weakref.ref(other) for other in others)
        if key not in results:
            for dead in [known for known in results if any(ref() is None for ref in known)]:
                del results[dead]
            results[key] = function(*args, **kwargs)
        return results[key]

    return remembered
