"""Images made anywhere, to be scored: a folder, or an .npz as ADM's evaluator reads it."""

from pathlib import Path

import numpy as np

from bench.data.folders.decode import BrokenPictureError, pixels, read_picture
from bench.data.folders.listing import in_order, list_files, read_headers, refuse_broken
from bench.data.imports.archives import load_npz
from bench.errors import UserError

EXPECTED = "Expected arr_0: uint8 of shape (N, H, W, 3), (N, H, W, 1), (N, 3, H, W) or (N, 1, H, W)."


def read_images(path: str | Path) -> np.ndarray:
    """All images of a folder (nested or not, one size) or of an .npz / .npy: (N, C, H, W) uint8.

    Files of a folder are taken in the order of their paths. Nothing is resized: images to be scored must have been made
    at the size they are scored at. Raises UserError.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        return read_folder(path)
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder. Expected a folder of images or an .npz file.")
    if path.suffix.lower() not in (".npz", ".npy"):
        raise UserError(f"{path}: not something to score. Expected a folder of images or an .npz file. {EXPECTED}")
    return read_array(path)


def read_folder(folder: Path) -> np.ndarray:
    """All images of a folder, of one size, as (N, C, H, W) uint8; grey (C = 1) only if every one is grey."""
    files = list_files(folder, "images")
    headers = read_headers(files)
    good = [header for header in headers if not isinstance(header, BrokenPictureError)]
    broken = [
        f"{file.name}: {head}"
        for file, head in zip(files, headers, strict=True)
        if isinstance(head, BrokenPictureError)
    ]
    refuse_images(folder, len(files), broken)
    sizes = {(header.width, header.height): file.name for file, header in zip(files, good, strict=True)}
    if len(sizes) > 1:
        shown = ", ".join(f"{name} is {w} x {h}" for (w, h), name in list(sizes.items())[:3])
        raise UserError(f"images: {folder} has images of {len(sizes)} sizes: {shown}. Expected one size.")
    colour = any(header.colour for header in good)

    def read(path: Path) -> np.ndarray | BrokenPictureError:
        try:
            return pixels(read_picture(path, colour))
        except BrokenPictureError as problem:
            return problem

    images = np.empty((len(files), 3 if colour else 1, good[0].height, good[0].width), np.uint8)
    for i, image in enumerate(in_order(read, [file.path for file in files])):
        if isinstance(image, BrokenPictureError):
            broken.append(f"{files[i].name}: {image}")
        else:
            images[i] = image
    refuse_images(folder, len(files), broken)
    return images


def refuse_images(folder: Path, total: int, broken: list[str]) -> None:
    """Broken files among images to be scored are never skipped: the sample would not be what was made."""
    try:
        refuse_broken("images", folder, total, broken)
    except UserError as error:
        raise UserError(str(error).replace(", or skip and record them with --skip-broken", "")) from None


def read_array(path: Path) -> np.ndarray:
    """The images of an .npz or .npy."""
    if path.suffix.lower() == ".npz":
        arrays = load_npz(path, EXPECTED)
        return channels_first(path, arrays[_only_name(path, list(arrays))])
    try:
        return channels_first(path, np.load(path, allow_pickle=False))
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path}: it cannot be read ({error}). {EXPECTED}") from error


def _only_name(path: Path, found: list[str]) -> str:
    if "arr_0" in found:
        return "arr_0"
    if len(found) == 1:
        return found[0]
    raise UserError(f"{path}: holds {', '.join(found) or 'nothing'}. {EXPECTED}")


def channels_first(path: Path, array: np.ndarray) -> np.ndarray:
    """(N, H, W, C) or (N, C, H, W) uint8 -> (N, C, H, W). Read as NHWC where both would fit, as ADM writes it."""
    wrong = array.dtype != np.uint8 or array.ndim != 4 or len(array) == 0
    if wrong or not {array.shape[1], array.shape[3]} & {1, 3}:
        raise UserError(f"{path}: found {array.dtype} of shape {array.shape}. {EXPECTED}")
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2)) if array.shape[3] in (1, 3) else array
