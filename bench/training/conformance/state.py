"""What a run depends on: seeds, checkpoints, the count of images."""

import io

import torch

from bench.gan import Builder, ImageSpec
from bench.training import trial
from bench.training.conformance.finding import ConformanceError
from bench.training.conformance.images import sampled


def seeds(builder: Builder, spec: ImageSpec) -> str:
    """The same seed repeats, another differs."""
    first, other = (trial.begin(trial.build(builder, spec, seed), spec, 0, iterations=2) for seed in (0, 1))
    if not trial.differing(trial.weights(first), trial.weights(other)):
        raise ConformanceError(
            "the builder draws the same weights from seeds 0 and 1: it must not seed a generator itself."
        )
    # One after the other: dropout draws from the global generator, where the builder's draws left it.
    first, again = (trial.run(trial.begin(trial.build(builder, spec, 0), spec, 0, iterations=2)) for _ in range(2))
    unlike = trial.differing(trial.weights(first), trial.weights(again))
    if unlike:
        raise ConformanceError(
            f"two runs from seed 0 differ in {', '.join(unlike)}. Draw from turn.random or the global torch "
            "generator; not from numpy, random, the clock or a generator of your own."
        )
    return "seed 0 repeats bit for bit, seed 1 differs"


def resumes(builder: Builder, spec: ImageSpec) -> str:
    """A run that was saved and restored into a new process ends as one that was not interrupted."""
    whole = trial.begin(trial.build(builder, spec, 0), spec, 0, iterations=4)
    trial.run(whole, 2)
    saved = io.BytesIO()
    torch.save(whole.state_dict(), saved)
    trial.run(whole)
    saved.seek(0)
    restored = trial.begin(trial.build(builder, spec, 1), spec, 1, iterations=4)
    restored.load_state_dict(torch.load(saved, weights_only=True))
    trial.run(restored)
    unlike = trial.differing(trial.weights(whole), trial.weights(restored))
    if unlike:
        raise ConformanceError(
            f"after a save and a restore {', '.join(unlike)} end differently. Something that training depends on is "
            "not saved: put what a network remembers into a buffer, what a loss remembers into GAN.state."
        )
    if not torch.equal(sampled(whole, spec), sampled(restored, spec)):
        raise ConformanceError(
            "after a save and a restore generate gives other images: what sampling needs must be a buffer."
        )
    return "saved, restored and continued to the same bits"


def counts_images(builder: Builder, spec: ImageSpec) -> str:
    """What the record calls images is what was drawn."""
    training = trial.begin(trial.build(builder, spec, 0), spec, 0, iterations=2)
    batches = trial.MadeUpBatches(spec, 0, training.batches.batch_size)
    training.batches = batches
    trial.run(training)
    if batches.drawn != training.now.images:
        raise ConformanceError(f"{batches.drawn} images were drawn but {training.now.images} are counted.")
    per_iteration = batches.drawn // max(training.now.step, 1) / batches.batch_size
    return f"{per_iteration:g} batches per iteration, all counted"
