"""Denoising diffusion GAN. Xiao, Kreis, Vahdat, "Tackling the Generative Learning Trilemma with Denoising Diffusion GANs",
ICLR 2022, arXiv:2112.07804.

A diffusion of T = 4 large steps, too large for a Gaussian to undo one: a GAN does. The generator guesses the image x_0 behind
x_t from a latent of its own, and x_{t-1} is drawn from the diffusion's posterior q(x_{t-1} | x_t, x_0) around the guess. The
critic is shown x_{t-1} beside x_t and told t; real pairs come from diffused images (equation 4, figure 3). Four passes make an
image. Non-saturating loss, R1 on real x_{t-1} every 15 iterations.

Networks: a narrow U-Net (zoo/networks/unet.py) to whose embedding of the time a mapping of the latent is added, and a residual
critic with the same embedding of the time. Variances are those of the variance-preserving diffusion with beta 0.1 to 20.

Departures: the paper's generator is NCSN++ (48 M parameters on CIFAR-10). Rates are four times the paper's, beside a budget of
400,000 iterations, and fall to a tenth along half a cosine. Gamma of R1 is 0.02 and latents have 100 numbers, as on CIFAR-10.
The average's half-life of 500,000 images is ramped.

Published: CIFAR-10, 4 passes: FID 3.75, IS 9.63, recall 0.57 (table 1).
"""

from functools import cached_property, partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu

from bench.gan import GAN, Average, Context, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian
from zoo.losses.objectives import NonSaturating
from zoo.losses.penalties import R1
from zoo.networks.equalised import MinibatchDeviation, pixel_norm
from zoo.networks.unet import Sinusoids, UNet, first_width
from zoo.training.denoising import RAMP, noise_size, starting_noise
from zoo.training.parameters import checked
from zoo.training.rates import cosine

BETA_LEAST, BETA_MOST = 0.1, 20.0
LATENT = 100
MAPPING = 4  # layers from a latent to what is added to the embedding
R1_EVERY = 15


class Diffusion:
    """x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e, t = 0 ... T, with a_0 = 1; steps t are integers, floats or tensors (N, 1, 1, 1)."""

    def __init__(self, steps: int):
        self.steps = steps

    def kept(self, t: Tensor) -> Tensor:
        """a_t = exp(-integral of beta over [0, t / T]): appendix A."""
        time = t / self.steps
        return (-BETA_LEAST * time - (BETA_MOST - BETA_LEAST) * time.square() / 2).exp()

    def pair(self, images: Tensor, t: Tensor, noises: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """x_{t-1} of images, and x_t from it, by two noises of the images' shape."""
        before = self.kept(t - 1)
        step = self.kept(t) / before
        earlier = before.sqrt() * images + (1 - before).sqrt() * noises[0]
        return earlier, step.sqrt() * earlier + (1 - step).sqrt() * noises[1]

    def posterior(self, images: Tensor, later: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """A draw from q(x_{t-1} | x_t, x_0), by a noise: Ho et al. 2020, arXiv:2006.11239, equations 6 and 7."""
        before, now = self.kept(t - 1), self.kept(t)
        step = now / before
        mean = (before.sqrt() * (1 - step) * images + step.sqrt() * (1 - before) * later) / (1 - now)
        return mean + ((1 - before) * (1 - step) / (1 - now)).sqrt() * noise


class Generator(nn.Module):
    """x_t (N, C, R, R), times t / T (N,), z (N, 100) -> guesses of x_0, (N, C, R, R) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        self.body = UNet(spec, width, silent=False)
        widths = [LATENT] + [self.body.embedding] * MAPPING
        self.mapping = nn.Sequential()
        for before, after in pairwise(widths):
            self.mapping.extend([nn.Linear(before, after), nn.SiLU()])

    def forward(self, noisy: Tensor, times: Tensor, latents: Tensor) -> Tensor:
        return self.body(noisy, times, self.mapping(pixel_norm(latents))).tanh()


class Block(nn.Module):
    """Features (N, A, H, H), embedding (N, E) -> (N, B, H / 2, H / 2)."""

    def __init__(self, before: int, after: int, embedding: int):
        super().__init__()
        self.enter = nn.Conv2d(before, after, 3, padding=1)
        self.shift = nn.Linear(embedding, after)
        self.leave = nn.Conv2d(after, after, 3, padding=1)
        self.skip = nn.Conv2d(before, after, 1, bias=False)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        hidden = self.enter(leaky_relu(features, 0.2)) + self.shift(embedding)[:, :, None, None]
        hidden = self.leave(leaky_relu(hidden, 0.2))
        return avg_pool2d(hidden + self.skip(features), 2) / 2**0.5


class Critic(nn.Module):
    """x_{t-1} and x_t (N, C, R, R), times t / T (N,) -> logits (N,)."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        first = first_width(spec.resolution, width)
        halvings = spec.resolution.bit_length() - 3  # down to 4 px
        widths = [min(first << stage, 8 * first) for stage in range(halvings + 1)]
        embedding = 4 * first
        self.clock = nn.Sequential(
            Sinusoids(first), nn.Linear(first, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU()
        )
        self.enter = nn.Conv2d(2 * spec.channels, first, 1)
        self.blocks = nn.ModuleList(Block(*pair, embedding) for pair in pairwise(widths))
        self.deviation = MinibatchDeviation()
        self.last = nn.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1)
        self.head = nn.Linear(widths[-1], 1)

    def forward(self, earlier: Tensor, later: Tensor, times: Tensor) -> Tensor:
        embedding = self.clock(times)
        features = self.enter(torch.cat([earlier, later], 1))
        for block in self.blocks:
            features = block(features, embedding)
        features = leaky_relu(self.last(self.deviation(features)), 0.2)
        return self.head(features.sum((2, 3))).squeeze(1)


class StepTurn(Turn):
    """Each image at a step t of its own: `real` is its x_{t-1}, `fake` the generator's, and both are judged beside x_t."""

    def __init__(self, context: Context, *, diffusion: Diffusion):
        super().__init__(context)
        self.diffusion = diffusion

    def normal(self) -> Tensor:
        """Standard normal noise of the images' shape."""
        images = self.batch.images
        return torch.randn(images.shape, generator=self.random, device=images.device)

    @cached_property
    def t(self) -> Tensor:
        """Steps from 1 to T, (N, 1, 1, 1)."""
        images = self.batch.images
        drawn = torch.randint(self.diffusion.steps, (images.shape[0],), generator=self.random, device=images.device)
        return (drawn + 1).to(images.dtype)[:, None, None, None]

    @cached_property
    def times(self) -> Tensor:
        """t / T, (N,)."""
        return self.t.flatten() / self.diffusion.steps

    @cached_property
    def pair(self) -> tuple[Tensor, Tensor]:
        """x_{t-1} and x_t of the real images."""
        return self.diffusion.pair(self.batch.images, self.t, (self.normal(), self.normal()))

    @cached_property
    def real(self) -> Tensor:
        """x_{t-1}, (N, C, R, R)."""
        return self.leaf("real", self.pair[0])

    @cached_property
    def fake(self) -> Tensor:
        """The generator's x_{t-1} of the same x_t; detached while the critic moves."""
        later = self.pair[1]
        latents = torch.randn(later.shape[0], LATENT, generator=self.random, device=later.device)
        guess = self.nets["generator"](later, self.times, latents)
        fake = self.diffusion.posterior(guess, later, self.t, self.normal())
        return fake if self.mover == "generator" else fake.detach()

    def judge(self, images: Tensor) -> Tensor:
        """D(x_{t-1}, x_t, t): logits, (N,)."""
        return self.nets["critic"](images, self.pair[1], self.times)


def denoise(nets: Nets, prompt: Prompt, *, spec: ImageSpec, diffusion: Diffusion) -> Tensor:
    """Images after T passes from x_T, the prompt's latents: (N, C, R, R) in [-1, 1]."""
    images = starting_noise(prompt, spec)
    for step in range(diffusion.steps, 0, -1):
        t = images.new_full((1, 1, 1, 1), step)
        latents, noise = (
            torch.randn(shape, generator=prompt.random, device=images.device)
            for shape in ((prompt.count, LATENT), images.shape)
        )
        guess = nets["generator"](images, t.flatten().expand(prompt.count) / diffusion.steps, latents)
        images = diffusion.posterior(guess, images, t, noise)
    return images


@checked()
def ddgan(
    spec: ImageSpec,
    *,
    width: int = 64,
    generator_lr: float = 6.4e-4,
    critic_lr: float = 5e-4,
    beta1: float = 0.5,
    beta2: float = 0.9,
    critic_steps: int = 1,
    r1: float = 0.02,
    half_life: float = 500_000,
    steps: int = 4,
) -> GAN:
    """Adam with betas (0.5, 0.9); four steps.

    Args:
        steps: T of the diffusion, in training and in sampling.
    """
    rate, betas = partial(cosine, end=0.1), (beta1, beta2)
    average = Average(half_life_images=half_life, ramp=RAMP)
    players = {
        "generator": Player(Generator(spec, width), adam(generator_lr, betas), average, rate),
        "critic": Player(Critic(spec, width), adam(critic_lr, betas), rate=rate),
    }
    objective, diffusion = NonSaturating(), Diffusion(steps)
    updates = [
        Update("critic", {"adversarial": objective.critic}, repeat=critic_steps),
        Update("critic", {"r1": R1(r1)}, every=R1_EVERY),
        Update("generator", {"adversarial": objective.generator}),
    ]
    generate = partial(denoise, spec=spec, diffusion=diffusion)
    stage = Stage(updates, partial(StepTurn, diffusion=diffusion))
    return GAN(players, [stage], generate, gaussian(noise_size(spec)), least_batch=2)
