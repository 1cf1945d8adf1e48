"""One picture file -> uint8 pixels: modes, transparency, 16 bits, orientation; cropping and resizing.

A picture is turned upright (EXIF), transparency is laid on white, 16-bit grey is scaled to 8 bits (v / 257, rounded),
palettes and CMYK become RGB. Animated files and floating-point TIFF are refused: which frame, which range?
"""

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FILTER = Image.Resampling.BICUBIC  # antialiased when shrinking, as Parmar et al. 2022 (clean-fid) recommend
RESIZED = "bicubic antialias"  # how a preprocessing line calls it
GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B"}
SIXTEEN_BIT = {"I;16", "I;16L", "I;16B"}
UPRIGHT = 0x0112  # EXIF tag of the orientation; values 5 to 8 lie on their side
STILL = {"MPO"}  # photographs that carry a preview as a second frame
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, struct.error, zlib.error)


class BrokenPictureError(Exception):
    """A file that is no readable still picture. The message is the reason alone, e.g. "truncated"."""


@dataclass(frozen=True)
class Header:
    """What a file says about itself before its pixels are read."""

    width: int
    height: int
    colour: bool


def read_header(file: Path | IO[bytes]) -> Header:
    """Size (upright) and whether it has colour. Raises BrokenPictureError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file) as image:
                width, height = image.size
                if image.getexif().get(UPRIGHT, 1) in (5, 6, 7, 8):
                    width, height = height, width
                return Header(width, height, image.mode not in GREY)
        except (*DAMAGE, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise BrokenPictureError(reason(error)) from error


def read_picture(file: Path | IO[bytes], colour: bool) -> Image.Image:
    """The picture in mode "RGB" or "L". Raises BrokenPictureError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)  # odd EXIF blocks
        try:
            with Image.open(file) as image:
                refuse_animation(image)
                image.load()
                return to_mode(ImageOps.exif_transpose(image), "RGB" if colour else "L")
        except (*DAMAGE, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise BrokenPictureError(reason(error)) from error


def refuse_animation(image: Image.Image) -> None:
    """Animations (GIF, APNG, WebP) and files of several pages have no single picture."""
    frames = getattr(image, "n_frames", 1)  # Pillow gives it to formats that can hold several
    if frames > 1 and image.format not in STILL:
        raise BrokenPictureError(
            f"animated or several pages ({frames} frames); save the frames you want as single files"
        )


def to_mode(image: Image.Image, mode: str) -> Image.Image:
    """8 bits per channel, no transparency, `mode` "RGB" or "L"."""
    if image.mode == "F":
        raise BrokenPictureError("floating-point pixels; save it with 8 or 16 bits per channel")
    if image.mode in SIXTEEN_BIT or image.mode == "I":
        image = eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey -> 8-bit grey over the whole range (Pillow's own conversion would clip)."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise BrokenPictureError("more than 16 bits per channel; save it with 8 or 16 bits")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def reason(error: BaseException) -> str:
    """Why a file cannot be read, in words."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, FileNotFoundError):
        return "missing, or a link to nothing"
    if isinstance(error, PermissionError):
        return "not readable (permission denied)"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "more pixels than Pillow thinks safe"
    text = str(error) or type(error).__name__
    return "truncated" if "truncated" in text.lower() else f"damaged ({text})"


def pixels(image: Image.Image) -> np.ndarray:
    """(C, H, W) uint8."""
    array = np.asarray(image)
    return np.ascontiguousarray(array[None] if array.ndim == 2 else array.transpose(2, 0, 1))


def picture(array: np.ndarray) -> Image.Image:
    """(C, H, W) uint8 with one or three channels -> a picture."""
    return Image.fromarray(array[0] if len(array) == 1 else np.ascontiguousarray(array.transpose(1, 2, 0)))


def centre_square(image: Image.Image, resolution: int) -> Image.Image:
    """The central square, resized to `resolution` pixels a side."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return resize(image.crop((left, top, left + side, top + side)), resolution)


def resize(image: Image.Image, resolution: int) -> Image.Image:
    """To `resolution` pixels a side; a picture of that size stays as it is."""
    return image if image.size == (resolution, resolution) else image.resize((resolution, resolution), FILTER)


def resize_array(array: np.ndarray, resolution: int) -> np.ndarray:
    """(C, H, W) uint8 -> (C, resolution, resolution) uint8, each channel by itself."""
    return np.stack([np.asarray(resize(Image.fromarray(channel), resolution)) for channel in array])
