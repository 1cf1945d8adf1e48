"""Moving pixels about: exact copies, and affine maps with an orthogonal low-pass filter. Differentiable twice, unlike
torch.nn.functional.grid_sample.

Images are (N, C, H, W); beyond the border they are mirrored about the last pixel.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad

# The low-pass filter of the wavelet sym6 (Daubechies 1992, section 8.1.1; values as in PyWavelets): its even shifts are
# orthonormal, so that doubling the size and halving it again gives the same image.
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
MARGIN = 5  # pixels that the filter reaches beyond the border
CENTRE = sum(index * tap for index, tap in enumerate(SYM6)) / sum(SYM6)  # of mass, in taps


def mirrored(place: Tensor, size: int) -> Tensor:
    """Coordinates folded into [0, size - 1], as a mirror at both ends would show them."""
    span = size - 1
    return span - (place.remainder(2 * span) - span).abs()


def take(images: Tensor, index: Tensor) -> Tensor:
    """Pixels by flat index: (N, C, H, W) and (N, P) -> (N, C, P)."""
    return images.flatten(2).gather(2, index[:, None].expand(-1, images.shape[1], -1))


def blit(images: Tensor, mirror: Tensor, turns: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Mirror left to right (0 or 1), turn by `turns` quarters counter-clockwise, shift down and right. All (N,) int64.

    Pixels are copied. Square images only.
    """
    size = images.shape[3]
    place = torch.arange(size, device=images.device)
    rows = mirrored(place[None, :, None] - down[:, None, None], size)  # (N, H, 1): undo the shift
    columns = mirrored(place[None, None, :] - right[:, None, None], size)
    rows, columns = torch.broadcast_tensors(rows, columns)
    last = size - 1
    turned_rows = torch.stack([rows, columns, last - rows, last - columns])
    turned_columns = torch.stack([columns, last - rows, last - columns, rows])
    which = turns.view(1, -1, 1, 1).expand(1, -1, size, size)
    rows, columns = turned_rows.gather(0, which)[0], turned_columns.gather(0, which)[0]
    columns = torch.where(mirror[:, None, None] == 1, last - columns, columns)
    return take(images, (rows * size + columns).flatten(1)).view_as(images)


def bilinear(images: Tensor, places: Tensor) -> Tensor:
    """Images at fractional (x, y) in pixels, (N, 2, P) with P = H W, between their four neighbours: (N, C, H, W)."""
    height, width = images.shape[2:]
    near = torch.stack([places[:, 0].clamp(0, width - 1), places[:, 1].clamp(0, height - 1)], 1)
    corner = near.floor().clamp(max=width - 2)
    along = (near - corner).to(images.dtype)
    x, y = along[:, None, 0], along[:, None, 1]  # (N, 1, P)
    first = (corner[:, 1] * width + corner[:, 0]).long()
    top = take(images, first) * (1 - x) + take(images, first + 1) * x
    bottom = take(images, first + width) * (1 - x) + take(images, first + width + 1) * x
    return (top * (1 - y) + bottom * y).view_as(images)


class Wavelet(nn.Module):
    """Affine maps of images between doubling them with the orthogonal filter and halving them with its adjoint."""

    taps: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("taps", torch.tensor(SYM6), persistent=False)

    def affine(self, images: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
        """The image mapped by x -> matrix x + shift about its centre: matrix (N, 2, 2), shift (N, 2) in pixels, on (x, y).

        Sampled bilinearly at twice the size. The identity is exact.
        """
        size = images.shape[3]
        fine = self.refine(images)  # starts MARGIN samples before the first pixel's
        origin = CENTRE - MARGIN  # where pixel 0 lies among the fine samples, which are half a pixel apart
        centre = origin + size - 1
        place = torch.arange(-MARGIN, 2 * size + MARGIN, device=images.device, dtype=images.dtype) - centre
        grid = torch.stack(torch.meshgrid(place, place, indexing="xy")).flatten(1)  # (2, P): x, y
        inverse = torch.linalg.inv_ex(matrix).inverse  # does not wait for the device
        source = inverse @ (grid - 2 * shift[:, :, None]) + centre  # (N, 2, P)
        inside = (source >= -MARGIN) & (source <= 2 * size + MARGIN - 1)
        source = torch.where(inside, source, mirrored((source - origin) / 2, size) * 2 + origin)
        return self.coarsen(bilinear(fine, source + MARGIN))

    def refine(self, images: Tensor) -> Tensor:
        """Twice the size plus a margin: (N, C, H, W) -> (N, C, 2H + 10, 2W + 10), filtered."""
        channels = images.shape[1]
        row = self.taps.expand(channels, 1, 1, -1)
        images = pad(images, (MARGIN,) * 4, mode="reflect")
        images = conv_transpose2d(images, row, stride=(1, 2), padding=(0, 2 * MARGIN), groups=channels)
        return conv_transpose2d(images, row.transpose(2, 3), stride=(2, 1), padding=(2 * MARGIN, 0), groups=channels)

    def coarsen(self, fine: Tensor) -> Tensor:
        """The adjoint: (N, C, 2H + 10, 2W + 10) -> (N, C, H, W)."""
        channels = fine.shape[1]
        row = self.taps.expand(channels, 1, 1, -1)
        fine = conv2d(fine, row, stride=(1, 2), groups=channels)
        return conv2d(fine, row.transpose(2, 3), stride=(2, 1), groups=channels)
