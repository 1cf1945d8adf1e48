"""What must be so for a metric to be measured, asked before any work: no pixel is looked at, no network is run.

What a metric needs stands in its facts (bench.metric_facts). Each check gives the rest of the sentence
"metric 'fid@digits-cnn' ...", or None.
"""

from collections.abc import Callable, Iterator, Sequence

import torch

from bench.errors import UserError
from bench.features.sample import Extractor, Sample, smallest
from bench.metric_facts import MetricFacts, MetricId, find
from bench.metrics.inputs import EXTRACTED, EvaluationInputs, needs_extractor, sides_of, spaces_of
from bench.metrics.perceptual import LPIPS_NETWORKS

NO_PAIRS = "compares pairs of images; this task has none. Leave it out."
NO_HELD_OUT = "needs held-out images, and the real images have no such split. Leave it out, or give a folder with train/ and test/."


def problem(metric: MetricId, inputs: EvaluationInputs, extractor: Extractor | None = None) -> str | None:
    """Why a metric cannot be measured on these inputs, or None.

    Without the ``extractor`` what depends on it (whether it classifies, and how many classes) is not asked.
    Raises UserError for an unknown metric.
    """
    facts = find(metric.name)
    return next(_problems(metric, facts, inputs, extractor), None)


def check(metric: MetricId, inputs: EvaluationInputs, extractor: Extractor | None = None) -> None:
    """Raise the UserError that says why a metric cannot be measured on these inputs."""
    reason = problem(metric, inputs, extractor)
    if reason is not None:
        raise UserError(f"metric {str(metric)!r} {reason}")


def applicable(
    ids: Sequence[str], inputs: EvaluationInputs, load: Callable[[str], Extractor | None] = lambda name: None
) -> list[str]:
    """Those of the ids that can be measured on these inputs; raises UserError for an unknown metric or extractor."""
    found: list[str] = []
    for text in ids:
        metric = MetricId.parse(text)
        extractor = None if metric.extractor is None else load(metric.extractor)
        if problem(metric, inputs, extractor) is None:
            found.append(text)
    return found


def _problems(
    metric: MetricId, facts: MetricFacts, inputs: EvaluationInputs, extractor: Extractor | None
) -> Iterator[str]:
    yield from _of_the_id(metric, facts)
    yield from _of_paths(facts, inputs)
    for name, forms in sides_of(facts).items():
        side = inputs.side(name, metric.held_out)
        if side is None:
            yield NO_PAIRS if name in ("output", "target") else NO_HELD_OUT
        elif isinstance(side, Sample):
            yield from _of_a_sample(side, name, facts)
        elif forms != {"statistics"}:
            yield _statistics_only(name)
    if facts.per_class or facts.class_pairs:
        yield from _of_classes(metric, facts, inputs)
    if extractor is not None:
        yield from _of_the_size(inputs, metric, facts, extractor)
    if extractor is not None and facts.classifier:
        yield from _of_the_classifier(metric, facts, inputs, extractor)


def _of_the_id(metric: MetricId, facts: MetricFacts) -> Iterator[str]:
    name, network = metric.name, metric.extractor
    extracted = any(needs_extractor(need) for need in facts.needs)
    if network is None and extracted:
        example = facts.networks[0] if facts.networks else "digits-cnn"
        yield f"needs an extractor. Write for instance '{name}@{example}' (see `bench list extractors`)."
    if network and not extracted:
        yield f"looks at pixels. Leave out '@{network}'."
    if network in LPIPS_NETWORKS and any(form in EXTRACTED for forms in sides_of(facts).values() for form in forms):
        yield f"keeps features, and {network} measures distances of images. It serves LPIPS and path lengths."
    if network and facts.lpips and network not in LPIPS_NETWORKS:
        yield f"is defined on {', '.join(LPIPS_NETWORKS)}, not on {network}. Write for instance {name}@{LPIPS_NETWORKS[0]}."
    if network and facts.networks and network not in facts.networks:
        yield f"is defined on {', '.join(facts.networks)}, not on {network}. Write for instance {name}@{facts.networks[0]}."
    if metric.held_out and "real" not in sides_of(facts):
        yield "has no real side to choose. Leave out ':held-out'."


def _of_paths(facts: MetricFacts, inputs: EvaluationInputs) -> Iterator[str]:
    for space in spaces_of(facts):
        if space not in inputs.paths:
            yield f"needs a generator with a latent space {space}, and there is none here. Leave it out."


def _of_a_sample(sample: Sample, side: str, facts: MetricFacts) -> Iterator[str]:
    count, channels, height, width = sample.images.shape
    if count < facts.minimum:
        yield (
            f"needs at least {facts.minimum} samples; {sample.name} has {count}. Draw more samples or leave the metric out."
        )
    if side in facts.labels and sample.labels is None:
        yield f"needs class labels; {sample.name} has none. Leave it out, or give images with labels."
    if facts.channels is not None and channels != facts.channels:
        yield f"needs images of {facts.channels} channels; {sample.name} has {channels}. Leave it out."
    if min(height, width) < facts.pixels:
        yield f"needs images of at least {facts.pixels} pixels; {sample.name} has {width} x {height}. Leave it out."


def _of_the_size(inputs: EvaluationInputs, metric: MetricId, facts: MetricFacts, extractor: Extractor) -> Iterator[str]:
    for name in sides_of(facts):
        side = inputs.side(name, metric.held_out)
        if isinstance(side, Sample) and min(side.images.shape[2:]) < smallest(extractor):
            _, _, height, width = side.images.shape
            yield (
                f"needs images of at least {smallest(extractor)} pixels for {extractor.name}; {side.name} has "
                f"{width} x {height}. Leave it out, or choose another network."
            )


def _statistics_only(side: str) -> str:
    where = "the fakes are" if side == "fake" else "the real side is"
    return (
        f"needs images; {where} statistics (mean and covariance), which serve FID only. Name a data set or a folder of "
        f"images instead."
    )


def _of_classes(metric: MetricId, facts: MetricFacts, inputs: EvaluationInputs) -> Iterator[str]:
    fake, real = inputs.side("fake"), inputs.side("real", metric.held_out)
    if not isinstance(fake, Sample) or fake.labels is None:
        return
    counts = fake.labels.bincount()
    pairs = int((counts // 2).sum())
    if pairs < facts.class_pairs:
        yield f"needs at least {facts.class_pairs} pairs of fakes of one class; {fake.name} has {pairs}. Draw more samples."
    if facts.per_class and isinstance(real, Sample) and real.labels is not None:
        classes = real.labels.unique()
        held = torch.nn.functional.pad(counts, (0, max(int(classes.max()) + 1 - len(counts), 0)))[classes]
        few = int((held < facts.per_class).sum())
        if few:
            label = int(classes[(held < facts.per_class).nonzero()[0, 0]])
            yield (
                f"needs at least {facts.per_class} fakes of every class; class {label} has fewer ({few} such classes). "
                f"Draw more samples."
            )


def _of_the_classifier(
    metric: MetricId, facts: MetricFacts, inputs: EvaluationInputs, extractor: Extractor
) -> Iterator[str]:
    if extractor.classes is None:
        yield f"needs an extractor that classifies, and {extractor.name} does not (see `bench list extractors`)."
        return
    for name, forms in sides_of(facts).items():
        side = inputs.side(name, metric.held_out)
        labels = side.labels if isinstance(side, Sample) and name in facts.labels and "" in forms else None
        if labels is not None and len(labels) and int(labels.max()) >= extractor.classes:
            yield (
                f"compares labels with the classes of {extractor.name}, which knows {extractor.classes}; the labels go up "
                f"to {int(labels.max())}. Choose the extractor trained on this data set's classes."
            )
