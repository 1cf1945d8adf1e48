"""Images as people have them, arrays, tensors, pictures or files, as the data package keeps them."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bench.data import ImageSet
from bench.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

Pixels = np.ndarray | Tensor | list["Image.Image"]
Images = Pixels | tuple[Pixels, Any]  # with labels, (images, labels)
Range = tuple[float, float]


def image_set(images: Images, name: str, value_range: Range | None = None) -> ImageSet:
    """Images in memory as uint8 (N, C, H, W).

    Args:
        images: (N, C, H, W), (N, H, W, C) or, grey, (N, H, W); C is 1 or 3. Or a list of PIL pictures of one size. Or one of
            these and (N,) whole numbers, the classes: (images, labels).
        name: For messages.
        value_range: Which values are black and white, of floating-point images: (0, 1), (-1, 1) or (0, 255).

    Raises:
        UserError: Another shape or type, an order of axes that cannot be told, values that are not finite or out of range.
    """
    given, labels = images if isinstance(images, tuple) else (images, None)
    pixels = _eight_bit(_array(given, name), name, value_range)
    return ImageSet(name, pixels, None if labels is None else _classes(labels, len(pixels), name))


def _classes(labels: Any, count: int, name: str) -> np.ndarray:
    found = np.asarray(torch.as_tensor(labels).cpu())
    if found.shape != (count,) or found.dtype.kind not in "iu":
        raise UserError(
            f"{name}: labels are {found.dtype} of shape {found.shape}. {count} whole numbers were expected, one per image."
        )
    return found.astype(np.int64)


def _array(images: Pixels, name: str) -> np.ndarray:
    """(N, C, H, W), of whatever type."""
    if isinstance(images, Tensor):
        found = images.detach().cpu().float().numpy() if images.is_floating_point() else images.cpu().numpy()
    elif isinstance(images, np.ndarray):
        found = images
    else:
        found = _stacked(images, name)
    if found.ndim == 3:
        return found[:, None]
    if found.ndim == 4:
        first, last = found.shape[1] in (1, 3), found.shape[3] in (1, 3)
        if first and last:
            raise UserError(
                f"{name}: of shape {found.shape} it cannot be told which axis holds the colours. Give more than 3 pixels a side."
            )
        if first:
            return found
        if last:
            return np.ascontiguousarray(np.moveaxis(found, 3, 1))
    raise UserError(
        f"{name}: an array of shape {found.shape}. Images were expected: (N, C, H, W), (N, H, W, C) or (N, H, W), with "
        f"1 or 3 channels."
    )


def _stacked(pictures: Any, name: str) -> np.ndarray:
    """PIL pictures of one size and mode; grey ones stay grey."""
    try:
        listed = list(pictures)
        modes = {"L" if picture.mode in ("1", "L") else "RGB" for picture in listed}
        mode = "L" if modes == {"L"} else "RGB"
        return np.stack([np.asarray(picture.convert(mode)) for picture in listed])
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(
            f"{name}: not images: {error}. An array, a tensor, or a list of PIL pictures of one size was expected."
        ) from None


def _eight_bit(images: np.ndarray, name: str, value_range: Range | None) -> np.ndarray:
    """The same as uint8, to the nearest of its 256 levels."""
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise UserError(
            f"{name}: pixels are {images.dtype}. uint8 was expected, or floating point with value_range=(0, 1)."
        )
    if value_range is None:
        raise UserError(
            f"{name}: pixels are {images.dtype}, from {images.min():.3g} to {images.max():.3g}. Say which values are black "
            f"and white: value_range=(0, 1) or (-1, 1)."
        )
    low, high = value_range
    if not high > low:
        raise UserError(f"value_range {value_range}: the second number must be greater than the first.")
    slack = (high - low) * 1e-5  # rounding of single precision
    if not (np.isfinite(images).all() and images.min() >= low - slack and images.max() <= high + slack):
        raise UserError(
            f"{name}: values from {images.min():.4g} to {images.max():.4g}, all finite: {bool(np.isfinite(images).all())}; "
            f"expected {low:g} to {high:g}. Clip them, or give their range."
        )
    return ((images - low) * (255 / (high - low))).round().clip(0, 255).astype(np.uint8)
