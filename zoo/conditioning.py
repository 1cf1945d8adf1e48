"""How to tell a GAN the class: one network, one change per member, a family for a leaderboard.

Baseline: SNGAN with a projection critic (Miyato & Koyama 2018, arXiv:1802.05637), the member `sngan-projection`, which is the
row "projection". Every builder below has its generator, with class-conditional batch norm, its spectrally normalised
critic up to the last layer, its optimiser and its five critic steps. What the critic ends in, and the losses that go with
it, is replaced; the docstring names the source. Fakes are asked for the labels of the real batch unless it says otherwise.

Departures: constants of a method are those of its paper or of PyTorch-StudioGAN's CIFAR-10 configurations (947b35e),
which compares the same methods on larger networks (BigGAN's, with attention and averaged weights). ReACGAN and ADC-GAN
were published with those alone.

Published: StudioGAN's table for CIFAR-10 (README at 947b35e) has most of these methods on BigGAN's networks, one seed each; no
figures are known for these networks.
"""

from collections.abc import Callable
from functools import partial
from typing import Unpack

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bench.gan import GAN, ImageSpec, Loss, Turn
from zoo.losses.classes import conditional_contrastive, data_to_data, multi_hinge
from zoo.losses.weighted import Weighted
from zoo.networks.conditional import needs_labels
from zoo.networks.heads import ClassHead, MultiHingeHead, PlainHead, ProjectionHead, ProxyHead
from zoo.training.conditioning import BalancedTurn, Common, Critic, LabelMaps, common, family, judged
from zoo.training.parameters import checked

# How little the critic can be told.


@checked(common)
def norm_only(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """- the critic's class: it is told to the generator's batch norm alone.

    Dumoulin et al. 2017, arXiv:1610.07629; what sets the class apart is then nothing but chance.
    """
    needs_labels(spec, "sngan-cbn")
    return family(spec, chosen, Critic(spec, chosen["width"], PlainHead))


@checked(common)
def concatenation(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ the label as further channels of the critic's image: Mirza & Osindero 2014, arXiv:1411.1784."""
    needs_labels(spec, "sngan-concat")
    return family(spec, chosen, LabelMaps(spec, chosen["width"]))


@checked(common)
def balanced(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ fakes are asked for every class equally often, whatever the real batch holds; the critic projects, as the baseline's."""
    needs_labels(spec, "sngan-balanced")
    turn = partial(BalancedTurn, classes=spec.classes)
    return family(spec, chosen, Critic(spec, chosen["width"], ProjectionHead), turn=turn)


# A classifier beside the critic.


def classify_real(turn: Turn) -> Tensor:
    """The classifier learns from real images."""
    real, labels, _, _ = judged(turn)
    return cross_entropy(real[1], labels)


def classify_fake(turn: Turn) -> Tensor:
    """The generator wants its images to be told by the classifier."""
    _, _, fake, labels = judged(turn)
    return cross_entropy(fake[1], labels)


@checked(common)
def auxiliary(spec: ImageSpec, *, classification: float = 1.0, **chosen: Unpack[Common]) -> GAN:
    """~ a classifier on the critic's features: AC-GAN, Odena et al. 2017, arXiv:1610.09585.

    It learns from real images alone, as in StudioGAN's ACGAN-Mod.
    """
    needs_labels(spec, "sngan-acgan")
    return family(
        spec,
        chosen,
        Critic(spec, chosen["width"], ClassHead),
        critic_terms={"class": Weighted(classify_real, classification)},
        generator_terms={"class": Weighted(classify_fake, classification)},
    )


def classify_twins(turn: Turn) -> Tensor:
    """One classifier learns from real images, its twin from generated ones: Gong et al. 2019, eq. 3."""
    real, real_labels, fake, labels = judged(turn)
    return cross_entropy(real[1], real_labels) + cross_entropy(fake[2], labels)


def fool_twin(turn: Turn) -> Tensor:
    """The generator helps the first classifier and works against the twin, which keeps its classes diverse."""
    _, _, fake, labels = judged(turn)
    return cross_entropy(fake[1], labels) - cross_entropy(fake[2], labels)


@checked(common)
def twin_auxiliary(spec: ImageSpec, *, classification: float = 1.0, **chosen: Unpack[Common]) -> GAN:
    """~ two classifiers, one of real and one of generated images: TAC-GAN, Gong et al. 2019, arXiv:1907.02690."""
    needs_labels(spec, "sngan-tacgan")
    return family(
        spec,
        chosen,
        Critic(spec, chosen["width"], partial(ClassHead, classifiers=2)),
        critic_terms={"class": Weighted(classify_twins, classification)},
        generator_terms={"class": Weighted(fool_twin, classification)},
    )


def classify_with_origin(turn: Turn) -> Tensor:
    """Real images are of the first K outcomes, generated ones of the other K: Hou et al. 2022, eq. 5."""
    real, real_labels, fake, labels = judged(turn)
    return cross_entropy(real[1], real_labels) + cross_entropy(fake[1], labels + fake[1].shape[1] // 2)


def pass_for_real(turn: Turn) -> Tensor:
    """The generator wants the real outcome of its class and not the generated one."""
    _, _, fake, labels = judged(turn)
    return cross_entropy(fake[1], labels) - cross_entropy(fake[1], labels + fake[1].shape[1] // 2)


@checked(common)
def discriminative(spec: ImageSpec, *, classification: float = 1.0, **chosen: Unpack[Common]) -> GAN:
    """~ a classifier that also tells real from generated, of 2 K outcomes: ADC-GAN, Hou et al. 2022, arXiv:2107.10060."""
    needs_labels(spec, "sngan-adcgan")
    return family(
        spec,
        chosen,
        Critic(spec, chosen["width"], partial(ClassHead, outcomes=2)),
        critic_terms={"class": Weighted(classify_with_origin, classification)},
        generator_terms={"class": Weighted(pass_for_real, classification)},
    )


# A class of its own for what is generated.


class MultiHinge:
    """Kavalerov, Czaja, Chellappa 2021, arXiv:1912.04216: generated images are class K + 1."""

    def __init__(self, weight: float):
        self.weight = weight

    def critic(self, turn: Turn) -> Tensor:
        """Each image's class is ahead of all others by 1."""
        real, real_labels, fake, labels = judged(turn)
        generated = torch.full_like(labels, fake[1].shape[1] - 1)
        return multi_hinge(real[1], real_labels) + multi_hinge(fake[1], generated)

    def generator(self, turn: Turn) -> Tensor:
        """The class that was asked for is."""
        _, _, fake, labels = judged(turn)
        return self.weight * multi_hinge(fake[1], labels)


def match_features(turn: Turn) -> Tensor:
    """E |E h(x) - E h(G(z))| over the critic's features."""
    real, _, fake, _ = judged(turn)
    return (real[2].detach().mean(0) - fake[2].mean(0)).abs().mean()


@checked(common)
def multiple_hinge(
    spec: ImageSpec, *, adversarial: float = 0.05, feature_matching: float = 1.0, **chosen: Unpack[Common]
) -> GAN:
    """~ one critic of K + 1 classes and a hinge between them: MHGAN, Kavalerov et al. 2021, arXiv:1912.04216.

    With the weight of the generator's loss and the feature matching of StudioGAN's MHGAN.
    """
    needs_labels(spec, "sngan-mhgan")
    return family(
        spec,
        chosen,
        Critic(spec, chosen["width"], MultiHingeHead),
        objective=MultiHinge(adversarial),
        generator_terms={"feature_matching": Weighted(match_features, feature_matching)},
    )


# Embeddings that are compared with each other.

Comparison = Callable[[Tensor, Tensor, Tensor], Tensor]  # embeddings, proxies, labels -> scalar


def of_real(loss: Comparison) -> Loss:
    """The loss of real images."""

    def value(turn: Turn) -> Tensor:
        real, labels, _, _ = judged(turn)
        return loss(real[1], real[2], labels)

    return value


def of_fake(loss: Comparison) -> Loss:
    """The loss of generated images."""

    def value(turn: Turn) -> Tensor:
        _, _, fake, labels = judged(turn)
        return loss(fake[1], fake[2], labels)

    return value


@checked(common)
def contrastive_gan(
    spec: ImageSpec,
    *,
    contrastive: float = 1.0,
    temperature: float = 1.0,
    embedding: int = 512,
    **chosen: Unpack[Common],
) -> GAN:
    """~ embeddings near those of their class and its proxy: ContraGAN's 2C loss, Kang & Park 2020, arXiv:2006.12681."""
    needs_labels(spec, "sngan-contragan")
    loss = partial(conditional_contrastive, temperature=temperature)
    return family(
        spec,
        chosen,
        Critic(spec, chosen["width"], partial(ProxyHead, embedding=embedding)),
        critic_terms={"contrastive": Weighted(of_real(loss), contrastive)},
        generator_terms={"contrastive": Weighted(of_fake(loss), contrastive)},
    )


@checked(common)
def data_to_data_gan(
    spec: ImageSpec,
    *,
    contrastive: float = 0.5,
    temperature: float = 0.5,
    similarity: float = 0.98,
    embedding: int = 512,
    **chosen: Unpack[Common],
) -> GAN:
    """~ cross-entropy between embeddings, easy pairs left out: ReACGAN's D2D-CE, Kang et al. 2021, arXiv:2111.01118."""
    needs_labels(spec, "sngan-reacgan")
    loss = partial(data_to_data, temperature=temperature, margin=similarity)
    return family(
        spec,
        chosen,
        Critic(spec, chosen["width"], partial(ProxyHead, embedding=embedding)),
        critic_terms={"contrastive": Weighted(of_real(loss), contrastive)},
        generator_terms={"contrastive": Weighted(of_fake(loss), contrastive)},
    )
