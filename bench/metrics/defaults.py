"""What is measured where no metric was named: the facts say which metrics, the data set says through which network."""

from bench import metric_facts
from bench.features import networks
from bench.metric_facts import MetricId
from bench.metrics.inputs import needs_extractor


def default_ids(dataset: str, *, pairs: bool = False) -> list[str]:
    """Ids for a data set, or for any images where ``dataset`` is no known name.

    They are on the network made for the set, else on the one for photographs, else on random weights, which the ids then
    say. Metrics of classes come only with the first: no other network knows the set's classes. What cannot be measured on
    the images that there are is left to `bench.metrics.preconditions.applicable`.
    """
    extractor = networks.default_for(dataset)
    wanted = {"always"} | ({"classes"} if networks.made_for(dataset) else set()) | ({"pairs"} if pairs else set())
    found: list[str] = []
    for name, facts in metric_facts.everything().items():
        if facts.default in wanted:
            network = extractor if any(needs_extractor(need) for need in facts.needs) else None
            splits = (False, True) if facts.both_splits else (False,)
            found += [str(MetricId(name, network, held_out)) for held_out in splits]
    return found
