"""A variational autoencoder, a baseline that is not a GAN. Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014,
arXiv:1312.6114.

Networks: DCGAN's generator as decoder, its critic but for the last layer as encoder, so that a difference
between the rows comes from the objective. The likelihood is Gaussian with the variance that is best for the batch, which
leaves no weight to tune: Rybkin, Daniilidis, Levine 2021, "Simple and Effective VAE Training with Calibrated Decoders",
arXiv:2006.13202.

Departures: convolutional networks and Adam instead of the paper's perceptrons and Adagrad. Samples are the decoder's
means, without the likelihood's noise, as is usual.

Published: nothing comparable; it is here to calibrate the scale.
"""

from functools import cached_property

import torch
from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian
from zoo.losses.weighted import Weighted
from zoo.networks.convolutional import LATENT, WIDTH, Critic, Generator, widths
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.parameters import checked


class Autoencoder(nn.Module):
    """Images (N, C, H, W) -> means and log variances of their codes, (N, 100) each; codes -> images in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        super().__init__()
        self.encoder = nn.Sequential(
            Critic(spec, width).features,
            nn.Conv2d(widths(spec.resolution, width)[0], 2 * LATENT, 4),
            nn.Flatten(),
        )
        self.decoder = Generator(spec, width)

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstructions from codes that `noise` (N, 100) displaces, means, log variances (eq. 10)."""
        means, log_variances = self.encoder(images).chunk(2, dim=1)
        codes = means + (log_variances / 2).exp() * noise
        return self.decoder(codes), means, log_variances


class AutoencoderTurn(Turn):
    """One pass through the autoencoder serves both terms."""

    @cached_property
    def coded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstructions (N, C, H, W), means and log variances (N, 100)."""
        noise = torch.randn(self.real.shape[0], LATENT, generator=self.random, device=self.real.device)
        return self.nets["autoencoder"](self.real, noise)


def reconstruction(turn: Turn) -> Tensor:
    """-log p(x | z) per image in nats, up to a constant, at the variance that makes it smallest."""
    error = (_coded(turn)[0] - turn.real).square().mean()
    return turn.real[0].numel() / 2 * error.log()


def from_prior(turn: Turn) -> Tensor:
    """KL(q(z | x) || N(0, 1)) per image in nats (appendix B)."""
    _, means, log_variances = _coded(turn)
    return (means.square() + log_variances.exp() - 1 - log_variances).sum(1).mean() / 2


def _coded(turn: Turn) -> tuple[Tensor, Tensor, Tensor]:
    assert isinstance(turn, AutoencoderTurn)
    return turn.coded


def decode(nets: Nets, prompt: Prompt) -> Tensor:
    """Images of latents, (N, C, H, W) in [-1, 1]."""
    return nets["autoencoder"].get_submodule("decoder")(prompt.latents)


@checked()
def vae(
    spec: ImageSpec,
    *,
    width: int = WIDTH,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    divergence: float = 1.0,
) -> GAN:
    """Adam at 1e-3, its default.

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    net = initialise(Autoencoder(spec, width), NORMAL, AROUND_ONE)
    terms = {"reconstruction": reconstruction, "divergence": Weighted(from_prior, divergence)}
    players = {"autoencoder": Player(net, adam(lr, betas=(beta1, beta2)))}
    stage = Stage([Update("autoencoder", terms)], AutoencoderTurn)
    return GAN(players, [stage], decode, gaussian(LATENT), least_batch=2)
