"""How wide the networks of the ProGAN and StyleGAN family are, at each feature-map size.

The papers choose widths for 256 to 1024 px and keep them for small images, where a network of 20 M parameters learns from
pictures of 16 px. The fixed track asks what a method is worth at a cost that fits the picture, so its members are
`proportionate`; the published widths are each member's `PUBLISHED`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Widths:
    """`base / r` channels where features are r px wide, at most `most`; latents and styles of `latent` numbers.

    `base` is twice `fmap_base` of ProGAN's and StyleGAN's code and equal to `channel_base` of StyleGAN2-ADA's.
    """

    base: int
    most: int = 512
    latent: int = 512

    def at(self, size: int) -> int:
        """Channels of features of size x size px, in steps of 8."""
        return in_steps(min(self.base / size, self.most))


STEP = 8  # channels


def in_steps(channels: float) -> int:
    """The nearest multiple of 8, at least 8."""
    return max(STEP, round(channels / STEP) * STEP)


def proportionate(resolution: int, published: Widths, width: int | None = None) -> Widths:
    """The fixed track's widths: R channels at the full R px (16 at least), doubling with every halving.

    Latents and styles have 8 R numbers. Nothing is wider than it was published: at 128 px and above the whole network
    has about its published size. With `width` everything is in proportion to it, where `published.most` is as it is.
    """
    share = 1.0 if width is None else width / published.most
    return Widths(
        base=int(share * min(max(resolution, 16) * resolution, published.base)),
        most=in_steps(share * published.most),
        latent=in_steps(share * min(8 * resolution, published.latent)),
    )
