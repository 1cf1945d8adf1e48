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

import torch
from torch import nn

from bench.gan import GAN, Average, ImageSpec, adam, uniform
from zoo.augmentation.diffaugment import AugmentedTurn, DiffAugment, translation
from zoo.losses.objectives import SmoothedNonSaturating
from zoo.losses.penalties import DRAGAN, R1, GradientPenalty
from zoo.losses.regularisers import Consistency, FeatureMatching, HistoricalAverage, LeCam
from zoo.networks.convolutional import LATENT, Critic, Generator, resized
from zoo.networks.equalised import MinibatchDeviation
from zoo.networks.layers import AROUND_ONE, NORMAL, Rule, initialise
from zoo.networks.minibatch import MinibatchHead, VirtualBatchNorm2d, WithReference
from zoo.networks.spectral import spectral
from zoo.training.baseline import ADAM, Parts, baseline
from zoo.training.equilibrium import Equilibrium
from zoo.training.optimisers import clipped, gated
from zoo.training.pools import ReplayPool
from zoo.training.priors import spherical
from zoo.training.turns import noisy, packed, replaying, top_k


def unnormed(spec: ImageSpec) -> nn.Module:
    """The baseline's critic without batch norm."""
    return initialise(Critic(spec, norm=nn.Identity), NORMAL, AROUND_ONE)


# What the critic is told.


def label_smoothing(spec: ImageSpec) -> GAN:
    """+ one-sided label smoothing to 0.9: Salimans et al. 2016, arXiv:1606.03498, section 3.4."""
    return baseline(spec, Parts(objective=SmoothedNonSaturating(0.9)))


def instance_noise(spec: ImageSpec) -> GAN:
    """+ Gaussian noise on what the critic sees, from sigma 0.1 to 0: Sønderby et al. 2017, arXiv:1610.04490."""
    return baseline(spec, Parts(turn=noisy(0.1)))


def experience_replay(spec: ImageSpec) -> GAN:
    """+ half of the critic's fakes from a pool of 512 old ones: Shrivastava et al. 2017, arXiv:1612.07828, section 2.3."""
    pool = ReplayPool(512, (spec.channels, spec.resolution, spec.resolution))
    return baseline(spec, Parts(turn=replaying(pool), memory={"pool": pool}))


def packing(spec: ImageSpec) -> GAN:
    """+ the critic judges two images at once: PacGAN2, Lin et al. 2018, arXiv:1712.04086."""
    critic = initialise(Critic(replace(spec, channels=2 * spec.channels)), NORMAL, AROUND_ONE)
    return baseline(spec, Parts(critic=critic, turn=packed(2)))


# What the generator is told.


def feature_matching(spec: ImageSpec) -> GAN:
    """~ the generator matches the mean features of the critic instead: Salimans et al. 2016, section 3.1."""
    return baseline(spec, Parts(objective=FeatureMatching()))


def topk(spec: ImageSpec) -> GAN:
    """+ the generator learns from the better half of its fakes in the end: Sinha et al. 2020, arXiv:2002.06224."""
    return baseline(spec, Parts(turn=top_k(floor=0.5, reached=0.1)))


# How the critic compares.


def minibatch_discrimination(spec: ImageSpec) -> GAN:
    """+ 100 kernels of 5 dimensions before the critic's last layer: Salimans et al. 2016, section 3.2."""
    return baseline(spec, Parts(critic=initialise(Critic(spec, head=MinibatchHead), NORMAL, AROUND_ONE)))


def minibatch_deviation(spec: ImageSpec) -> GAN:
    """+ one feature map of minibatch standard deviation, groups of 4: Karras et al. 2018, arXiv:1710.10196, section 3."""
    return baseline(spec, Parts(critic=initialise(Critic(spec, head=deviation_head), NORMAL, AROUND_ONE)))


def deviation_head(width: int) -> nn.Module:
    """The baseline's last layer behind one more feature map."""
    return nn.Sequential(MinibatchDeviation(4), nn.Conv2d(width + 1, 1, 4, 1, 0, bias=False))


# How the networks are normalised.


def virtual_batch_norm(spec: ImageSpec) -> GAN:
    """~ virtual batch norm in the generator, 64 reference latents: Salimans et al. 2016, section 3.5."""
    reference = torch.randn(64, LATENT)
    net = Generator(spec, norm=partial(VirtualBatchNorm2d, references=len(reference)))
    return baseline(spec, Parts(generator=WithReference(initialise(net, NORMAL, AROUND_ONE), reference)))


def spectral_norm(spec: ImageSpec) -> GAN:
    """~ spectral normalisation instead of batch norm in the critic: Miyato et al. 2018, arXiv:1802.05957."""
    return baseline(spec, Parts(critic=spectral(unnormed(spec))))


def no_critic_norm(spec: ImageSpec) -> GAN:
    """- batch norm in the critic."""
    return baseline(spec, Parts(critic=unnormed(spec)))


# What holds a player in place.


def gradient_penalty(spec: ImageSpec) -> GAN:
    """+ gradient penalty, lambda 10, critic without norm: Gulrajani et al. 2017, arXiv:1704.00028."""
    return baseline(spec, Parts(critic=unnormed(spec), critic_terms={"gradient_penalty": GradientPenalty(10.0)}))


def r1(spec: ImageSpec) -> GAN:
    """+ R1, gamma 10, critic without norm: Mescheder et al. 2018, arXiv:1801.04406."""
    return baseline(spec, Parts(critic=unnormed(spec), critic_terms={"r1": R1(10.0)}))


def dragan(spec: ImageSpec) -> GAN:
    """+ DRAGAN's penalty, lambda 10, critic without norm: Kodali et al. 2017, arXiv:1705.07215."""
    return baseline(spec, Parts(critic=unnormed(spec), critic_terms={"dragan": DRAGAN(10.0)}))


def consistency(spec: ImageSpec) -> GAN:
    """+ consistency of the critic under shifts of up to 1/8, lambda 10: Zhang et al. 2020, arXiv:1910.12027.

    Shifted images are filled up with grey. The paper also flips, which digits and letters do not survive.
    """
    return baseline(spec, Parts(critic_terms={"consistency": Consistency(translation, 10.0)}))


def lecam(spec: ImageSpec) -> GAN:
    """+ LeCam regularisation, lambda 0.3: Tseng et al. 2021, arXiv:2104.03310."""
    penalty = LeCam(0.3)
    return baseline(
        spec, Parts(critic_terms={"lecam": penalty}, after_critic=[penalty.remember], memory={"lecam": penalty})
    )


def historical_averaging(spec: ImageSpec) -> GAN:
    """+ a pull of both players towards the mean of their past weights, of weight 1: Salimans et al. 2016, section 3.3."""
    gan = baseline(spec)
    pulls = {name: HistoricalAverage(name, player.net) for name, player in gan.players.items()}
    return baseline(
        spec,
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


def diffaugment(spec: ImageSpec) -> GAN:
    """+ DiffAugment, colour, translation and cutout: Zhao et al. 2020, arXiv:2006.10738."""
    return baseline(spec, Parts(turn=partial(AugmentedTurn, augment=DiffAugment())))


# How the players move.


def weight_averaging(spec: ImageSpec) -> GAN:
    """+ samples from an average of the generator's weights: Yazici et al. 2019, arXiv:1806.04498.

    Half-life 10,000 images as in Karras et al. 2018, arXiv:1710.10196 (their code), at most 5 % of the images seen. Batch
    norm's statistics are estimated again for the average: Izmailov et al. 2018, arXiv:1803.05407, section 3.2.
    """
    return baseline(spec, Parts(average=Average(half_life_images=10_000, ramp=0.05, standing_batches=16)))


def ttur(spec: ImageSpec) -> GAN:
    """~ learning rates 4e-4 for the critic, 1e-4 for the generator: Heusel et al. 2017, arXiv:1706.08500.

    The rates are those of Zhang et al. 2019, arXiv:1805.08318; their geometric mean is the baseline's rate.
    """
    critic, generator = adam(4e-4, betas=(0.5, 0.999)), adam(1e-4, betas=(0.5, 0.999))
    return baseline(spec, Parts(critic_optimiser=critic, generator_optimiser=generator))


def gradient_clipping(spec: ImageSpec) -> GAN:
    """+ both players' gradients clipped to norm 1: Pascanu et al. 2013, arXiv:1211.5063."""
    optimiser = clipped(ADAM, 1.0)
    return baseline(spec, Parts(critic_optimiser=optimiser, generator_optimiser=optimiser))


def critic_warmup(spec: ImageSpec) -> GAN:
    """+ the critic alone for the first 5 % of the budget, in a stage of its own."""
    gan = baseline(spec)
    (game,) = gan.schedule
    alone = replace(game, updates=[update for update in game.updates if update.player == "critic"], share=0.05)
    return replace(gan, schedule=[alone, replace(game, share=0.95)])


def adaptive_updates(spec: ImageSpec) -> GAN:
    """+ a player that is too far ahead leaves its steps out: Larsen et al. 2016, arXiv:1512.09300 (their code)."""
    rule = Equilibrium()
    return baseline(
        spec,
        Parts(
            critic_optimiser=gated(ADAM, lambda: rule.critic_waits),
            generator_optimiser=gated(ADAM, lambda: rule.generator_waits),
            after_critic=[rule.observe],
            memory={"equilibrium": rule},
        ),
    )


# What tutorials argue about.


def uniform_prior(spec: ImageSpec) -> GAN:
    """~ latents uniform in [-1, 1], as the DCGAN paper has them."""
    return baseline(spec, Parts(latents=uniform(LATENT)))


def spherical_prior(spec: ImageSpec) -> GAN:
    """~ latents uniform on a sphere: White 2016, arXiv:1609.04468."""
    return baseline(spec, Parts(latents=spherical(LATENT)))


def resize_convolve(spec: ImageSpec) -> GAN:
    """~ nearest-neighbour upsampling and a 3x3 convolution instead of transposed ones: Odena et al. 2016, distill.pub."""
    return baseline(spec, Parts(generator=initialise(Generator(spec, up=resized), NORMAL, AROUND_ONE)))


def xavier(spec: ImageSpec) -> GAN:
    """~ weights uniform as in Glorot & Bengio 2010, instead of N(0, 0.02)."""
    return initialised(spec, nn.init.xavier_uniform_)


def he(spec: ImageSpec) -> GAN:
    """~ weights normal as in He et al. 2015, arXiv:1502.01852, instead of N(0, 0.02)."""
    return initialised(spec, nn.init.kaiming_normal_)


def orthogonal(spec: ImageSpec) -> GAN:
    """~ orthogonal weights as in Saxe et al. 2014, arXiv:1312.6120, instead of N(0, 0.02)."""
    return initialised(spec, nn.init.orthogonal_)


def initialised(spec: ImageSpec, rule: Rule) -> GAN:
    """The baseline with both players' weights by `rule`."""
    generator, critic = (initialise(net(spec), rule, AROUND_ONE) for net in (Generator, Critic))
    return baseline(spec, Parts(generator=generator, critic=critic))
