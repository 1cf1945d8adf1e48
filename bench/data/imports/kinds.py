"""What kind of file something is: by its first bytes, never by its suffix."""

from pathlib import Path

from bench.data.limits import is_folder, open_regular, readable
from bench.errors import UserError

FOLDER, NPY, ZIP, TAR, PARQUET, UNKNOWN = "folder", "npy", "zip", "tar", "parquet", "unknown"
STARTS = (
    (b"\x93NUMPY", NPY),
    (b"PK\x03\x04", ZIP),  # an .npz too
    (b"PK\x05\x06", ZIP),  # an empty one
    (b"PAR1", PARQUET),
    (b"\x1f\x8b", TAR),  # compressed: by gzip, bzip2, xz
    (b"BZh", TAR),
    (b"\xfd7zXZ", TAR),
)
USTAR = 257  # where a plain .tar says that it is one
FORMS = (
    "a folder of images, an .npz or .npy of uint8 images, a .zip or .tar of images, or parquet shards "
    "(what is inside decides, not the suffix)"
)


def kind_of(path: Path) -> str:
    """The kind of what lies at `path`. Raises UserError where nothing lies that may be read."""
    if is_folder(path):
        return FOLDER
    try:
        with open_regular(path) as file:
            start = file.read(USTAR + 5)
    except (FileNotFoundError, ValueError):  # a zero byte in the path
        raise UserError(f"{readable(path)}: there is no such file or folder. Expected {FORMS}.") from None
    except OSError as error:
        raise UserError(f"{readable(path)}: {error.strerror}. Expected {FORMS}.") from error
    if start[USTAR:] == b"ustar":
        return TAR
    return next((kind for first, kind in STARTS if start.startswith(first)), UNKNOWN)
