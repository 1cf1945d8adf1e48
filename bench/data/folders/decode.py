"""One image file -> uint8 pixels: formats, modes, transparency, bit depths, orientation; cropping and resizing.

Everything that decodes images of others goes through `opened`: a short list of formats, recognised by content, none of
which runs a program. An image is turned upright (EXIF), transparency is laid on white, palettes and CMYK become RGB.
Grey of 16 bits is scaled to 8 over its whole range (v / 257, rounded), of 12 bits too (v * 255 / 4095); colour of 16 bits
keeps its upper 8. Refused: animations (which frame?), floating point, signed and 32-bit values (which range?).
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.data.limits import open_regular

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # as Pillow calls them; no EPS, which runs a program
NAMED = "PNG, JPEG, WebP, BMP, GIF, TIFF or PPM"
FILTER = Image.Resampling.BICUBIC  # antialiased when shrinking, as Parmar et al. 2022 (clean-fid) recommend
RESIZED = "bicubic antialias"  # how a preprocessing line calls it
GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B"}
DEEP = {"I", "I;16", "I;16L", "I;16B"}  # more than 8 bits
UPRIGHT = 0x0112  # EXIF tag of the orientation; values 5 to 8 lie on their side
BITS, SAMPLE_FORMAT, SIGNED = 258, 339, 2  # TIFF tags
STILL = {"MPO"}  # photographs that carry a preview as a second frame


class BrokenPictureError(Exception):
    """A file that cannot be read as a still image. The message is the reason alone, e.g. "truncated"."""


@dataclass(frozen=True)
class Header:
    """What a file says about itself before its pixels are read."""

    width: int
    height: int
    colour: bool
    format: str = ""  # as Pillow calls it, e.g. "JPEG"
    deep: bool = False  # whether it is grey with more than 8 bits


class _Quiet:
    """Pillow's warnings while any thread decodes: size is an error, odd metadata is nothing. `warnings` alone is not
    safe between threads.
    """

    def __init__(self) -> None:
        self.lock, self.users = threading.Lock(), 0
        self.filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self.lock:
            if self.users == 0:
                self.filters = warnings.catch_warnings()
                self.filters.__enter__()
                warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
            self.users += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0:
                self.filters.__exit__(None, None, None)


_quiet = _Quiet()


@contextmanager
def opened(file: Path | IO[bytes]) -> Iterator[Image.Image]:
    """An image of one of `FORMATS`, its pixels not read yet. Raises BrokenPictureError, also for what goes wrong inside."""
    with _quiet:
        try:
            source = open_regular(file) if isinstance(file, Path) else nullcontext(file)
            with source as stream, Image.open(stream, formats=FORMATS) as image:
                yield image
        except BrokenPictureError:
            raise
        except Exception as error:  # decoders raise anything when they meet hostile bytes
            raise BrokenPictureError(reason(error)) from error


def read_header(file: Path | IO[bytes]) -> Header:
    """Size (upright), whether it has colour, and its format. Raises BrokenPictureError."""
    with opened(file) as image:
        width, height = image.size
        if image.getexif().get(UPRIGHT, 1) in (5, 6, 7, 8):
            width, height = height, width
        return Header(width, height, image.mode not in GREY, image.format or "", image.mode in DEEP)


def read_picture(file: Path | IO[bytes], colour: bool) -> Image.Image:
    """The image in mode "RGB" or "L". Raises BrokenPictureError."""
    with opened(file) as image:
        refuse_animation(image)
        bits = refuse_signed(image)
        image.load()
        return to_mode(ImageOps.exif_transpose(image), "RGB" if colour else "L", bits)


def refuse_animation(image: Image.Image) -> None:
    """Animations (GIF, APNG, WebP) and files of several pages are not one image."""
    frames = getattr(image, "n_frames", 1)  # Pillow gives it to formats that can hold several
    if frames > 1 and image.format not in STILL:
        raise BrokenPictureError(
            f"animated or several pages ({frames} frames); save the frames you want as single files"
        )


def refuse_signed(image: Image.Image) -> int:
    """The bits per value of a grey image with more than eight; refuses values that have no agreed black and white."""
    if image.format != "TIFF":
        return 16  # Pillow stretches a PPM to 16 bits by its own maximum; a PNG has 16
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(BITS, (1,))[0]
    if SIGNED in tags.get(SAMPLE_FORMAT, (1,)):
        raise BrokenPictureError(f"signed {bits}-bit values: which one is black? save it with unsigned 8 or 16 bits")
    if image.mode in DEEP and bits > 16:
        raise BrokenPictureError(f"{bits} bits per value: which one is white? save it with 8 or 16 bits")
    return int(bits)


def to_mode(image: Image.Image, mode: str, bits: int = 16) -> Image.Image:
    """8 bits per channel, no transparency, `mode` "RGB" or "L"; `bits` of a grey image with more than eight."""
    if image.mode == "F":
        raise BrokenPictureError("floating-point values; save it with 8 or 16 bits")
    if image.mode in DEEP:
        image = eight_bits(image, bits)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def eight_bits(image: Image.Image, bits: int = 16) -> Image.Image:
    """Deep grey -> 8-bit grey over the whole range of `bits` (Pillow's own conversion would clip)."""
    values, top = np.asarray(image).astype(np.int64), 2**bits - 1
    if values.min() < 0 or values.max() > top:
        raise BrokenPictureError(f"values outside 0..{top}; save it with 8 or 16 bits")
    return Image.fromarray(((2 * 255 * values + top) // (2 * top)).astype(np.uint8))  # rounded half up


def reason(error: BaseException) -> str:
    """Why a file cannot be read."""
    if isinstance(error, UnidentifiedImageError):
        return f"not an image ({NAMED})"
    if isinstance(error, FileNotFoundError):
        return "missing, or a link to nothing"
    if isinstance(error, PermissionError):
        return "not readable (permission denied)"
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return error.strerror
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
    text = str(error) or type(error).__name__
    return "truncated" if "truncated" in text.lower() else f"damaged ({text[:200]})"


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
