"""VQGAN, first stage. Esser, Rombach, Ommer, "Taming Transformers for High-Resolution Image Synthesis", CVPR 2021,
arXiv:2012.09841.

Networks: the convolutional autoencoder of table 7 (zoo/networks/vqgan.py) with a codebook of 1,024 codes and the
PatchGAN critic, as configured in CompVis/taming-transformers configs/imagenet_vqgan.yaml. Objective: absolute error and
a perceptual distance, the codebook's terms (eq. 4), and the hinge loss at the adaptive weight lambda (eq. 6 and 7)
times 0.8; the critic's loss is halved. Adam with betas (0.5, 0.9) at 4.5e-6 per image of a batch, taken for a batch of
64.

Departures: codes that no feature of the first batch chose become features of it, and features of a later one whenever they are
out of use (Jukebox's random restarts); the released code draws them close to 0 and leaves them there, and all features share a few of
them for thousands of steps. The perceptual distance is measured in the critic's own features (Larsen et al. 2016,
arXiv:1512.09300; Wang et al. 2018, arXiv:1711.11585, eq. 4) instead of LPIPS, whose VGG would have to be downloaded and has
seen ImageNet. So the critic learns from the first step on; the adversarial term joins after a quarter of the budget (the
configurations: after 10,000 to 250,001 steps). beta = 0.25 weighs the codes' term, as in the released code, which names that
a fault and keeps it for its published weights: eq. 4 has no beta, and van den Oord et al. 2017, arXiv:1711.00937, eq. 3,
have it at the other term, the commitment. Codes lie 16 px apart at 256 px, 8 at 128 px and 4 below; attention stays at their
size. Patches shrink with images below 64 px (zoo/networks/patch.py). Fixed track: R channels at R px, 32 to 128, codes of twice as
many numbers, and a critic whose first layer has half of R, 16 to 64; at 256 px these are the published networks.

Known: once the adversarial term has joined, the critic hardly tells reconstructions from images, its loss stays at 1 and
lambda grows, with the released code (CompVis/taming-transformers issue 44) as here (results/cifar10-tokens-cpu).

Published: ImageNet at 256 px, 1,024 codes: FID 7.94 of reconstructions of the validation set (README of that repository).
"""

from functools import partial

from torch import Tensor

from bench.gan import GAN, ImageSpec, Nets, Player, Prompt, Stage, Update, adam
from zoo.losses.reconstruction import Adversarial, codes, halved, perceptual_distance, pixel_distance
from zoo.losses.weighted import Weighted
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.networks.vqgan import Autoencoder, Critic, critic_width, proportionate
from zoo.training.parameters import checked
from zoo.training.reconstruction import ReconstructionTurn, autoencoder_update

RATE = 64 * 4.5e-6


def rebuild(nets: Nets, prompt: Prompt) -> Tensor:
    """The prompt's pictures through the codes and back, (N, C, H, W) in [-1, 1]."""
    return nets["autoencoder"](prompt.source)[0].clamp(-1, 1)


@checked()
def vqgan(
    spec: ImageSpec,
    *,
    width: int = 128,
    lr: float = RATE,
    beta1: float = 0.5,
    beta2: float = 0.9,
    pixels: float = 1.0,
    perceptual: float = 1.0,
    codebook: float = 0.25,
    adversarial: float = 0.8,
    adversarial_from: float = 0.25,
) -> GAN:
    """Adam at 2.88e-4 with betas (0.5, 0.9) for both; the critic's weights from N(0, 0.02).

    Args:
        width: Channels of the autoencoder next to the image as published; fewer below 128 px.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    narrow = critic_width(spec.resolution, width)
    critic = initialise(Critic(spec.channels, spec.resolution, narrow), NORMAL, AROUND_ONE)
    players = {
        "autoencoder": Player(Autoencoder(spec.channels, proportionate(spec.resolution, width)), optimiser),
        "critic": Player(critic, optimiser),
    }
    losses = {
        "pixels": Weighted(pixel_distance, pixels),
        "perceptual": Weighted(perceptual_distance, perceptual),
        "codebook": partial(codes, weight=codebook),
        "adversarial": Adversarial(adversarial, adversarial_from),
    }
    updates = [autoencoder_update(losses), Update("critic", {"adversarial": halved})]
    return GAN(players, [Stage(updates, ReconstructionTurn)], rebuild, task="reconstruction", least_batch=2)
