"""What members that translate pictures share: sources as inputs, and how wide their networks are."""

from bench.errors import UserError
from bench.gan import ImageSpec
from zoo.networks.widths import in_steps

PUBLISHED_WIDTH = 64  # of the first layer, in pix2pix and CycleGAN alike


def needs_sources(spec: ImageSpec, member: str) -> None:
    """Raise UserError unless the data set has pictures to translate."""
    if spec.source_channels == 0:
        raise UserError(
            f"{member} translates pictures and this data set has none to translate (source_channels = 0). "
            "Choose facades, pairs:PATH or unpaired:PATH_A,PATH_B, or an unconditional member."
        )


def proportionate_width(resolution: int, width: int = PUBLISHED_WIDTH) -> int:
    """The fixed track's width of the first layer: half the resolution, from 16 to the published 64; all in proportion to `width`."""
    return in_steps(min(max(resolution // 2, 16), PUBLISHED_WIDTH) * width / PUBLISHED_WIDTH)
