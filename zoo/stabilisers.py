"""Which trick helps? One DCGAN, one change per member: an ablation family for a leaderboard.

Baseline: DCGAN as in Radford et al. 2016, arXiv:1511.06434, and the authors' Torch code; the member `dcgan` is its row. Every
builder below is that game with one part replaced or added, and its docstring names the part's source.

Departures: a trick's own constants are its paper's or its authors' code's where they fit the baseline, and are stated.
Penalties on the critic's gradient and spectral normalisation go with a critic without batch norm, as their papers have
it; read them against `dcgan-no-critic-norm`. No paper tried these combinations at these budgets.

Published: nothing for this family as a whole; the family's table is this suite's own.
"""

from dataclasses import replace
from functools import partial
from math import log, sqrt
from typing import Unpack

import torch
from torch import nn

from bench.gan import GAN, Average, ImageSpec, uniform
from zoo.augmentation.diffaugment import AugmentedTurn, DiffAugment, translation
from zoo.losses.objectives import SmoothedNonSaturating
from zoo.losses.penalties import DRAGAN, R1, GradientPenalty
from zoo.losses.regularisers import Consistency, FeatureMatching, HistoricalAverage, LeCam
from zoo.networks.convolutional import LATENT, Critic, Generator, resized
from zoo.networks.equalised import MinibatchDeviation
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.networks.minibatch import MinibatchHead, VirtualBatchNorm2d, WithReference
from zoo.networks.spectral import spectral
from zoo.training.baseline import Common, Parts, baseline, common, initialised, optimiser, unnormed
from zoo.training.equilibrium import Equilibrium
from zoo.training.optimisers import clipped, gated
from zoo.training.parameters import checked
from zoo.training.pools import ReplayPool
from zoo.training.priors import spherical
from zoo.training.turns import noisy, packed, replaying, top_k

# What the critic is told.


@checked(common)
def label_smoothing(spec: ImageSpec, *, real_target: float = 0.9, **chosen: Unpack[Common]) -> GAN:
    """+ one-sided label smoothing to 0.9: Salimans et al. 2016, arXiv:1606.03498, section 3.4."""
    return baseline(spec, chosen, Parts(objective=SmoothedNonSaturating(real_target)))


@checked(common)
def instance_noise(spec: ImageSpec, *, sigma: float = 0.1, **chosen: Unpack[Common]) -> GAN:
    """+ Gaussian noise on what the critic sees, from sigma 0.1 to 0: Sønderby et al. 2017, arXiv:1610.04490."""
    return baseline(spec, chosen, Parts(turn=noisy(sigma)))


@checked(common)
def experience_replay(spec: ImageSpec, *, pool: int = 512, **chosen: Unpack[Common]) -> GAN:
    """+ half of the critic's fakes from a pool of 512 old ones: Shrivastava et al. 2017, arXiv:1612.07828, section 2.3."""
    kept = ReplayPool(pool, (spec.channels, spec.resolution, spec.resolution))
    return baseline(spec, chosen, Parts(turn=replaying(kept), memory={"pool": kept}))


@checked(common)
def packing(spec: ImageSpec, *, pack: int = 2, **chosen: Unpack[Common]) -> GAN:
    """+ the critic judges two images at once: PacGAN2, Lin et al. 2018, arXiv:1712.04086."""
    critic = Critic(replace(spec, channels=pack * spec.channels), chosen["width"])
    parts = Parts(critic=initialise(critic, NORMAL, AROUND_ONE), turn=packed(pack))
    return replace(baseline(spec, chosen, parts), least_batch=max(2, pack))


# What the generator is told.


@checked(common)
def feature_matching(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ the generator matches the mean features of the critic instead: Salimans et al. 2016, section 3.1."""
    return baseline(spec, chosen, Parts(objective=FeatureMatching()))


@checked(common)
def topk(spec: ImageSpec, *, floor: float = 0.5, reached: float = 0.1, **chosen: Unpack[Common]) -> GAN:
    """+ the generator learns from the better half of its fakes in the end: Sinha et al. 2020, arXiv:2002.06224."""
    return baseline(spec, chosen, Parts(turn=top_k(floor=floor, reached=reached)))


# How the critic compares.


@checked(common)
def minibatch_discrimination(
    spec: ImageSpec, *, kernels: int = 100, dimensions: int = 5, **chosen: Unpack[Common]
) -> GAN:
    """+ 100 kernels of 5 dimensions before the critic's last layer: Salimans et al. 2016, section 3.2."""
    head = partial(MinibatchHead, kernels=kernels, dimensions=dimensions)
    critic = initialise(Critic(spec, chosen["width"], head=head), NORMAL, AROUND_ONE)
    return baseline(spec, chosen, Parts(critic=critic))


@checked(common)
def minibatch_deviation(spec: ImageSpec, *, group: int = 4, **chosen: Unpack[Common]) -> GAN:
    """+ one feature map of minibatch standard deviation, groups of 4: Karras et al. 2018, arXiv:1710.10196, section 3."""
    critic = Critic(spec, chosen["width"], head=partial(deviation_head, group=group))
    return baseline(spec, chosen, Parts(critic=initialise(critic, NORMAL, AROUND_ONE)))


def deviation_head(width: int, group: int) -> nn.Module:
    """The baseline's last layer behind one more feature map."""
    return nn.Sequential(MinibatchDeviation(group), nn.Conv2d(width + 1, 1, 4, 1, 0, bias=False))


# How the networks are normalised.


@checked(common)
def virtual_batch_norm(spec: ImageSpec, *, references: int = 64, **chosen: Unpack[Common]) -> GAN:
    """~ virtual batch norm in the generator, 64 reference latents: Salimans et al. 2016, section 3.5."""
    reference = torch.randn(references, LATENT)
    net = Generator(spec, chosen["width"], norm=partial(VirtualBatchNorm2d, references=references))
    generator = WithReference(initialise(net, NORMAL, AROUND_ONE), reference)
    return baseline(spec, chosen, Parts(generator=generator))


@checked(common)
def spectral_norm(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ spectral normalisation instead of batch norm in the critic: Miyato et al. 2018, arXiv:1802.05957."""
    return baseline(spec, chosen, Parts(critic=spectral(unnormed(spec, chosen["width"]))))


@checked(common)
def no_critic_norm(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """- batch norm in the critic."""
    return baseline(spec, chosen, Parts(critic=unnormed(spec, chosen["width"])))


# What holds a player in place.


@checked(common)
def gradient_penalty(spec: ImageSpec, *, gradient_penalty: float = 10.0, **chosen: Unpack[Common]) -> GAN:
    """+ gradient penalty, lambda 10, critic without norm: Gulrajani et al. 2017, arXiv:1704.00028."""
    terms = {"gradient_penalty": GradientPenalty(gradient_penalty)}
    return baseline(spec, chosen, Parts(critic=unnormed(spec, chosen["width"]), critic_terms=terms))


@checked(common)
def r1(spec: ImageSpec, *, r1: float = 10.0, **chosen: Unpack[Common]) -> GAN:
    """+ R1, gamma 10, critic without norm: Mescheder et al. 2018, arXiv:1801.04406."""
    return baseline(spec, chosen, Parts(critic=unnormed(spec, chosen["width"]), critic_terms={"r1": R1(r1)}))


@checked(common)
def dragan(spec: ImageSpec, *, dragan: float = 10.0, **chosen: Unpack[Common]) -> GAN:
    """+ DRAGAN's penalty, lambda 10, critic without norm: Kodali et al. 2017, arXiv:1705.07215."""
    terms = {"dragan": DRAGAN(dragan)}
    return baseline(spec, chosen, Parts(critic=unnormed(spec, chosen["width"]), critic_terms=terms))


@checked(common)
def consistency(spec: ImageSpec, *, consistency: float = 10.0, **chosen: Unpack[Common]) -> GAN:
    """+ consistency of the critic under shifts of up to 1/8, lambda 10: Zhang et al. 2020, arXiv:1910.12027.

    Shifted images are filled up with grey. The paper also flips, which digits and letters do not survive.
    """
    return baseline(spec, chosen, Parts(critic_terms={"consistency": Consistency(translation, consistency)}))


@checked(common)
def lecam(spec: ImageSpec, *, lecam: float = 0.3, **chosen: Unpack[Common]) -> GAN:
    """+ LeCam regularisation, lambda 0.3: Tseng et al. 2021, arXiv:2104.03310."""
    penalty = LeCam(lecam)
    parts = Parts(critic_terms={"lecam": penalty}, after_critic=[penalty.remember], memory={"lecam": penalty})
    return baseline(spec, chosen, parts)


@checked(common)
def historical_averaging(spec: ImageSpec, *, history: float = 1.0, **chosen: Unpack[Common]) -> GAN:
    """+ a pull of both players towards the mean of their past weights, of weight 1: Salimans et al. 2016, section 3.3."""
    gan = baseline(spec, chosen)
    pulls = {name: HistoricalAverage(name, player.net, history) for name, player in gan.players.items()}
    return baseline(
        spec,
        chosen,
        Parts(
            generator=gan.players["generator"].net,
            critic=gan.players["critic"].net,
            critic_terms={"history": pulls["critic"]},
            generator_terms={"history": pulls["generator"]},
            after_critic=[pulls["critic"].remember],
            after_generator=[pulls["generator"].remember],
            memory=pulls,
        ),
    )


@checked(common)
def diffaugment(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """+ DiffAugment, colour, translation and cutout: Zhao et al. 2020, arXiv:2006.10738."""
    return baseline(spec, chosen, Parts(turn=partial(AugmentedTurn, augment=DiffAugment())))


# How the players move.


@checked(common)
def weight_averaging(spec: ImageSpec, *, half_life: float = 10_000, **chosen: Unpack[Common]) -> GAN:
    """+ samples from an average of the generator's weights: Yazici et al. 2019, arXiv:1806.04498.

    Half-life 10,000 images as in Karras et al. 2018, arXiv:1710.10196 (their code), at most 5 % of the images seen. Batch
    norm's statistics are estimated again for the average: Izmailov et al. 2018, arXiv:1803.05407, section 3.2.
    """
    average = Average(half_life_images=half_life, ramp=0.05, standing_batches=16)
    return baseline(spec, chosen, Parts(average=average))


@checked(common)
def ttur(spec: ImageSpec, *, ratio: float = 4.0, **chosen: Unpack[Common]) -> GAN:
    """~ learning rates 4e-4 for the critic, 1e-4 for the generator: Heusel et al. 2017, arXiv:1706.08500.

    The rates are those of Zhang et al. 2019, arXiv:1805.08318; their geometric mean is the baseline's rate.

    Args:
        lr: Geometric mean of the two learning rates.
    """
    critic, generator = (
        optimiser({**chosen, "lr": chosen["lr"] * factor}) for factor in (sqrt(ratio), 1 / sqrt(ratio))
    )
    return baseline(spec, chosen, Parts(critic_optimiser=critic, generator_optimiser=generator))


@checked(common)
def gradient_clipping(spec: ImageSpec, *, gradient_norm: float = 1.0, **chosen: Unpack[Common]) -> GAN:
    """+ both players' gradients clipped to norm 1: Pascanu et al. 2013, arXiv:1211.5063."""
    steps = clipped(optimiser(chosen), gradient_norm)
    return baseline(spec, chosen, Parts(critic_optimiser=steps, generator_optimiser=steps))


@checked(common)
def critic_warmup(spec: ImageSpec, *, warm_up: float = 0.05, **chosen: Unpack[Common]) -> GAN:
    """+ the critic alone for the first 5 % of the budget, in a stage of its own."""
    gan = baseline(spec, chosen)
    (game,) = gan.schedule
    critic_only = [update for update in game.updates if update.player == "critic"]
    alone = replace(game, updates=critic_only, share=warm_up)
    return replace(gan, schedule=[alone, replace(game, share=1 - warm_up)])


@checked(common)
def adaptive_updates(spec: ImageSpec, *, balance: float = log(2), margin: float = 0.4, **chosen: Unpack[Common]) -> GAN:
    """+ a player that is too far ahead leaves its steps out: Larsen et al. 2016, arXiv:1512.09300 (their code)."""
    rule, steps = Equilibrium(balance, margin), optimiser(chosen)
    return baseline(
        spec,
        chosen,
        Parts(
            critic_optimiser=gated(steps, lambda: rule.critic_waits),
            generator_optimiser=gated(steps, lambda: rule.generator_waits),
            after_critic=[rule.observe],
            memory={"equilibrium": rule},
        ),
    )


# What tutorials argue about.


@checked(common)
def uniform_prior(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ latents uniform in [-1, 1], as the DCGAN paper has them."""
    return baseline(spec, chosen, Parts(latents=uniform(LATENT)))


@checked(common)
def spherical_prior(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ latents uniform on a sphere: White 2016, arXiv:1609.04468."""
    return baseline(spec, chosen, Parts(latents=spherical(LATENT)))


@checked(common)
def resize_convolve(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ nearest-neighbour upsampling and a 3x3 convolution instead of transposed ones: Odena et al. 2016, distill.pub."""
    generator = initialise(Generator(spec, chosen["width"], up=resized), NORMAL, AROUND_ONE)
    return baseline(spec, chosen, Parts(generator=generator))


@checked(common)
def xavier(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ weights uniform as in Glorot & Bengio 2010, instead of N(0, 0.02)."""
    return initialised(spec, nn.init.xavier_uniform_, chosen)


@checked(common)
def he(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ weights normal as in He et al. 2015, arXiv:1502.01852, instead of N(0, 0.02)."""
    return initialised(spec, nn.init.kaiming_normal_, chosen)


@checked(common)
def orthogonal(spec: ImageSpec, **chosen: Unpack[Common]) -> GAN:
    """~ orthogonal weights as in Saxe et al. 2014, arXiv:1312.6120, instead of N(0, 0.02)."""
    return initialised(spec, nn.init.orthogonal_, chosen)
