"""Names for the shell to complete. Nothing heavy is imported: a press of the tab key is answered at once."""

from collections.abc import Callable, Iterable


def _starting(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def _members() -> Iterable[str]:
    from bench import members

    return members.listings()


def _suites() -> Iterable[str]:
    from bench.suites import suite

    return suite.names()


def _datasets() -> Iterable[str]:
    from bench import data

    return data.names()


def _metrics() -> Iterable[str]:
    from bench import metric_facts

    return metric_facts.everything()


def _anything() -> Iterable[str]:
    return {*_members(), *_suites(), *_metrics(), *_datasets()}


members = _starting(_members)
datasets = _starting(_datasets)
metrics = _starting(_metrics)
anything = _starting(_anything)
suites = _starting(_suites)
