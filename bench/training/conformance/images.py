"""What sampling gives: shape, type and range; for what was asked; from the networks that it is handed."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor, nn

from bench.gan import GAN, Builder, ImageSpec, Prompt
from bench.training import sampling, trial
from bench.training.conformance.finding import ConformanceError, ConformanceWarning
from bench.training.loop import Training
from bench.training.observer import Observer
from bench.training.sampling import verified

COUNT = 4  # images in a request
SAME = 1e-4  # largest difference of a pixel that rounding may make
LOUDER = (2.0, 8.0, 64.0)  # factors that weights and latents are scaled by to see whether images stay in range


@torch.no_grad()
def generated(gan: GAN, nets: Mapping[str, nn.Module], prompt: Prompt, spec: ImageSpec) -> Tensor:
    """The images of a prompt. Raises UserError when shape, type or range are wrong."""
    return verified(gan.generate(nets, prompt), prompt.count, spec)


def sampled(training: Training, spec: ImageSpec) -> Tensor:
    """Four images from the averaged networks."""
    images = generated(training.gan, training.sampling_nets(), sampling.prompt(training.gan, spec, COUNT), spec)
    training.resume_training_mode()
    return images


def _train(builder: Builder, spec: ImageSpec) -> Training:
    return trial.run(trial.begin(trial.build(builder, spec, 0), spec, 0, iterations=3))


trained = lru_cache(maxsize=1)(_train)  # several checks read one training


def as_asked(builder: Builder, spec: ImageSpec) -> str:
    """Generate gives what the contract says, from the averaged weights, for what was asked."""
    training = _train(builder, spec)
    gan, images = training.gan, sampled(training, spec)
    if not (images != images.flatten(1)[:, :1, None, None]).flatten(1).any(1).all():
        raise ConformanceError(
            "generate gives images of one colour. Is the last layer initialised to zero or saturated?"
        )
    if torch.equal(images[0], images[1]):
        raise ConformanceError("generate gives the same image twice: it ignores its latents or its source.")
    if not torch.equal(images, sampled(training, spec)):
        raise ConformanceError("generate differs for the same prompt: draw noise from prompt.random, and only there.")
    _answers_to_labels(training, spec)
    _reads_what_it_is_given(training, spec, images)
    return f"{gan.task}: (N, {spec.channels}, {spec.resolution}, {spec.resolution}) {images.dtype} in [-1, 1]"


def _answers_to_labels(training: Training, spec: ImageSpec) -> None:
    if training.gan.task != "conditional":
        return
    nets = training.sampling_nets()
    asked = [sampling.prompt(training.gan, spec, COUNT, labels=[label] * COUNT) for label in (0, 1)]
    zero, one = (generated(training.gan, nets, prompt, spec) for prompt in asked)
    if torch.equal(zero, one):
        raise ConformanceError("generate gives the same images for every class: read prompt.labels.")


def _reads_what_it_is_given(training: Training, spec: ImageSpec, before: Tensor) -> None:
    """Spoil the networks that have an average: images come from the average, so they stay as they are."""
    for name in training.averages:
        for parameter in training.gan.players[name].net.parameters():
            parameter.data.add_(torch.randn_like(parameter))
    if not torch.equal(before, sampled(training, spec)):
        raise ConformanceError(
            "generate does not use the averaged networks that it is given. Use `nets`, not a captured network."
        )


def uses_the_whole_range(builder: Builder, spec: ImageSpec) -> str:
    """Images reach below 0, and stay in [-1, 1] whatever the weights have become."""
    training = trained(builder, spec)
    gan, nets = training.gan, training.sampling_nets()
    prompt = sampling.prompt(gan, spec, 16)
    images = generated(gan, nets, prompt, spec)
    if float(images.min()) >= 0:
        raise ConformanceError(
            f"generate gives values from {float(images.min()):.2g} to {float(images.max()):.2g}, never below 0: does it "
            "end in a sigmoid? Images are in [-1, 1]: end in tanh, or return 2 * x - 1."
        )
    for factor in LOUDER:
        loud = _louder(gan, nets, sampling.prompt(gan, spec, 16), factor)
        if not bool(loud.isfinite().all()):
            break
        if float(loud.abs().max()) > 1.01:
            raise ConformanceError(
                f"nothing keeps images in [-1, 1]: with weights {factor:g} times as large they reach "
                f"{float(loud.abs().max()):.2g}, and training can get there. End in tanh, or clamp in generate."
            )
    return "below 0 too, and bounded by [-1, 1] for large weights"


@torch.no_grad()
def _louder(gan: GAN, nets: Mapping[str, nn.Module], prompt: Prompt, factor: float) -> Tensor:
    """Images of a copy of the networks whose weights, and of a prompt whose latents, are some times as large."""
    copies = {name: deepcopy(net) for name, net in nets.items()}
    for net in copies.values():
        for parameter in net.parameters():
            parameter.mul_(factor)
    latents = None if prompt.latents is None else prompt.latents * (factor if prompt.latents.is_floating_point() else 1)
    return gan.generate(copies, replace(prompt, latents=latents)).float()


def treats_images_one_by_one(builder: Builder, spec: ImageSpec) -> str:
    """An image does not depend on its neighbours in the batch, and sampling leaves the networks as they were."""
    training = trained(builder, spec)
    gan, nets = training.gan, training.sampling_nets()
    before = {name: deepcopy(net.state_dict()) for name, net in nets.items()}
    one, other = (sampling.prompt(gan, spec, COUNT, seed) for seed in (0, 1))
    images = generated(gan, nets, one, spec)
    training_now = [name for name, net in nets.items() if any(module.training for module in net.modules())]
    if training_now:
        raise ConformanceError(
            f"generate switches {', '.join(training_now)} to train mode: batch norm and dropout then act as in training. "
            "Networks are handed over in eval mode; leave out .train()."
        )
    changed = [name for name, net in nets.items() if not _equal(before[name], net.state_dict())]
    if changed:
        raise ConformanceError(f"generate changes {', '.join(changed)}: a buffer is written to. Sampling only reads.")
    mixed = generated(gan, nets, _half(sampling.prompt(gan, spec, COUNT, 0), other), spec)
    half = COUNT // 2
    difference = float((images[:half] - mixed[:half]).abs().max())
    if difference > SAME:
        raise ConformanceError(
            f"an image changes by up to {difference:.2g} with its neighbours in the batch: generate uses statistics of the "
            "batch. Use running statistics (eval mode), or normalise each image by itself."
        )
    return "one by one, in eval mode"


def _half(one: Prompt, other: Prompt) -> Prompt:
    """A prompt whose first half is that of one and whose second half that of another; the noise is that of `one`."""

    def joined(name: str) -> Tensor | None:
        a, b = getattr(one, name), getattr(other, name)
        return None if a is None else torch.cat([a[: COUNT // 2], b[COUNT // 2 :]])

    return replace(one, latents=joined("latents"), labels=joined("labels"), source=joined("source"))


def _equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def keeps_the_batch_free(builder: Builder, spec: ImageSpec) -> str:
    """Sampling does not make a fixed number of the batch size, which an export would keep."""
    training = trained(builder, spec)
    nets, prompt = training.sampling_nets(), sampling.prompt(training.gan, spec, COUNT)
    observer = Observer(COUNT)
    with observer:
        generated(training.gan, nets, prompt, spec)
    if observer.lengths:
        raise ConformanceWarning(
            "sampling calls len(tensor), a fixed number in an export, which then takes one batch size only. "
            f"Use tensor.shape[0]. {'; '.join(dict.fromkeys(observer.lengths))}"
        )
    return "no len(tensor)"
